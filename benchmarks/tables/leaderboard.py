"""All scores on all truths: what is released, beside closed forms that need no network, on named populations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from itertools import compress
from typing import Any

import numpy as np

from benchmarks.scoring.authors import AUTHORS, COMMON, as_of
from benchmarks.scoring.columns import Columns, columns_of, joined, single
from benchmarks.scoring.order import SEED, shuffled
from benchmarks.scoring.population import LEAST, Population, fair, space_of
from benchmarks.scoring.release import Book
from benchmarks.statistics.explained import rank_r2
from benchmarks.statistics.formula import Formula
from benchmarks.statistics.gain import FIRST, ndcg, regret_of_first
from benchmarks.statistics.resamples import Array
from benchmarks.statistics.weighted import Target, coefficients
from benchmarks.tables import printed
from nb201_data.ground_truth import GroundTruth
from proxies.registry import AggregateInfo, aggregates
from reports.schema import COUNTS, Column, Section, Table

CLOSED = "closed form"
SIZES = ("params", "flops", "convolutions", "depth")
"""Closed forms that explain the ranking of every score: those of them that the space has."""
PRINTED = ("kendall", "spearman", "ndcg", "by")


@dataclass(frozen=True)
class Scores:
    """One score under one setting. `values`: of these networks (seeds, n), more is better, NaN where there is none."""

    score: str
    whose: str  # setting: `common` or `authors`; '' where there is none
    setting: str
    values: Callable[[Sequence[str]], Array]
    seconds: float = 0.0
    """What one network costs, asked for this score alone; of a score made of others the sum over its parts."""
    teacher: str = ""
    """The one that it looks at."""
    scored_as: str = ""
    """The skeleton of the scored networks, where it is not that of the truth."""


@dataclass(frozen=True)
class Standing:
    """How well a score orders the networks that it has a value for: means over seeds."""

    networks: int
    kendall: float
    spearman: float
    ndcg: float
    precision: float
    regret: float


def closed_forms(truth: GroundTruth) -> list[Scores]:
    """Sizes, and what else the space counts without a network."""
    space = space_of(truth)
    archs = {text: space.parse(text) for text in truth.values}

    def scores(name: str, form: Callable[[Any], float]) -> Scores:
        values = {text: float(form(arch)) for text, arch in archs.items()}
        return Scores(name, "", CLOSED, lambda asked: np.array([[values[arch] for arch in asked]]))

    return [scores(name, form) for name, form in space.closed_forms().items()]


def released_scores(books: Iterable[Book], truth: GroundTruth, formulas: Sequence[Formula] = ()) -> list[Scores]:
    """Every proxy, every aggregate and these formulas, by setting: of all whose parts are there.

    An aggregate is made of parts under one setting, and of parts each under that of its authors.
    """
    found: dict[tuple[str, str, str], Scores] = {}
    there = columns_of(books, truth)
    for columns in there:
        for formula in (*map(single, columns.names), *formulas):
            if columns.seeds(formula.names):
                one = _of(columns, formula)
                found.setdefault((one.score, one.whose, one.setting), one)
    return [*found.values(), *_under_authors(there)]


def _of(columns: Columns, formula: Formula) -> Scores:
    names, setting = formula.names, columns.setting
    own = as_of(names[0], setting.init, setting.images, setting.batch_size) if len(names) == 1 else ""
    conditions, cost = columns.conditions(names), columns.seconds_of(names)
    teacher, scored_as = columns.teacher_of(names), columns.scored_as
    found = partial(columns.values, formula)
    return Scores(str(formula), own or COMMON, conditions, found, cost, teacher, scored_as)


def _under_authors(there: Sequence[Columns]) -> Iterator[Scores]:
    """Aggregates each part of which is asked as its authors ask it; where that is not known, under any setting."""
    for info in aggregates():
        parts = [next((one for one in there if _asks(one, part)), None) for part in info.parts]
        whole = [one for one in parts if one is not None]
        if len({id(one) for one in whole}) > 1 and len(whole) == len(parts):
            seeds = set.intersection(*(set(one.seeds((p,))) for one, p in zip(whole, info.parts, strict=True)))
            cost = sum(one.seconds_of((part,)) for one, part in zip(whole, info.parts, strict=True))
            yield Scores(info.name, AUTHORS, "each part its own", _joining(info, whole, sorted(seeds)), cost)


def _asks(columns: Columns, part: str) -> bool:
    setting = columns.setting
    whose = as_of(part, setting.init, setting.images, setting.batch_size)
    return bool(columns.seeds((part,))) and whose in (AUTHORS, "")


def _joining(info: AggregateInfo, parts: Sequence[Columns], seeds: Sequence[int]) -> Callable[[Sequence[str]], Array]:
    def values(archs: Sequence[str]) -> Array:
        pairs = list(zip(parts, info.parts, strict=True))
        rows = [joined(info, [one.column(part, seed, archs) for one, part in pairs]) for seed in seeds]
        return np.array(rows).reshape(-1, len(archs))

    return values


@dataclass(frozen=True)
class Placed:
    """A score on a population: how it orders the networks that it has a value for, and what size says of the same."""

    scores: Scores
    seeds: int
    standing: Standing
    params: float | None  # Spearman of their number on these networks
    explained: float | None


def placed(truth: GroundTruth, archs: Sequence[str], scores: Sequence[Scores]) -> list[Placed]:
    """Those of the scores that have values for a fair sample of these networks, closed forms among them.

    A count that was scored as well is its closed form, which is there for more networks.
    """
    archs = shuffled(archs, SEED)
    accuracies = np.array([truth.values[arch] for arch in archs])
    forms = {one.score: one.values(archs) for one in scores if one.setting == CLOSED}
    sizes = np.concatenate([forms[name] for name in forms if name in SIZES])
    fields: dict[bytes, tuple[Target, float | None]] = {}  # many scores have the same networks
    found = []
    for one in scores:
        if one.score in forms and one.setting != CLOSED:
            continue
        values = one.values(archs)
        there = np.asarray(np.isfinite(values).all(axis=0) & (len(values) > 0))
        if there.sum() >= LEAST and fair(archs, {*compress(archs, there)}):
            if there.tobytes() not in fields:
                target = _target(accuracies[there])
                size = standing(target, forms["params"][:, there])
                fields[there.tobytes()] = target, size.spearman if size else None
            target, params = fields[there.tobytes()]
            if stands := standing(target, values[:, there]):
                ranked = explained(values[:, there], sizes[:, there])
                found.append(Placed(one, len(values), stands, params, ranked))
    return found


def _target(accuracies: Array) -> Target:
    return Target(accuracies, np.ones((len(accuracies), 1)))


def standing_of(truth: GroundTruth, one: Scores) -> Standing | None:
    """That of a score which has a value for every network of a truth."""
    return standing(_target(np.array(list(truth.values.values()))), one.values(list(truth.values)))


def standing(target: Target, values: Array) -> Standing | None:
    """Of values (seeds, n), all finite; None where those of a seed, or the accuracies, are equal."""
    if not all(np.ptp(row) for row in (target.values, *values)):
        return None
    rows: list[tuple[float, ...]] = []
    for row in values:
        found = coefficients(target, row)
        regret = regret_of_first(target.values, row)
        rows.append((found.kendall[0], found.spearman[0], ndcg(target.values, row), found.precision[0], regret))
    return Standing(len(target.values), *map(float, np.mean(rows, axis=0)))


def explained(values: Array, sizes: Array) -> float | None:
    """How much of a ranking (seeds, n) the sizes (k, n) explain together: rank R2, the mean over seeds."""
    found = [rank_r2(row, sizes) for row in values]
    return None if None in found or not found else float(np.mean([value or 0.0 for value in found]))


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
    """Which score is first how often, and how often one is above every closed form: of the sections of this table."""
    first: Counter[str] = Counter()
    above = 0
    for table in (one.table for one in sections if one.table):
        at = [column.name for column in table.columns].index
        rows: list[tuple[Any, ...]] = [
            (row[at("proxy")], row[at("conditions")] == CLOSED, row[at("spearman")]) for row in table.rows
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
        f"{name} has the highest Spearman correlation on {count} of {first.total()} populations of networks; the best "
        f"score is above every closed form on {above}.",
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
    note = f"{fewer} rows rest on fewer networks than the population: their nDCG is comparable with no other n."
    intro = (
        f"{truth.note}. Population: {population.name}.{source} Setting: that of the score's authors, or a common one, "
        "the same for many scores.",
    )
    title = f"{truth.name}: {population.name}"
    return Section(f"truth-{number}", title, intro, Table(columns, tuple(rows)), note=note if fewer else "")
