"""Are search strategies different, over the same seeds? Friedman, Nemenyi's critical difference, Wilcoxon with Holm."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

LEVEL = 0.05


@dataclass(frozen=True)
class StrategyRanks:
    """k strategies on n seeds, ranked within each seed: 1 is the lowest regret, ties share."""

    mean_ranks: dict[str, float]
    p: float | None
    """Friedman's test that all rank alike; None with fewer than three strategies or no difference anywhere."""
    critical_difference: float | None
    """Mean ranks further apart than this differ (Nemenyi, 5 %): q_0.05(k) sqrt(k (k + 1) / (6 n))."""
    seeds: int


def compare(regrets: Mapping[str, Sequence[float]]) -> StrategyRanks:
    """Regrets by strategy, in the order of seeds; every strategy must have all of them."""
    names = list(regrets)
    table = np.array([regrets[name] for name in names], dtype=float)  # (k, n)
    k, n = table.shape
    ranks = scipy.stats.rankdata(table, axis=0).mean(axis=1)
    p = None
    if k > 2 and n > 1:
        found = float(scipy.stats.friedmanchisquare(*table).pvalue) if np.ptp(table, axis=0).any() else math.nan
        p = None if math.isnan(found) else found
    difference = None
    if k > 1 and n > 1:
        quantile = float(scipy.stats.studentized_range.ppf(1 - LEVEL, k, np.inf)) / math.sqrt(2)
        difference = quantile * math.sqrt(k * (k + 1) / (6 * n))
    return StrategyRanks(dict(zip(names, ranks.tolist(), strict=True)), p, difference, n)


def against(regrets: Mapping[str, Sequence[float]], reference: str) -> dict[str, float]:
    """Each strategy against the reference: two-sided Wilcoxon signed-rank p over seeds, adjusted by Holm."""
    others = [name for name in regrets if name != reference]
    raw = {}
    for name in others:
        differences = np.subtract(regrets[name], regrets[reference])
        raw[name] = float(scipy.stats.wilcoxon(differences).pvalue) if differences.any() else 1.0
    return holm(raw)


def signed_ranks(differences: Sequence[float]) -> float:
    """What Wilcoxon's test is about: the ranks of |d| of the positive differences minus those of the negative ones."""
    values = np.asarray([each for each in differences if each], dtype=float)
    return float((np.sign(values) * scipy.stats.rankdata(np.abs(values))).sum())


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values: the i-th smallest of m (from 0) times (m - i), at least the one before it, at most 1."""
    adjusted: dict[str, float] = {}
    largest = 0.0
    for i, name in enumerate(sorted(values, key=values.__getitem__)):
        largest = max(largest, min(1.0, (len(values) - i) * values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in values}
