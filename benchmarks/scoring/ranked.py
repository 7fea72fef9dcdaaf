"""All scores that there are of a truth's networks, and how each orders a population of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import Any

import numpy as np

from benchmarks.scoring.authors import AUTHORS, COMMON, as_of
from benchmarks.scoring.columns import Columns, columns_of, joined, single, worst
from benchmarks.scoring.order import SEED, shuffled
from benchmarks.scoring.population import LEAST, fair, space_of
from benchmarks.scoring.release import Book
from benchmarks.statistics.explained import rank_r2
from benchmarks.statistics.formula import Formula
from benchmarks.statistics.gain import ndcg, regret_of_first
from benchmarks.statistics.resamples import Array
from benchmarks.statistics.weighted import Target, coefficients
from nb201_data.ground_truth import GroundTruth
from proxies.registry import AggregateInfo, aggregates

CLOSED = "closed form"
SIZES = ("params", "flops", "convolutions", "depth")
"""Closed forms that explain the ranking of every score: those of them that the space has."""


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
    """Aggregates each part of which is asked as its authors ask it; where that is not known, under any setting.

    Of several settings of a part that with the most networks.
    """
    for info in aggregates():
        asked = ([one for one in there if _asks(one, part)] for part in info.parts)
        parts = [
            max(found, key=lambda one: max(map(len, one.scores[part].values())), default=None)
            for part, found in zip(info.parts, asked, strict=True)
        ]
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
        rows = [joined(info, [one.scored(part, seed, archs, worst(part)) for one, part in pairs]) for seed in seeds]
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
