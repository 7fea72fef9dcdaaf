"""All scores on all truths: what is released, beside closed forms that need no network, on named populations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from typing import Any

from benchmarks.scoring.population import ENOUGH, Population
from benchmarks.scoring.ranked import CLOSED, SIZES, Placed, Scores
from benchmarks.statistics.gain import FIRST
from benchmarks.tables import printed
from nb201_data.ground_truth import GroundTruth
from reports.schema import COUNTS, Column, Section, Table

PRINTED = ("kendall", "spearman", "ndcg", "by")


def _printed(one: Scores, truth: GroundTruth, population: Population) -> tuple[float | str | None, ...]:
    """Kendall, Spearman, nDCG as printed on these networks, and by whom."""
    found = printed.on(one.score, truth.name, population.key)
    return (None, None, None, "") if found is None else (found.kendall, found.spearman, found.ndcg, found.source.name)


def beside_print(truth: GroundTruth, population: Population, found: Iterable[Placed]) -> list[printed.Ours]:
    """Those of the scores that somebody prints something of, on one population of a truth."""
    named = {one.score for one in printed.all_printed() if one.truth == truth.name}
    return [
        printed.Ours(
            *(one.scores.score, truth.name, population.key, one.scores.whose, one.scores.setting),
            *(one.standing.networks, one.standing.kendall, one.standing.spearman),
        )
        for one in found
        if one.scores.score in named
    ]


def lead(sections: Sequence[Section]) -> list[str]:
    """Which score is first how often, and how often one is above every closed form: of the sections of this table, and
    of the scores that nearly all of their networks have."""
    first: Counter[str] = Counter()
    above = 0
    for table in (one.table for one in sections if one.table):
        at = [column.name for column in table.columns].index
        found: list[tuple[Any, ...]] = list(table.rows)
        most = max(row[at("networks")] for row in found)
        rows = [
            (row[at("proxy")], row[at("conditions")] == CLOSED, row[at("spearman")])
            for row in found
            if row[at("networks")] >= ENOUGH * most
        ]
        scores = [(rho, name) for name, closed, rho in rows if not closed and name not in COUNTS]
        if scores:
            rho, name = max(scores)
            first[name] += 1
            above += rho > max(form for _, closed, form in rows if closed)
    if not first:
        return ["No score of these networks is at hand: closed forms alone."]
    name, count = first.most_common(1)[0]
    return [
        f"{name} has the highest Spearman correlation on {count} of {first.total()} populations of networks, among the "
        f"scores that are known of nearly all of them; the best score is above every closed form on {above}.",
        "These are values without intervals, and the best of many looks better than it is: "
        "`python -m benchmarks.correlation` says which differences to params are beyond noise.",
    ]


def section(number: int, truth: GroundTruth, population: Population, found: Sequence[Placed]) -> Section:
    """The scores on one population, best first."""
    sizes = [one.scores.score for one in found if one.scores.setting == CLOSED and one.scores.score in SIZES]
    full = len(population.archs)
    rows: list[tuple[Any, ...]] = [
        (
            *(one.scores.score, one.scores.whose, one.scores.setting, one.seeds),
            *(*astuple(one.standing), one.params, one.explained),
            *_printed(one.scores, truth, population),
        )
        for one in found
    ]
    rows.sort(key=lambda row: -row[6])
    columns = (
        *(Column("proxy"), Column("whose", label="setting"), Column("conditions"), Column("seeds", "integer")),
        Column("networks", "integer", label="n"),
        *(Column("kendall", "number", label="τ"), Column("spearman", "number", label="ρ")),
        Column("ndcg", "number", label="nDCG", note=f"gain 2^accuracy, first {FIRST:,}, ties at random as expectation"),
        Column("precision", "number", label="top 5 %", note="share of the first 5 % that are among the best 5 %"),
        Column("regret", "number", digits=2, note="best accuracy minus that of the first choice, in percent"),
        Column("params_spearman", "number", label="ρ of params", note="on the same networks"),
        Column("explained", "number", label="R² by sizes", note=f"of the ranks, by {', '.join(sizes)}"),
        *(Column(f"printed_{name}", "number", label=f"{name} printed") for name in PRINTED[:-1]),
        Column("printed_by", label="printed by"),
    )
    source = " Printed: by others, on the same population."
    if not any(row[-1] for row in rows):
        source, columns, rows = "", columns[: -len(PRINTED)], [row[: -len(PRINTED)] for row in rows]
    fewer = sum(row[4] < full for row in rows)
    note = (
        f"{fewer} rows rest on fewer networks than the population: beside params on the same networks (its ρ stands in "
        "the row) they can be read, beside other rows hardly, and their nDCG is comparable with no other n."
    )
    intro = (
        f"{truth.note}. Population: {population.name}.{source} Setting: that of the score's authors, or a common one, "
        "the same for many scores.",
    )
    title = f"{truth.name}: {population.name}"
    return Section(f"truth-{number}", title, intro, Table(columns, tuple(rows)), note=note if fewer else "")
