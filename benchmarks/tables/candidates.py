"""The candidates of the search half, best first: over all cases jointly, in each case, and what a choice loses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from benchmarks.command import looks
from benchmarks.command.looks import Search
from benchmarks.scoring.cases import CLOSED_FORMS
from benchmarks.scoring.columns import single
from benchmarks.scoring.exhaustive import TIE, Searched, Shrinkage
from benchmarks.statistics.candidates import MOST
from reports.schema import Column, Section, Table

FEW = 3  # of each case
MARGIN = "Kendall minus that of the best closed form of size"


def record(found: Searched) -> Search:
    """What the log keeps of a search."""
    best = found.jointly[0]
    definition, data = looks.definition([single(name) for name in found.names]), looks.data(found.cases)
    counts = (found.tried, len(found.names), len(found.cases))
    margin = float(found.margins[best].min())
    return Search(looks.today(), definition, data, *counts, str(found.formulas[best]), margin)


def lead(found: Searched) -> list[str]:
    """How many were tried, and the best."""
    best = found.jointly[0]
    worst = int(found.margins[best].argmin())
    margin, where = found.margins[best, worst], found.cases[worst].title
    return [
        f"{found.tried:,} candidates of {len(found.names)} scores on {len(found.cases)} cases of the search half: "
        f"every one by Spearman, the best {len(found.formulas):,} by Kendall.",
        f"Best jointly: {found.formulas[best]}, at worst {margin:+.3f} Kendall to the best closed form ({where}). "
        "Chosen here, it is too good here: `python -m benchmarks.confirm` says what is left.",
    ]


def sections(found: Searched, shrunk: Sequence[Shrinkage], top: int) -> list[Section]:
    """All tables of the page."""
    made = [_jointly(found, top), _holding(found, top), _cases(found), _each(found)]
    return [*made, _shrinkage(shrunk)] if shrunk else made


def _jointly(found: Searched, top: int) -> Section:
    widths = [len(formula.names) for formula in found.formulas]
    chosen = list(distinct(found, found.jointly, top))
    for width in range(1, MOST):  # the best of fewer scores
        fewer = (row for row in found.jointly if widths[row] == width)
        chosen += [(row, alike) for row, alike in distinct(found, fewer, FEW) if row not in dict(chosen)]
    order = {row: place for place, row in enumerate(found.jointly.tolist())}
    chosen.sort(key=lambda each: order[each[0]])
    intro = (f"By the worst margin over all cases ({MARGIN}): a score must hold everywhere. Also the best of few.",)
    return Section("jointly", "The best over all cases", intro, _ranked(found, chosen))


def _holding(found: Searched, top: int) -> Section:
    intro = (f"By the mean margin, of the candidates whose worst margin is at least {-TIE:g}: a tie at worst.",)
    table = _ranked(found, list(distinct(found, found.holding, top)))
    return Section("holding", "The best of those that lose nowhere", intro, table)


def _ranked(found: Searched, chosen: Sequence[tuple[int, int]]) -> Table:
    """Rows of these finalists, each with how many others rank alike."""
    numbers = [f"c{place}" for place in range(1, len(found.cases) + 1)]
    rows = tuple(
        (
            str(found.formulas[row]),
            alike,
            float(found.margins[row].min()),
            numbers[int(found.margins[row].argmin())],
            float(found.margins[row].mean()),
            *found.kendall[row].tolist(),
        )
        for row, alike in chosen
    )
    columns = (
        Column("candidate"),
        Column("alike", "integer", note="further candidates that have the same Kendall everywhere"),
        *(Column("worst_margin", "number", label="worst", note=f"the smallest margin: {MARGIN}"), Column("where")),
        Column("mean_margin", "number", label="mean", note="of the margins"),
        *(Column(number, "number", note=case.title) for number, case in zip(numbers, found.cases, strict=True)),
    )
    return Table(columns, rows)


def _cases(found: Searched) -> Section:
    rows = tuple(
        (f"c{place}", case.truth.name, case.population, case.conditions, len(case.archs), *sizes)
        for place, (case, sizes) in enumerate(zip(found.cases, found.closed.T.tolist(), strict=True), 1)
    )
    columns = (
        *(Column("case"), Column("truth"), Column("population"), Column("setting", label="scores of")),
        *(Column("networks", "integer", label="n"), *(Column(name, "number") for name in CLOSED_FORMS)),
    )
    return Section("cases", "The cases, and Kendall of the closed forms", (), Table(columns, rows))


def _each(found: Searched) -> Section:
    rows = tuple(
        (f"c{case + 1}", *_standing(found, row, case))
        for case in range(len(found.cases))
        for row, _ in distinct(found, found.by_case(case), FEW)
    )
    columns = (
        *(Column("case"), Column("candidate"), Column("kendall", "number", label="τ")),
        *(Column("margin", "number", note=MARGIN), Column("elsewhere", "number", note="the worst margin of all cases")),
    )
    return Section("each", "The best in each case alone", (), Table(columns, rows))


def _standing(found: Searched, row: int, case: int) -> tuple[str, float, float, float]:
    own, margins = float(found.kendall[row, case]), found.margins[row]
    return str(found.formulas[row]), own, float(margins[case]), float(margins.min())


def _shrinkage(shrunk: Sequence[Shrinkage]) -> Section:
    rows = tuple(
        (
            *(str(each.formula), float(each.chosen.min()), float(each.left.min())),
            *(float(each.chosen.mean()), float(each.left.mean())),
        )
        for each in shrunk
    )
    columns = (
        Column("candidate"),
        Column("worst_chosen", "number", note="worst margin on the quarter where it was chosen"),
        *(Column("worst_left", "number", note="and on the other"), Column("mean_chosen", "number", note="mean margin")),
        Column("mean_left", "number"),
    )
    intro = ("The search half divided once more: the best of one quarter, looked at on the other.",)
    return Section("shrinkage", "What a choice loses where it was not made", intro, Table(columns, rows))


def distinct(found: Searched, order: Iterable[int], most: int) -> Iterator[tuple[int, int]]:
    """The first rows in that order that rank apart, each with the number of candidates that rank alike."""
    groups: dict[bytes, list[int]] = {}
    for row in order:
        groups.setdefault(np.round(found.kendall[row], 9).tobytes(), []).append(int(row))
    for rows in list(groups.values())[:most]:
        simplest = min(rows, key=lambda row: (len(found.formulas[row].names), str(found.formulas[row])))
        yield simplest, len(rows) - 1
