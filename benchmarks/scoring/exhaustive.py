"""All candidates of the grammar on the cases of the search half: Spearman for every one, Kendall for the best."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from benchmarks.scoring.cases import CLOSED_FORMS, Case
from benchmarks.scoring.columns import lower_of, single
from benchmarks.scoring.population import LEAST
from benchmarks.statistics.candidates import MOST, Block, base_of, blocks, count, spearman
from benchmarks.statistics.formula import Formula
from benchmarks.statistics.resamples import Array
from diswot_errors import DataError

FINALISTS = 100  # by each of the orders: worst margin, mean margin, every case
TIE = 0.01  # a margin down to minus this much is taken for a tie


@dataclass(frozen=True)
class Searched:
    """The finalists and how they rank: Kendall (F, C) of each formula in each case, and of the closed forms (B, C)."""

    cases: tuple[Case, ...]
    names: tuple[str, ...]
    tried: int
    formulas: tuple[Formula, ...]
    kendall: Array
    closed: Array

    @cached_property
    def margins(self) -> Array:
        """(F, C) Kendall minus that of the best closed form of the case."""
        return np.asarray(self.kendall - self.closed.max(axis=0))

    @cached_property
    def jointly(self) -> NDArray[np.intp]:
        """The finalists by their worst margin over all cases, best first: a formula must hold everywhere."""
        return np.argsort(-self.margins.min(axis=1), kind="stable")

    @cached_property
    def holding(self) -> NDArray[np.intp]:
        """The finalists that lose nowhere, or by a tie, by their mean margin, best first."""
        order = np.argsort(-self.margins.mean(axis=1), kind="stable")
        return np.array([row for row in order if self.margins[row].min() >= -TIE], dtype=np.intp)

    def by_case(self, case: int) -> NDArray[np.intp]:
        """The finalists by Kendall in one case, best first."""
        return np.argsort(-self.kendall[:, case], kind="stable")


@dataclass(frozen=True)
class Shrinkage:
    """A choice made on one quarter of the networks, looked at on the other: margins (C,) here and there."""

    formula: Formula
    chosen: Array
    left: Array


@dataclass(frozen=True)
class Ground:
    """Cases of the same networks and scores: their truths (T, n), and of each seed every score (n,) by name."""

    places: tuple[int, ...]  # of the cases
    accuracies: Array
    by_seed: tuple[dict[str, Array], ...]


def searched(cases: Sequence[Case]) -> Searched:
    """Every candidate that can be made of the scores that all cases have."""
    names = tuple(sorted(set.intersection(*(set(case.names) for case in cases))))
    grounds = grounds_of(cases, names)
    candidates = blocks(len(names))
    rho = _screened(grounds, names, candidates)  # (N, C)
    closed = [names.index(name) for name in CLOSED_FORMS]  # the first N are the scores as they are
    margins = rho - rho[closed].max(axis=0)
    margins = np.where(np.isfinite(margins).all(axis=1, keepdims=True), margins, -np.inf)
    widths = np.concatenate([np.full(len(block.members), block.members.shape[1]) for block in candidates])
    worst = margins.min(axis=1)
    fewer = [np.where(widths == width, worst, -np.inf) for width in range(1, MOST)]
    mean = margins.mean(axis=1)
    orders = [worst, *fewer, mean, np.where(worst >= -TIE, mean, -np.inf), *margins.T]
    chosen = np.unique(np.concatenate([np.argsort(-order, kind="stable")[:FINALISTS] for order in orders]))
    formulas = _spelt(candidates, chosen[np.isfinite(margins[chosen, 0])], names)
    sizes = kendall(grounds, [single(name) for name in CLOSED_FORMS])
    return Searched(tuple(cases), names, count(len(names)), formulas, kendall(grounds, formulas), sizes)


def shrinkage(cases: Sequence[Case]) -> list[Shrinkage]:
    """The best of each quarter, by worst and by mean margin, on the other: what a choice among so many loses."""
    found: list[Shrinkage] = []
    for quarter in (0, 1):
        halves = [(case.quarter(quarter), case.quarter(1 - quarter)) for case in cases]
        enough = [pair for pair in halves if min(len(case.archs) for case in pair) >= LEAST]
        if enough:
            chosen = searched([here for here, _ in enough])
            there = grounds_of([there for _, there in enough], chosen.names)
            sizes = kendall(there, [single(name) for name in CLOSED_FORMS]).max(axis=0)
            for best in dict.fromkeys([*chosen.jointly[:1].tolist(), *chosen.holding[:1].tolist()]):
                own = kendall(there, [chosen.formulas[best]])[0]
                found.append(Shrinkage(chosen.formulas[best], chosen.margins[best], own - sizes))
    return found


def grounds_of(cases: Sequence[Case], names: Sequence[str]) -> list[Ground]:
    """The cases, those of the same networks and setting together."""
    together: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, case in enumerate(cases):
        together[(case.columns.setting, case.archs)].append(place)
    found: list[Ground] = []
    for places in together.values():
        case, accuracies = cases[places[0]], np.stack([cases[place].accuracies for place in places])
        if not (seeds := case.columns.seeds(names)):
            raise DataError(f"{case.title}: no seed has all of {', '.join(names)}; score the rest, or leave it out")
        by_seed = tuple({name: case.columns.column(name, seed, case.archs) for name in names} for seed in seeds)
        found.append(Ground(tuple(places), accuracies, by_seed))
    return found


def kendall(grounds: Sequence[Ground], formulas: Sequence[Formula]) -> Array:
    """(F, C) tau-b of every formula in each case, the mean over seeds."""
    found = np.empty((len(formulas), sum(len(ground.places) for ground in grounds)))
    for ground in grounds:
        for row, formula in enumerate(formulas):
            by_seed = [formula.values(columns, lower_of(formula.names)) for columns in ground.by_seed]
            for place, truth in zip(ground.places, ground.accuracies, strict=True):
                each = [scipy.stats.kendalltau(values, truth, method="asymptotic").statistic for values in by_seed]
                found[row, place] = np.mean(each)
    return found


def _screened(grounds: Sequence[Ground], names: Sequence[str], candidates: Sequence[Block]) -> Array:
    """(N, C) Spearman of every candidate in each case, the mean over seeds."""
    lower = [name in lower_of(names) for name in names]
    cases = sum(len(ground.places) for ground in grounds)
    found = np.zeros((sum(len(block.members) for block in candidates), cases))
    for ground in grounds:
        for columns in ground.by_seed:
            base = base_of(np.stack([columns[name] for name in names]), lower)
            found[:, ground.places] += spearman(candidates, base, ground.accuracies) / len(ground.by_seed)
    return found


def _spelt(candidates: Sequence[Block], rows: NDArray[np.intp], names: Sequence[str]) -> tuple[Formula, ...]:
    """The formulas of these rows of all blocks together."""
    begins = np.concatenate([[0], np.cumsum([len(block.members) for block in candidates])])
    places = np.searchsorted(begins, rows, side="right") - 1
    return tuple(
        candidates[place].formula(int(row - begins[place]), names) for place, row in zip(places, rows, strict=True)
    )
