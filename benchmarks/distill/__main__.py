"""Train students with one or several distillers: `python -m benchmarks.distill --student s0:333 --distiller ce,kd`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.engine import engine_of
from benchmarks.command.plugins import begun
from benchmarks.distill import options as recipes
from benchmarks.distill.protocols import PROTOCOLS
from benchmarks.engines.device import choose_device
from diswot_errors import UsageError


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    protocol, device = recipes.resolved(options), str(choose_device(options.device))
    engine = engine_of(options)

    from benchmarks.command.publish import Content
    from benchmarks.command.work import work_in_folder
    from benchmarks.distill import budget, jobs, page

    plan = jobs.distillation(
        options.student, options.distiller, options.seeds, options.teacher_weights, protocol, device
    )
    if options.teacher_epochs and not jobs.trains_teacher(plan):
        raise UsageError(
            f"--teacher-epochs {options.teacher_epochs} is for teachers that are trained here, and none is "
            f"({', '.join(plan.distillers)}, teacher {protocol.teacher}): leave --teacher-epochs out"
        )
    if options.dry_run:
        print(budget.estimate([plan], engine.workers))
        return 0

    def work(out: Path) -> Content:
        own = replace(plan, out=out)
        histories = jobs.run(own, engine)
        return page.content(own, histories, jobs.teachers_top1(own))

    words = (jobs.student_of(plan).slug, protocol.name)
    return work_in_folder("distill", given, options, plan.shared, work, words=words)


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "distill",
        "Train a student from a teacher with one or several distillers; what is there of a run is gone on with.",
        [
            *(recipes.protocol("short"), recipes.changes(), recipes.teacher()),
            *(shared.seeds(of="repetitions of each distiller"), shared.machine(), shared.output(what="trained")),
        ],
    )
    parser.add_argument("--student", required=True, metavar="ARCH|INDEX|SPACE:ARCH|RESNET", help="the network to train")
    parser.add_argument("--distiller", default="ce,kd", help="comma list, kd+crd for both at once; see --list")
    parser.add_argument("--list", action=_List, help="list distillers and protocols and stop")
    return parser


class _List(argparse.Action):
    """Print what there is to choose from, and stop."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from proxies.distillation import losses

        print("distillers, and several at once, as in kd+crd")
        for name in losses.names():
            loss = losses.get(name)
            print(f"  {name:10} teacher: {loss.teaching:10} {loss.paper}: {loss.minimises}")
        print("protocols")
        for protocol in PROTOCOLS.values():
            print(f"  {protocol.name:12} {protocol.note}")
        parser.exit()


if __name__ == "__main__":
    diswot_ending.run(main)
