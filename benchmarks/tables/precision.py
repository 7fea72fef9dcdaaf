"""How far a lower precision keeps the order of the architectures, proxy by proxy."""

from __future__ import annotations

from benchmarks.scoring.measured import Measured, agreement
from reports.schema import Column, Section, Table

COLUMNS = (
    Column("proxy"),
    Column("networks", "integer"),
    Column("spearman", "estimate", label="Spearman ρ"),
    Column("kendall", "estimate", label="Kendall τ-b"),
)


def section(low: Measured, full: Measured) -> Section:
    """The networks of `full`, a part of those of `low`, once in each precision; least agreement first."""
    archs, precision = full.study.archs, low.study.setting.precision
    places = [low.study.archs.index(arch) for arch in archs]
    found = {i.name: agreement(low.values(i.name)[:, places], full.values(i.name)) for i in full.infos}
    ordered = sorted(found.items(), key=lambda item: -2.0 if item[1].spearman.value is None else item[1].spearman.value)
    rows = tuple((name, row.scored, row.spearman, row.kendall) for name, row in ordered)
    return Section(
        "precision",
        f"What {precision} changes",
        (f"The same {len(archs)} networks, scored in {precision} and in fp32: 1 means that both give the same order.",),
        table=Table(COLUMNS, rows),
        note="Least agreement first, with 95 % bootstrap intervals over networks. A proxy whose order depends on the "
        "precision is not measured by its row in this run.",
    )
