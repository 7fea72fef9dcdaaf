"""Teacher, search, distillation, comparison, report: `python -m benchmarks.pipeline`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import ending
from benchmarks.command import options as shared
from benchmarks.command.claim import claimed, folder_for
from benchmarks.command.opened import opened
from benchmarks.command.plugins import load_plugins
from benchmarks.command.publish import publish
from benchmarks.distill.protocols import PROTOCOLS
from benchmarks.search.options import limits, searching

GROWING = ("students", "seeds")  # settings that a folder may continue with when they are larger


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given = list(sys.argv[1:] if argv is None else argv)
    load_plugins(given)
    options = parser().parse_args(given)

    from benchmarks.pipeline.estimate import estimate
    from benchmarks.pipeline.page import content
    from benchmarks.pipeline.plan import resolve
    from benchmarks.pipeline.run import run

    plan = resolve(options)
    words = [plan.space.name, plan.score, plan.protocol.name, plan.protocol.images]
    out = options.out or folder_for("pipeline", words, plan.identity())
    with opened(options, progress=False) as runner:
        if options.dry_run:
            print(estimate(plan, runner))
            return 0
        with claimed(out, plan.identity(), growing=GROWING, replace=options.replace):
            result = run(plan, runner, out)
            made = content(result, {**plan.identity(), "device": plan.device, "workers": runner.workers})
            print(publish(out, ["python", "-m", "benchmarks.pipeline", *given], made))
    return 0


def parser() -> argparse.ArgumentParser:
    """All options."""
    parents = [searching(200), limits(), shared.seeds(2, "trainings of each student"), shared.truth()]
    parents += [shared.machine(), shared.store(), shared.output(what="done")]
    made = shared.parser(
        "pipeline",
        "Train a teacher, search a student for it by a score, distil the student, and hold it against random "
        "students, the one with most parameters and, where a table has it, the best there is. Without options: on "
        "painted images, within ten minutes on two cores.",
        parents,
    )
    more = made.add_argument
    more("--protocol", default="small", help=", ".join(PROTOCOLS))
    more("--images", help="embedded (no download), cifar100, cifar10 (default: the protocol's)")
    more("--teacher", help="a CIFAR ResNet (default: the protocol's)")
    more("--teacher-weights", type=Path, help="its file (default: the data folder's, else trained here)")
    seen = "what a score that compares with a teacher sees: its architecture with random weights, or the trained one"
    more("--scoring-teacher", choices=("random", "trained"), default="random", help=seen)
    more("--distiller", default="kd", help="one of python -m benchmarks.distill --list")
    alone = "train the found student alone as well"
    more("--alone", action=argparse.BooleanOptionalAction, default=True, help=alone)
    more("--students", type=shared.positive, default=9, help="random students to compare with")
    return made


if __name__ == "__main__":
    ending.run(main)
