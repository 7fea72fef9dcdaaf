"""Does it matter which untrained teacher a score compares with? The same scores, with one teacher after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.scoring.measured import Measured, agreement
from reports import figures
from reports.cells import short_name
from reports.schema import BASELINES, Cell, Column, Figure, Section, Table
from reports.tables import format_estimate

TEACHERS = {
    "nb201": (
        "best-cell",
        "resnet56",
        "resnet110",
        "|nor_conv_1x1~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|",
    )
}
"""By space, the usual one first; of NAS-Bench-201 the last is a cell without 3 x 3 convolutions."""
ELSEWHERE = ("resnet56", "resnet20", "resnet110")
DRAWN = 8  # scores: those whose order the teacher changes most
ByTeacher = Mapping[str, Measured]


def sections(studies: Sequence[ByTeacher]) -> list[Section]:
    """A section for each ground truth."""
    return [section(number, by_teacher) for number, by_teacher in enumerate(studies, 1)]


def section(number: int, by_teacher: ByTeacher) -> Section:
    """One ground truth: Spearman with each teacher, best with the usual one first."""
    usual, *others = by_teacher
    first = by_teacher[usual]
    study = first.study
    rows: list[tuple[Cell, ...]] = []
    same: dict[str, float | None] = {}
    for name in _ranked(first):
        found = [one.by_proxy[name].spearman for one in by_teacher.values()]
        pairs = [agreement(first.values(name), by_teacher[other].values(name)) for other in others]
        same[name] = _least([each.spearman for each in pairs])
        rows.append((name, min(one.by_proxy[name].scored for one in by_teacher.values()), *found, same[name]))
    params = first.by_proxy["params"].spearman
    rows.append(("params", first.by_proxy["params"].scored, *[params] * len(by_teacher), None))
    columns = (
        Column("proxy"),
        Column("networks", "integer", label="n"),
        *(Column(f"teacher_{i}", "estimate", label=short_name(name)) for i, name in enumerate(by_teacher, 1)),
        Column("same", "number", label="same order", note=f"least Spearman between the scores with {usual} and others"),
    )
    turning = sorted(same, key=lambda name: 1.0 if (least := same[name]) is None else least)[:DRAWN]
    below = [short_name(other) for other in others]
    drawn = figures.intervals(
        [label for name in turning for label in (name, *below)],
        [one.by_proxy[name].spearman for name in turning for one in by_teacher.values()],
        title=f"Spearman ρ with {short_name(usual)}; below it with others",
        highlight=below,
        width=340.0,
    )
    return Section(
        f"study-{number}",
        f"On {study.truth.name}",
        table=Table(columns, tuple(rows)),
        figures=(Figure("intervals", drawn),),
        note=f"{len(study.archs):,} networks of {study.setting.space}, {study.setting.images}, {study.setting.init} "
        f"weights, seeds {', '.join(map(str, study.seeds))}. All teachers are untrained. "
        f"`best-cell` is the cell with the highest accuracy of the benchmark: who asks for it knows the answer. "
        "95 % bootstrap intervals over networks. Distances are negated: higher predicts better.",
    )


def sentence(by_teacher: ByTeacher) -> str:
    """How many scores turn round with the teacher, and the best with each."""
    usual, *others = by_teacher
    first = by_teacher[usual]
    turned = [
        name
        for name in _ranked(first)
        for one in [by_teacher[other].by_proxy[name].spearman for other in others]
        if one.separated * first.by_proxy[name].spearman.separated < 0
    ]
    best = {
        teacher: max(_names(one), key=lambda name: one.by_proxy[name].spearman.value or -1.0)
        for teacher, one in by_teacher.items()
    }
    said = ", ".join(
        f"with {short_name(teacher)} {name} {format_estimate(by_teacher[teacher].by_proxy[name].spearman)}"
        for teacher, name in best.items()
    )
    params = format_estimate(first.by_proxy["params"].spearman)
    return (
        f"On {first.study.truth.name} ({len(first.study.archs):,} networks) {len(set(turned))} of {len(_names(first))} "
        "scores change sign beyond their intervals with another untrained teacher. The best is, "
        f"{said}; params {params}."
    )


def _names(one: Measured) -> list[str]:
    return [info.name for info in one.infos if info.name not in BASELINES and one.by_proxy[info.name].spearman.value]


def _ranked(one: Measured) -> list[str]:
    return sorted(_names(one), key=lambda name: -(one.by_proxy[name].spearman.value or -1.0))


def _least(values: Sequence[object]) -> float | None:
    known = [value for one in values if (value := getattr(one, "value", None)) is not None]
    return min(known) if known else None
