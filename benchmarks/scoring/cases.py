"""One half of the networks, met by scores: a case is one truth, one population of it, one setting of the scores."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring.columns import Columns, columns_of, single
from benchmarks.scoring.halves import Half, half_of, quarter_of
from benchmarks.scoring.population import ENOUGH, LEAST, populations
from benchmarks.scoring.release import Book
from benchmarks.scoring.released import networks_of
from benchmarks.statistics.formula import Formula
from benchmarks.statistics.resamples import Array
from nb201_data.ground_truth import GroundTruth

CLOSED_FORMS = ("params", "flops", "flops_pruned", "conv_count", "conv_root_size")
"""What a score must beat: sizes that need no image and no weight."""


@dataclass(frozen=True)
class Case:
    """Networks of one half under one truth, all of which have all scores that are looked at."""

    truth: GroundTruth
    population: str  # 'all', 'live'
    columns: Columns
    archs: tuple[str, ...]
    names: tuple[str, ...]  # the scores that they have

    @cached_property
    def accuracies(self) -> Array:
        """(n,) in percent."""
        return np.array([self.truth.values[arch] for arch in self.archs])

    @cached_property
    def networks(self) -> tuple[str, ...]:
        """Which network each architecture is: dead branches make no other one."""
        return networks_of(self.truth.space, self.archs)

    @property
    def conditions(self) -> str:
        """Of all scores: init, batch, images, teacher."""
        return self.columns.conditions(self.names)

    @property
    def title(self) -> str:
        """`kd-nb201:lite:distilled, live: kaiming, 64 of cifar100@16`."""
        return f"{self.truth.name}, {self.population}: {self.columns.conditions(CLOSED_FORMS)}"

    @property
    def digest(self) -> str:
        """Of all that is looked at: networks, accuracies, conditions."""
        rows = [(arch, self.truth.values[arch]) for arch in sorted(self.archs)]
        return hashlib.sha256(repr((self.truth.name, self.conditions, rows)).encode()).hexdigest()[:16]

    def values(self, formula: Formula) -> Array:
        """(seeds, n) more is better."""
        return self.columns.values(formula, self.archs)

    def quarter(self, number: int) -> Case:
        """The same case on one quarter of all networks, which is half of its own."""
        own = tuple(arch for arch in self.archs if quarter_of(arch) == number)
        return replace(self, archs=own)


class Lacking(NamedTuple):
    """What is no case: a truth under some conditions, and why."""

    truth: str
    conditions: str
    why: str


def told(lacking: Iterable[Lacking]) -> list[str]:
    """A line for each reason: what alone is none of a case is named with its conditions, of many the truths are."""
    by_reason: dict[str, list[Lacking]] = defaultdict(list)
    for each in lacking:
        by_reason[each.why].append(each)
    return [f"{_named(alike)}: {why}" for why, alike in by_reason.items()]


def _named(alike: Sequence[Lacking]) -> str:
    if len(alike) == 1:
        return ", ".join(filter(None, (alike[0].truth, alike[0].conditions)))
    times = Counter(each.truth for each in alike)
    return ", ".join(f"{truth} ({count} settings)" if count > 1 else truth for truth, count in times.items())


def cases_of(
    books: Iterable[Book],
    truth: GroundTruth,
    half: Half,
    names: Sequence[str] | None = None,
    among: Collection[str] | None = None,
) -> tuple[list[Case], list[Lacking]]:
    """The cases of a truth, and what is none.

    names: the scores that must be there beside the closed forms; without them all that are (`among` these), but for
    those that more than a tenth of the networks lack.
    """
    cases: list[Case] = []
    missing: list[Lacking] = []
    found = columns_of(books, truth)
    if not found:
        missing.append(Lacking(truth.name, "", "no score of its networks"))
    for columns in found:
        needed = (*CLOSED_FORMS, *(names or ()))
        lacking = [name for name in dict.fromkeys(needed) if not columns.seeds((name,))]
        if lacking:
            missing.append(Lacking(truth.name, columns.conditions(()), f"no {', '.join(lacking)}"))
            continue
        for population in populations(truth):
            archs = [arch for arch in population.archs if half_of(arch) == half]
            case = _case(truth, population.key, columns, archs, names, among)
            if len(case.archs) < LEAST or np.ptp(case.accuracies) == 0:
                few = f"{len(case.archs)} networks of the {half} half, expected {LEAST}"
                missing.append(Lacking(truth.name, f"{population.key}: {columns.conditions(CLOSED_FORMS)}", few))
            else:
                cases.append(case)
    return cases, missing


def _case(
    truth: GroundTruth,
    population: str,
    columns: Columns,
    archs: Sequence[str],
    names: Sequence[str] | None,
    among: Collection[str] | None,
) -> Case:
    """On the networks that have all scores: those asked for, or those that most networks have."""
    scored = [arch for arch in archs if any(arch in column for column in columns.scores["params"].values())]
    some = names if names is not None else [name for name in columns.scores if among is None or name in among]
    asked = tuple(dict.fromkeys((*CLOSED_FORMS, *some)))
    there: dict[str, NDArray[np.bool_]] = {}
    for name in asked:
        mask = np.asarray(np.isfinite(columns.values(single(name), scored)).all(axis=0), dtype=bool)
        if names is not None or mask.sum() >= ENOUGH * len(mask):
            there[name] = mask
    whole = np.all(np.stack(list(there.values())), axis=0).tolist()
    kept = tuple(arch for arch, own in zip(scored, whole, strict=True) if own)
    return Case(truth, population, columns, kept, tuple(sorted(there)))
