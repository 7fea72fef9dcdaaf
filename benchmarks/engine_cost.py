"""What workers and engines cost, measured here and reckoned further: `python -m benchmarks.engine_cost --engine ray`.

All engines do the same jobs, in turns, so that a loaded machine slows each of them; what is compared are ratios of one
run. Nothing is stored.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.engine import engine_of
from benchmarks.command.estimate import probe
from benchmarks.command.plugins import begun
from benchmarks.engines.local import Local
from benchmarks.engines.progress import Progress
from benchmarks.scoring.runner import PER_JOB, Job
from benchmarks.scoring.study import Study, study_of
from benchmarks.tables.engine_cost import EMPTY, GROUPS, Course, cpu_seconds, measured, reckoned
from reports.tables import format_duration


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    _, options = begun(argv, _parser)
    engine = engine_of(options)
    courses = [Course("this process", Local(), 1, apart=False), Course("local", Local(engine.workers), engine.workers)]
    if options.engine != "local":
        courses += [Course(options.engine, engine, count) for count in sorted({1, engine.workers})]
    study = study_of(options, None, options.ground_truth, options.init)
    if options.dry_run:
        print(f"{options.rounds} rounds of {EMPTY} empty jobs and of {len(study.archs)} networks x {GROUPS[1]} on")
        print("\n".join(f"- {course.name}, {course.count} workers" for course in courses))
        one = probe(_jobs(study, GROUPS[1])) * len(study.archs)
        total = options.rounds * sum(1.5 * one / course.count for course in courses)
        print(f"About {format_duration(total)} and the starts.")
        return 0
    costs = {group: cpu_seconds(_jobs(study, group)) for group in GROUPS}
    jobs = _jobs(study, GROUPS[1])
    with ExitStack() as stack:
        teams = [course.begin(stack, jobs) for course in courses]
        with Progress(options.rounds * len(courses), "turn") as shown:
            for _ in range(options.rounds):
                for course, team in zip(courses, teams, strict=True):
                    course.round(team, jobs)
                    shown.advance()
    print(f"{measured(courses, len(study.archs))}\n\n{reckoned(courses[-1], costs)}")
    return 0


def _jobs(study: Study, proxies: str) -> list[Job]:
    from proxies.registry import select

    names, archs = tuple(info.name for info in select(proxies)), study.archs
    parts = [tuple(archs[i : i + PER_JOB]) for i in range(0, len(archs), PER_JOB)]
    return [Job(study.setting, 0, names, part) for part in parts]


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "engine_cost",
        "Measure what an engine and its workers cost beside this process alone, and reckon a whole space from that.",
        [shared.truth(), shared.study(sample=24), shared.init(), shared.machine(), shared.dry_run("measured")],
    )
    parser.set_defaults(seeds=1)
    parser.add_argument("--rounds", type=numbers.positive, default=3, help="turns of every engine")
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
