"""Where a new score stands among all: its rank, and paired differences to params, best score and best aggregate."""

from __future__ import annotations

import numpy as np

from benchmarks.scoring.columns import published
from benchmarks.scoring.measured import Measured
from benchmarks.statistics.resamples import Array
from proxies.registry import AGGREGATES
from reports.schema import Cell, Column, Estimate, Section, Table, Verdict
from reports.tables import placed, places

PAIRED = "Differences are paired: the same networks and the same resamples for both; 95 % bootstrap intervals."
SIZE = frozenset({"params", "flops", "flops_pruned"})
"""Counts rather than scores of what a network computes: params has a column of its own."""


def of_guests(one: Measured) -> list[Section]:
    """A section on the scores that others brought or made, where the project's own were measured beside them."""
    made = [str(formula) for formula in one.ask.formulas]
    guests = [info.name for info in one.infos if not info.ours] + [name for name in made if not _ours(name)]
    ranked = places(one.rows)
    ours = {info.name for info in one.infos if info.ours} - SIZE
    singles = [name for name in ranked if name in ours]
    if not guests or not singles:
        return []
    best = singles[0]
    groups = {
        name: values for name, values in aggregate_values(one).items() if _ours(name) and np.isfinite(values).any()
    }
    of_groups = {name: one.gap(values, one.oriented("params")) for name, values in groups.items()}
    group = max(of_groups, key=lambda name: _value(of_groups[name]), default="")
    rows: list[tuple[Cell, ...]] = []
    for name in guests:
        own = one.oriented(name)
        against = [one.oriented("params"), one.oriented(best)]
        gaps = [one.gap(own, other) for other in against]
        last = one.gap(own, groups[group]) if group else Estimate()
        rows.append((name, ranked.get(name), len(ranked), one.by_proxy[name].spearman, *gaps, last))
    columns = (
        *(Column("proxy"), Column("rank", "integer"), Column("among", "integer")),
        Column("spearman", "estimate", label="ρ"),
        Column("minus_params", "estimate", label="− ρ of params"),
        Column("minus_best_score", "estimate", label=f"− ρ of {best}", note="the best single score"),
        Column(
            "minus_best_aggregate", "estimate", label=f"− ρ of {group or 'no aggregate'}", note="the best aggregate"
        ),
    )
    intro = (
        "Rank by Spearman among all scores of this page. The best of many is chosen on these networks: elsewhere it is "
        "a little worse.",
    )
    return [Section("standing", "Where the new score stands", intro, Table(columns, tuple(rows)), note=PAIRED)]


def against(one: Measured, name: str) -> list[Section]:
    """Every score beside that of this name, on the networks that both have a value for; none where it was left out."""
    if name not in one.by_proxy:
        return []
    base = one.oriented(name)
    rows: list[tuple[Cell, ...]] = []
    for row in placed(one.rows):
        if row.proxy != name:
            own = one.oriented(row.proxy)
            gap = one.gap(own, base)
            both = int((np.isfinite(own).all(axis=0) & np.isfinite(base).all(axis=0)).sum())
            rows.append((row.proxy, row.spearman, gap, Verdict(gap.told) if gap.value is not None else None, both))
    columns = (
        *(Column("proxy"), Column("spearman", "estimate", label="ρ")),
        Column("minus", "estimate", label=f"− ρ of {name}", note="on the networks that both have a value for"),
        *(Column("verdict", "verdict", label=f"than {name}"), Column("networks", "integer", label="n")),
    )
    return [Section("against", f"Every score beside {name}", table=Table(columns, tuple(rows)), note=PAIRED)]


def aggregate_values(one: Measured) -> dict[str, Array]:
    """(seeds, n) of every published aggregate whose parts were all measured; NaN where a part has no value."""
    return {str(formula): one.made(formula) for formula in published(one.infos)}


def _ours(aggregate: str) -> bool:
    return aggregate in AGGREGATES and AGGREGATES[aggregate].ours


def _value(estimate: Estimate) -> float:
    return -np.inf if estimate.value is None else estimate.value
