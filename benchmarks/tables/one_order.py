"""One pair of accuracy columns: would noise alone name two different best networks if both orders were the same?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from benchmarks.statistics import same_order as null
from benchmarks.statistics.noise import pooled
from benchmarks.statistics.same_order import SameOrder
from diswot_errors import UsageError
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from reports.schema import Cell, Verdict, VerdictKind

RARE = 0.05  # share of draws


@dataclass(frozen=True)
class Case:
    """One pair of columns, on the networks that have both."""

    name: str
    distilled: GroundTruth
    alone: GroundTruth

    @property
    def archs(self) -> list[str]:
        """Networks with both accuracies, in the order of the distilled table."""
        return [arch for arch in self.distilled.values if arch in self.alone.values]

    def columns(self) -> tuple[list[float], list[float]]:
        """Accuracies alone and distilled."""
        return [self.alone.values[arch] for arch in self.archs], [self.distilled.values[arch] for arch in self.archs]

    def repeated(self) -> tuple[float, float] | None:
        """The noise of a single run, alone and distilled, where networks were trained more than once."""
        noises = (
            pooled([record.accuracy for record in truth.runs[arch]] for arch in self.archs)
            for truth in (self.alone, self.distilled)
        )
        found = [noise.deviation for noise in noises if noise is not None and noise.variance]
        return (found[0], found[1]) if len(found) == 2 else None

    def runs(self) -> list[int]:
        """How many runs each distilled accuracy is the mean of."""
        return [len(self.distilled.runs[arch]) for arch in self.archs]


def load_case(distilled: str, alone: str) -> Case:
    """Both tables; an error says how to get one that is not there."""
    pair = load_ground_truth(distilled), load_ground_truth(alone)
    case = Case(pair[0].name.removesuffix(":kd").removesuffix(":distilled"), *pair)
    if len(case.archs) < 3:
        raise UsageError(f"{distilled} and {alone} share {len(case.archs)} networks; expected at least 3")
    return case


@dataclass(frozen=True)
class Level:
    """One assumption about the noise, and what it makes of two equal orders."""

    source: str
    noise: tuple[float, float]  # standard deviation of a run, alone and distilled
    made: SameOrder


@dataclass(frozen=True)
class Tested:
    """What the columns of one case say, and what noise alone would say."""

    name: str
    networks: int
    kendall: float
    best: tuple[str, str]  # alone, distilled
    regret: float
    two_runs: float | None
    levels: tuple[Level, ...]  # the smallest noise first

    @property
    def verdict(self) -> Verdict:
        """On the claim."""
        return judged(self.regret, self.levels)

    @property
    def detail(self) -> str:
        """The verdict's reason, then the numbers behind it."""
        parts = [
            f"noise {level.noise[1]:.2f} ({level.source}): swap in {100 * level.made.swap:.0f} %, a regret of "
            f"{self.regret:.2f} or more in {100 * level.made.regret:.1f} %"
            for level in self.levels
        ]
        numbers = f"{self.networks} networks, τ {self.kendall:.3f}; if both orders were the same: {'; '.join(parts)}"
        return f"{self.verdict.detail}; {numbers}"

    @property
    def rows(self) -> list[tuple[Cell, ...]]:
        """One row for each level, the verdict in the first."""
        start = (self.name, self.networks, self.kendall, *self.best, self.regret)
        return [
            (
                *(*start, level.noise[1], level.source, level.made.swap, level.made.regret, level.made.kendall),
                *(self.two_runs, None if place else self.verdict),
            )
            for place, level in enumerate(self.levels)
        ]


Noise = tuple[str, tuple[float, float]]
"""Where it is from, and that of a run alone and distilled."""


def measured_noise(cases: Iterable[Case]) -> dict[str, Noise]:
    """By protocol: of the first case that repeats its runs, which is that of other teachers and losses as well."""
    found: dict[str, Noise] = {}
    for case in cases:
        protocol, repeated = case.distilled.protocol, case.repeated()
        if protocol and repeated:
            found.setdefault(protocol, (f"repeated runs of {case.name}", repeated))
    return found


def tested(case: Case, noise: float, draws: int, seed: int, elsewhere: Mapping[str, Noise] | None = None) -> Tested:
    """The case under every source of the noise; `elsewhere`: what was measured of each protocol, see above."""
    alone, distilled = case.columns()
    repeated, largest = case.repeated(), null.residual_noise(alone, distilled)
    shrink = np.sqrt(np.array(case.runs()))
    if repeated:
        sources = [("repeated runs", repeated)]
    elif borrowed := (elsewhere or {}).get(case.distilled.protocol):
        sources = [borrowed]
    else:
        sources = [("assumed", (noise, noise)), ("largest", (largest, largest))]
    levels = [
        Level(
            source,
            both,
            null.same_order(alone, distilled, both[0] / shrink, both[1] / shrink, draws=draws, seed=seed),
        )
        for source, both in sources
    ]
    two_runs = null.disagreement(
        {arch: {r.seed: r.accuracy for r in case.alone.runs[arch] if r.seed is not None} for arch in case.archs}
    )
    return Tested(
        name=case.name,
        networks=len(case.archs),
        kendall=float(scipy.stats.kendalltau(alone, distilled)[0]),
        best=(_short(case.archs, alone), _short(case.archs, distilled)),
        regret=null.regret_of_alone(alone, distilled),
        two_runs=two_runs,
        levels=tuple(levels),
    )


def judged(regret: float, levels: Sequence[Level]) -> Verdict:
    """On the claim, from the regret and what noise alone makes, the smallest noise first."""
    if regret == 0:
        return Verdict(VerdictKind.FAILS, "one network is best in both")
    if levels[-1].made.regret < RARE:
        return Verdict(VerdictKind.HOLDS, "beyond noise")
    if levels[0].made.regret < RARE:
        return Verdict(VerdictKind.OPEN, "beyond the assumed noise, within the largest")
    return Verdict(VerdictKind.OPEN, f"noise alone swaps in {100 * levels[0].made.swap:.0f} %")


def _short(archs: Sequence[str], values: Sequence[float]) -> str:
    """The best network; long names (transformers) by their place in the table."""
    place = max(range(len(values)), key=values.__getitem__)
    return archs[place] if len(archs[place]) <= 100 else f"row {place + 1}"
