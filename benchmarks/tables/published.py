"""Every number of a published table beside each measurement that may have made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.scoring.measured import Measured
from reports import verdicts
from reports.published import published
from reports.schema import Column, Section, Table


@dataclass(frozen=True)
class PublishedCell:
    """A cell of a published table and the measurement that stands against it."""

    row: str
    column: str
    proxy: str
    measured: Measured


def published_section(name: str, cells: Sequence[PublishedCell], note: str) -> Section:
    """Every number of the published table `name` beside each of its measurements, with verdicts."""
    table = published(name)
    rows = []
    for cell in cells:
        number = table.by_place[cell.row, cell.column]
        row, study = cell.measured.by_proxy[cell.proxy], cell.measured.study
        estimate = verdicts.hundredths(row.spearman)
        found = verdicts.Counterpart(estimate, row.scored, row.seeds, study.truth.name)
        verdict = verdicts.compare(number, found, f"no score: {row.reasons}")
        where = (study.truth.name, study.setting.init, row.scored, row.seeds)
        rows.append((table.labels[cell.row], cell.proxy, *where, number.printed, estimate, verdict))
    columns = (
        Column("metric", note="the paper's name"),
        Column("proxy", note="which form of the formula"),
        Column("ground_truth", label="ground truth"),
        Column("init", label="initialisation"),
        Column("networks", "integer", label="n"),
        Column("seeds", "integer"),
        Column("published", note="as printed, times 100"),
        Column("measured", "estimate", 2, "measured ρ", "Spearman times 100, 95 % bootstrap interval over networks"),
        Column("verdict", "verdict"),
    )
    return Section(
        "published", "Published beside measured", (table.about,), table=Table(columns, tuple(rows)), note=note
    )
