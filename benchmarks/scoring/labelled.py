"""What a model may be fitted on, and what it is held against: labels of the search half, networks of the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from benchmarks.scoring.cases import Case, cases_of, told
from benchmarks.scoring.columns import single
from benchmarks.scoring.halves import HALVES, half_of
from benchmarks.scoring.population import ENOUGH, LEAST, populations, space_of
from benchmarks.scoring.release import Book
from benchmarks.statistics.forest import predicted
from benchmarks.statistics.resamples import Array
from diswot_errors import UsageError
from nb201_data.graf import features
from nb201_data.ground_truth import GroundTruth
from nb201_data.space import Cell

GRAF, SCORES, BOTH = "GRAF", "scores", "GRAF + scores"
BESIDE = ("spread_size", "az_nas", "vkdnw_agg")
"""Training-free, named beforehand: the score that stood the look at the confirmation half, and aggregates."""


@dataclass(frozen=True)
class Half:
    """Networks of one half: their accuracies (n,), what each model sees of them (n, k), and lines (seeds, n)."""

    archs: tuple[str, ...]
    accuracies: Array
    seen: dict[str, Array]
    lines: dict[str, Array]


@dataclass(frozen=True)
class Ground:
    """One truth, one population, one setting of scores or none: both halves."""

    truth: GroundTruth
    population: str
    conditions: str
    scores: tuple[str, ...]
    search: Half
    confirmation: Half

    @property
    def models(self) -> tuple[str, ...]:
        """By what they see."""
        return tuple(self.search.seen)

    @property
    def title(self) -> str:
        """The truth, and the scores' setting."""
        return f"{self.truth.name}: {self.conditions or 'whole halves'}"

    @property
    def networks(self) -> int:
        """Of both halves."""
        return len(self.search.archs) + len(self.confirmation.archs)

    def foretold(self, model: str, labels: int, draws: int) -> Array:
        """(draws, m) for the confirmation half; draw d has the first `labels` of the d-th order of the search half."""
        rows = []
        for draw in range(draws):
            chosen = np.random.default_rng(draw).permutation(len(self.search.archs))[:labels]
            known, accuracies = self.search.seen[model][chosen], self.search.accuracies[chosen]
            rows.append(predicted(known, accuracies, self.confirmation.seen[model], draw))
        return np.stack(rows)


def grounds_of(books: Iterable[Book], truth: GroundTruth) -> tuple[list[Ground], list[str]]:
    """The whole halves of a truth without scores, unless nearly all networks have some; then a ground for each setting
    of scores; and why others are none.

    Where the space has dead branches, on the networks without: others have an equal across the line, which a model
    would know by heart. Some of these have a twin there still, see `halves`: foretelling is that much easier.
    """
    if truth.space != "nb201":
        raise UsageError(f"{truth.name} is about {truth.space}: GRAF's features here are those of nb201's cells")
    population = populations(truth)[-1]
    (search, why), (confirmation, further) = (cases_of(books, truth, half) for half in HALVES)
    others = {case.columns.setting: case for case in confirmation if case.population == population.key}
    grounds = [
        _with(population.name, case, others[case.columns.setting])
        for case in search
        if case.population == population.key and case.columns.setting in others
    ]
    halves = [tuple(arch for arch in population.archs if half_of(arch) == half) for half in HALVES]
    if min(map(len, halves)) < LEAST:
        return [], [f"{truth.name}: halves of {len(halves[0])} and {len(halves[1])} networks, expected {LEAST}"]
    if not any(each.networks >= ENOUGH * len(population.archs) for each in grounds):
        grounds.insert(0, Ground(truth, population.name, "", (), *(_without(truth, archs) for archs in halves)))
    return grounds, told(dict.fromkeys([*why, *further]))


def _without(truth: GroundTruth, archs: tuple[str, ...]) -> Half:
    """All networks of a half: GRAF's features, and closed forms."""
    accuracies = np.array([truth.values[arch] for arch in archs])
    return Half(archs, accuracies, {GRAF: _graf(archs)}, _closed(truth, archs))


def _with(population: str, search: Case, confirmation: Case) -> Ground:
    """Networks that have all scores which both halves have; arsinh keeps their order, and 1e61 in reach of float32."""
    names = tuple(sorted({*search.names} & {*confirmation.names}))
    seed = search.columns.seeds(names)[0]
    halves = []
    for case in (search, confirmation):
        graf = _graf(case.archs)
        scores = np.arcsinh(np.stack([case.columns.column(name, seed, case.archs) for name in names], axis=1))
        seen = {GRAF: graf, SCORES: scores, BOTH: np.hstack([graf, scores])}
        beside = {name: case.values(single(name)) for name in BESIDE if case.columns.seeds((name,))}
        lines = {name: line for name, line in beside.items() if np.isfinite(line).all(axis=0).mean() >= ENOUGH}
        halves.append(Half(case.archs, case.accuracies, seen, {**_closed(case.truth, case.archs), **lines}))
    return Ground(search.truth, population, search.columns.conditions(names), names, *halves)


def _graf(archs: Iterable[str]) -> Array:
    return np.array([features(Cell.parse(arch)) for arch in archs])


def _closed(truth: GroundTruth, archs: Iterable[str]) -> dict[str, Array]:
    space = space_of(truth)
    cells, forms = [space.parse(arch) for arch in archs], space.closed_forms()
    return {name: np.array([[form(cell) for cell in cells]], dtype=float) for name, form in forms.items()}
