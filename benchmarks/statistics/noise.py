"""How far apart two students are, and how far the noise of training and of drawing them reaches."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.statistics.runs import t95
from reports.schema import Estimate, Verdict, VerdictKind


@dataclass(frozen=True)
class Noise:
    """The variance of one run between seeds, pooled over students: s^2 = sum (x - mean)^2 / df, df = sum (n - 1)."""

    variance: float
    freedom: int

    @property
    def deviation(self) -> float:
        """The standard deviation of a run."""
        return math.sqrt(self.variance)


def pooled(groups: Iterable[Sequence[float]]) -> Noise | None:
    """The noise of runs, grouped by student and distiller; None where nothing was repeated."""
    kept = [group for group in groups if len(group) > 1]
    freedom = sum(len(group) - 1 for group in kept)
    if not freedom:
        return None
    return Noise(sum(statistics.variance(group) * (len(group) - 1) for group in kept) / freedom, freedom)


def mean(runs: Sequence[float], noise: Noise | None) -> Estimate:
    """The mean of the runs of a student, its standard deviation, and a 95 % t interval from the pooled noise."""
    spread = statistics.stdev(runs) if len(runs) > 1 else None
    if noise is None:
        return Estimate(statistics.fmean(runs), spread=spread)
    reach = t95(noise.freedom) * math.sqrt(noise.variance / len(runs))
    middle = statistics.fmean(runs)
    return Estimate(middle, middle - reach, middle + reach, spread)


def gap(first: Sequence[float], second: Sequence[float], noise: Noise | None) -> Estimate:
    """mean(first) - mean(second) with its 95 % t interval, se^2 = s^2 (1/n + 1/m)."""
    value = statistics.fmean(first) - statistics.fmean(second)
    if noise is None:
        return Estimate(value)
    reach = t95(noise.freedom) * math.sqrt(noise.variance * (1 / len(first) + 1 / len(second)))
    return Estimate(value, value - reach, value + reach)


def gap_to_draw(first: Sequence[float], drawn: Sequence[float], noise: Noise | None) -> Estimate:
    """mean(first) - the mean of drawn students (their means), with Welch's 95 % t interval.

    se^2 = s^2 / n + v / k: v is the variance between the k drawn students, which holds the noise of their runs too. The
    interval is about the mean of all students that could be drawn.
    """
    if not drawn:
        return Estimate()
    value = statistics.fmean(first) - statistics.fmean(drawn)
    if noise is None or len(drawn) < 2:
        return Estimate(value)
    own, other = noise.variance / len(first), statistics.variance(drawn) / len(drawn)
    if own + other == 0:
        return Estimate(value, value, value)
    freedom = (own + other) ** 2 / (own**2 / noise.freedom + other**2 / (len(drawn) - 1))
    reach = t95(freedom) * math.sqrt(own + other)
    return Estimate(value, value - reach, value + reach)


def share(wins: int, losses: int) -> Estimate:
    """wins / (wins + losses) with its exact 95 % interval (Clopper and Pearson): how often a draw would lose.

    Unlike a mean it does not mind by how much: a few students that hardly learn would blur a mean beyond use.
    """
    from scipy.stats import binomtest

    if not wins + losses:
        return Estimate()
    found = binomtest(wins, wins + losses)
    interval = found.proportion_ci(0.95)
    return Estimate(float(found.statistic), float(interval.low), float(interval.high))


def verdict_of_share(share: Estimate) -> Verdict:
    """Better or worse where the interval leaves one half out."""
    if share.low is None or share.high is None:
        return Verdict(VerdictKind.OPEN, "nothing to compare with")
    if share.low > 0.5:
        return Verdict(VerdictKind.BETTER)
    return Verdict(VerdictKind.WORSE) if share.high < 0.5 else Verdict(VerdictKind.OPEN, "within chance")


def verdict(difference: Estimate) -> Verdict:
    """Better or worse where the interval leaves zero out, else why it is open."""
    if difference.value is None or difference.low is None:
        return Verdict(VerdictKind.OPEN, "nothing repeated, the noise is unknown")
    return Verdict(difference.told) if difference.separated else Verdict(VerdictKind.OPEN, "within noise")
