"""DisWOT as a distiller: Table 9's comparison on small images, over seeds: `python -m benchmarks.distiller_table`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.claim import folder_for, noted
from benchmarks.command.engine import engine_of
from benchmarks.command.plugins import begun
from benchmarks.distill import options as recipes
from benchmarks.engines.device import choose_device
from reports.published import SEARCHED_CELLS

if TYPE_CHECKING:
    from benchmarks.distill.jobs import Distillation
    from benchmarks.distill.protocols import Protocol

DISTILLERS = "ce,kd,eskd,atkd,one,dml,crd,review,ofd,diswot,diswot+"
STUDENTS = ("resnet20", SEARCHED_CELLS["diswot"])
ASKED = (
    "student",
    "distiller",
    "protocol",
    "minutes",
    "images",
    "epochs",
    "teacher_epochs",
    "precision",
    "teacher",
    "teacher_weights",
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    device = str(choose_device(options.device))
    engine = engine_of(options)
    options.out = options.out or folder_for("distiller_table", [], {name: vars(options)[name] for name in ASKED})

    from benchmarks.command.publish import Content
    from benchmarks.command.work import work_in_folder
    from benchmarks.distill import budget, jobs
    from benchmarks.tables import distillers

    # a folder that holds runs keeps its protocol: what was begun goes on, whatever the machine is doing now
    kept = None if options.replace else noted(options.out).get("protocol", {}).get("name")
    plans, said = budget.fitting(
        lambda protocol: _plans(options, protocol, device), options.protocol or kept, options.minutes, engine.workers
    )
    print(said, flush=True)
    if options.dry_run:
        print(budget.estimate(plans, engine.workers))
        return 0
    if not options.protocol:  # that the command repeats the run on a faster machine too
        given += ["--protocol", plans[0].protocol.name]
    shared_by_all = {name: value for name, value in plans[0].shared.items() if name != "student"}

    def work(out: Path) -> Content:
        histories = jobs.run_all(plans, engine)
        return distillers.content(plans, histories, jobs.teachers_top1(plans[0]), out, said)

    return work_in_folder("distiller_table", given, options, shared_by_all, work)


def _plans(options: argparse.Namespace, protocol: Protocol, device: str) -> list[Distillation]:
    from benchmarks.distill import jobs

    made = []
    for student in options.student or STUDENTS:
        recipe = recipes.changed(protocol, options)
        plan = jobs.distillation(student, options.distiller, options.seeds, options.teacher_weights, recipe, device)
        made.append(replace(plan, out=Path(options.out) / jobs.student_of(plan).slug))
    return made


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "distiller_table",
        "KD against DisWOT, DisWOT+ and the other distillers of the paper's Table 9, on the same students, under the "
        "longest protocol that fits into the time given; what is there of a run is gone on with.",
        [
            *(recipes.protocol(None), recipes.changes("embedded"), recipes.teacher()),
            *(shared.seeds(3, "repetitions of each distiller"), shared.machine(), shared.output(what="trained")),
        ],
    )
    parser.add_argument("--student", action="append", metavar="NETWORK", help=f"repeatable ({', '.join(STUDENTS)})")
    parser.add_argument("--distiller", default=DISTILLERS, help="a comma list; python -m benchmarks.distill --list")
    parser.add_argument(
        "--minutes", type=numbers.positive, default=20, help="all runs may take, where no --protocol is named"
    )
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
