"""Does it matter which untrained teacher a score looks at? `python -m benchmarks.teacher_ablation`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.publish import Content
from benchmarks.command.scored import Asked, Scored
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.study import TRUTHS, Study, studies_at_hand, with_baselines
from benchmarks.tables import random_teachers
from diswot_errors import UsageError
from diswot_registry import names_in


def add(parser: argparse.ArgumentParser) -> None:
    """Which scores and which teachers."""
    parser.add_argument(
        "--teachers",
        metavar="NAMES",
        help="by commas, the usual one first (default: by space)",
    )
    parser.add_argument("--proxies", default="all", metavar="NAMES", help="of those that look at a teacher (all)")


def ask(options: argparse.Namespace) -> Asked:
    """Every score that looks at a teacher, with every teacher, on every ground truth."""
    from proxies.registry import select

    infos = tuple(info for info in select(options.proxies) if info.teacher)
    if not infos:
        raise UsageError(f"--proxies {options.proxies}: none looks at a teacher; `correlation --list` shows which do")
    if options.teacher or options.teacher_weights:
        raise UsageError("--teacher: give several teachers by commas, --teachers best-cell,resnet56")
    studies, missing = studies_at_hand(options, TRUTHS, options.init)
    asks = [
        Ask(_taught(study, name), with_baselines(infos), f"{study.setting.space}, {name}")
        for study in studies
        for name in teachers_of(options, study)
    ]
    return Asked(asks, missing)


def teachers_of(options: argparse.Namespace, study: Study) -> list[str]:
    """Those asked for, or the usual ones of the space."""
    if options.teachers:
        names = names_in(options.teachers)
        if len(set(names)) < len(names):
            raise UsageError(f"--teachers {options.teachers}: one is named twice")
        return names
    return list(random_teachers.TEACHERS.get(study.setting.space, random_teachers.ELSEWHERE))


def _taught(study: Study, name: str) -> Study:
    from nb201_data.teachers import resolve_teacher

    teacher = resolve_teacher(name, study.setting.search_space)
    return replace(study, setting=replace(study.setting, teacher=teacher))


def make(options: argparse.Namespace, asked: Asked, measured: Sequence[Measured]) -> Content:
    """A section for each ground truth."""
    studies: list[dict[str, Measured]] = []
    rest = list(measured)
    while rest:
        names = teachers_of(options, rest[0].study)
        studies.append(dict(zip(names, rest, strict=False)))
        rest = rest[len(names) :]
    lead = [random_teachers.sentence(by_teacher) for by_teacher in studies]
    return Content("Does it matter which untrained teacher?", lead, random_teachers.sections(studies))


COMMAND = Scored(
    name="teacher_ablation",
    title="Different untrained teachers",
    description="How much scores that compare a student with an untrained teacher depend on which teacher that is: the "
    "best cell of the benchmark, ResNets, a poor cell; on NAS-Bench-201 and, where its accuracies are on disk, on S0.",
    options=(shared.truth(several=True), shared.study(), shared.seeds(1), shared.init()),
    ask=ask,
    make=make,
    add=add,
)
main = COMMAND.main

if __name__ == "__main__":
    diswot_ending.run(main)
