"""A score against every closed form of size, case by case, with intervals that account for all looks so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.command import looks
from benchmarks.command.looks import Log, Look
from benchmarks.scoring.cases import CLOSED_FORMS, Case
from benchmarks.scoring.columns import single
from benchmarks.scoring.exhaustive import grounds_of, kendall
from benchmarks.statistics.formula import Formula
from benchmarks.statistics.paired import against, stretched
from benchmarks.statistics.resamples import Array
from reports import figures
from reports.schema import Cell, Column, Estimate, Figure, Section, Table, Verdict


@dataclass(frozen=True)
class Compared:
    """A score in some cases: Kendall (C,), that of the closed forms (B, C), and the differences to each, by case."""

    formula: Formula
    cases: tuple[Case, ...]
    kendall: Array
    closed: Array
    differences: tuple[dict[str, Estimate], ...]

    @property
    def best(self) -> list[str]:
        """The best closed form of each case."""
        return [CLOSED_FORMS[place] for place in self.closed.argmax(axis=0)]

    @property
    def margins(self) -> Array:
        """(C,) Kendall minus that of the best closed form."""
        return np.asarray(self.kendall - self.closed.max(axis=0))


def compared(formula: Formula, cases: Sequence[Case]) -> Compared:
    """Kendall of the score and of the closed forms, and paired differences."""
    forms = [single(name) for name in CLOSED_FORMS]
    grounds = grounds_of(cases, tuple(dict.fromkeys((*formula.names, *CLOSED_FORMS))))
    own, *closed = kendall(grounds, [formula, *forms])
    gaps = tuple(
        against(
            case.accuracies.tolist(),
            case.values(formula),
            {name: case.values(form) for name, form in zip(CLOSED_FORMS, forms, strict=True)},
            "kendall",
            case.networks,
        )
        for case in cases
    )
    return Compared(formula, tuple(cases), own, np.array(closed), gaps)


def records(found: Compared, log: Log, look: int) -> list[Look]:
    """What the log keeps of a look."""
    definition, data = looks.definition([found.formula]), looks.data(found.cases)
    return [
        Look(
            look=look,
            date=looks.today(),
            score=str(found.formula),
            definition=definition,
            data=data,
            tried=log.tried,
            truth=case.truth.name,
            population=case.population,
            conditions=case.conditions,
            networks=len(case.archs),
            kendall=float(found.kendall[place]),
            closed_form=found.best[place],
            margin=float(found.margins[place]),
        )
        for place, case in enumerate(found.cases)
    ]


def lead(found: Compared, look: int, tried: int) -> list[str]:
    """Which look this is, what became of the score, and what a single network is scored by."""
    signs = [min(_corrected(gap, look).separated for gap in gaps.values()) for gaps in found.differences]
    better, level, worse = (signs.count(sign) for sign in (1, 0, -1))
    worst = int(np.argmin(found.margins))
    which = (
        f"Look {look} at the confirmation half, after {tried:,} candidates on the search half: its intervals are of "
        f"{looks.confidence(look):.2%}, so that one claim a look, as that it is better in every case, may be wrong in "
        "5 % of such series of looks."
        if look
        else "The search half, on which scores are chosen: a rehearsal, too good for what was chosen here. Not logged."
    )
    alone = found.formula.alone
    single_form = [] if alone == found.formula else [f"A single network, which has no rank, is scored by {alone}."]
    return [
        f"{found.formula}: {which}",
        f"Better than every closed form in {better} of {len(signs)} cases, not told apart from one of them in {level}, "
        f"worse than one of them in {worse}. Worst: {found.margins[worst]:+.3f} Kendall to {found.best[worst]} in "
        f"{found.cases[worst].title}.",
        *single_form,
    ]


def section(found: Compared, look: int) -> Section:
    """A row for each case and closed form."""
    rows: list[tuple[Cell, ...]] = []
    for place, (case, gaps) in enumerate(zip(found.cases, found.differences, strict=True)):
        for form, size in zip(CLOSED_FORMS, found.closed[:, place].tolist(), strict=True):
            gap = _corrected(gaps[form], look)
            detail = "" if gaps[form].separated == gap.separated else "at 95 % alone it would be told apart"
            named = (case.truth.name, case.population, case.conditions, len(case.archs))
            verdict = Verdict(gap.told, detail)
            rows.append((*named, float(found.kendall[place]), form, size, gaps[form], gap.low, gap.high, verdict))
    columns = (
        *(Column("truth"), Column("population"), Column("setting", label="scores of")),
        Column("networks", "integer", label="n"),
        *(Column("kendall", "number", label="τ"), Column("against"), Column("form_kendall", "number", label="its τ")),
        Column("difference", "estimate", note="paired: same networks, same resamples; 95 % bootstrap interval"),
        Column("low", "number", note="of the interval corrected for looks"),
        *(Column("high", "number"), Column("verdict", "verdict")),
    )
    note = (
        "A score that holds everywhere is better in every row: that one claim needs no further correction, a row "
        "read alone does."
    )
    table, drawn = Table(columns, tuple(rows)), (Figure("margins", picture(found, look), width="wide"),)
    return Section("confirmed", "The score against closed forms of size", (), table, drawn, note=note)


def picture(found: Compared, look: int) -> str:
    """In each case the difference to the best closed form, with the interval by which the verdict goes."""
    return figures.intervals(
        [_label(case) for case in found.cases],
        [_corrected(gaps[form], look) for form, gaps in zip(found.best, found.differences, strict=True)],
        title=f"Kendall τ minus that of the best count, interval of {looks.confidence(look) if look else 0.95:.2%}",
        width=460.0,
        written=True,
    )


def _corrected(gap: Estimate, look: int) -> Estimate:
    return stretched(gap, looks.confidence(look)) if look else gap


def _label(case: Case) -> str:
    """A ground truth of the user's is known by its file."""
    return f"{case.truth.name.rpartition('/')[2]}, {case.population}: {case.columns.setting.init}"
