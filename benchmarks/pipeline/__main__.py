"""Teacher, search, distillation, comparison, report: `python -m benchmarks.pipeline`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.distill import options as recipes
from benchmarks.search.options import limits, searching

GROWING = ("students", "seeds")  # settings that a folder may continue with when they are larger


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, parser)

    from benchmarks.command.opened import opened
    from benchmarks.command.work import work_in_folder
    from benchmarks.pipeline.estimate import estimate
    from benchmarks.pipeline.page import content
    from benchmarks.pipeline.plan import resolve
    from benchmarks.pipeline.run import run

    plan = resolve(options)
    words = [plan.space.name, plan.score, plan.protocol.name, plan.protocol.images]
    with opened(options, progress=False) as runner:
        if options.dry_run:
            print(estimate(plan, runner))
            return 0
        return work_in_folder(
            "pipeline",
            given,
            options,
            plan.identity(),
            lambda out: content(run(plan, runner, out)),
            words=words,
            growing=GROWING,
        )


def parser() -> argparse.ArgumentParser:
    """All options."""
    made = shared.parser(
        "pipeline",
        "Train a teacher, search a student for it by a score, distil the student, and hold it against random "
        "students, the one with most parameters and, where a table has it, the best there is. Without options: on "
        "painted images, within ten minutes on two cores.",
        [
            *(recipes.protocol("small"), recipes.changes(), recipes.teacher()),
            *(searching("200; exhaustive: every network"), limits()),
            *(shared.seeds(2, "trainings of each student"), shared.truth()),
            *(shared.machine(), shared.store(), shared.output(what="done")),
        ],
    )
    seen = "what a score that compares with a teacher sees: its architecture with random weights, or the trained one"
    made.add_argument("--scoring-teacher", choices=("random", "trained"), default="random", help=seen)
    made.add_argument("--distiller", default="kd", help="one of python -m benchmarks.distill --list")
    alone = "train the found student alone as well"
    made.add_argument("--alone", action=argparse.BooleanOptionalAction, default=True, help=alone)
    made.add_argument("--students", type=numbers.positive, default=9, help="random students to compare with")
    return made


if __name__ == "__main__":
    diswot_ending.run(main)
