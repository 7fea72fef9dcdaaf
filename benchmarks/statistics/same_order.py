"""If two columns of accuracies had one and the same order, how often would noise alone make another network the best?

The null model: network i has a quality m_i; trained alone it reaches v_i = m_i + noise, distilled
k_i = a + b m_i + noise, b > 0. Both columns then have one order, and what differs between them is noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from benchmarks.statistics.resamples import Array
from diswot_errors import UsageError

TAU_DRAWS = 200  # Kendall is only needed to two digits


@dataclass(frozen=True)
class SameOrder:
    """What one order and this noise would show, as shares of the draws."""

    swap: float  # the best of the two columns are different networks
    regret: float  # and the distilled accuracy lost by taking the best alone is as large as observed
    kendall: float  # mean Kendall tau-b between the two columns


def regret_of_alone(alone: ArrayLike, distilled: ArrayLike) -> float:
    """Best distilled accuracy minus that of the network that is best alone, in points; of ties the first."""
    v, k = np.asarray(alone, dtype=float), np.asarray(distilled, dtype=float)
    return float(k.max() - k[v.argmax()])


def residual_noise(alone: ArrayLike, distilled: ArrayLike) -> float:
    """The standard deviation of a run (points) if one order were the truth and all disagreement of (n,) noise.

    b = sd(k) / sd(v); sd(k / b - v) = s sqrt(1 + 1 / b^2). More noise than this s the two columns do not allow.
    """
    v, k = _checked(alone, distilled)
    slope = k.std() / v.std()
    return float((k / slope - v).std(ddof=1) / np.sqrt(1 + 1 / slope**2))


def same_order(
    alone: ArrayLike,
    distilled: ArrayLike,
    noise_alone: ArrayLike,
    noise_distilled: ArrayLike,
    *,
    draws: int = 10_000,
    seed: int = 0,
) -> SameOrder:
    """Draw both columns anew under the null model, with noise (a number or (n,), points) of the given sizes.

    m_i is estimated from both columns, weighted by their precision, and drawn together by what noise has added to its
    variance. What noise is left in it sets the networks at the top further apart than they are: the shares are rather
    too small than too large.
    """
    v, k = _checked(alone, distilled)
    slope = k.std() / v.std()
    left, right = np.broadcast_to(noise_alone, v.shape), np.broadcast_to(noise_distilled, k.shape) / slope
    scaled = (k - k.mean()) / slope + v.mean()
    quality = _quality(v, scaled, left, right)
    observed = regret_of_alone(v, k) / slope
    generator = np.random.default_rng(seed)
    swaps, as_large = 0, 0
    taus: list[float] = []
    for start in range(0, draws, 500):
        count = min(500, draws - start)
        first = quality + left * generator.standard_normal((count, len(v)))
        second = quality + right * generator.standard_normal((count, len(v)))
        chosen, rows = first.argmax(axis=1), np.arange(count)
        lost = second.max(axis=1) - second[rows, chosen]
        swaps += int((lost > 0).sum())
        as_large += int((lost >= observed).sum())
        few = range(min(count, TAU_DRAWS - len(taus)))
        taus += [float(scipy.stats.kendalltau(first[i], second[i])[0]) for i in few]
    return SameOrder(swaps / draws, as_large / draws, float(np.mean(taus)))


def _quality(v: Array, scaled: Array, left: Array, right: Array) -> Array:
    """m (n,): the mean of both columns weighted by 1 / noise^2, shrunk to the variance that it has without noise."""
    variances = np.maximum(left, 1e-9) ** 2, np.maximum(right, 1e-9) ** 2
    mean = (v / variances[0] + scaled / variances[1]) / (1 / variances[0] + 1 / variances[1])
    added = float(np.mean(1 / (1 / variances[0] + 1 / variances[1])))
    kept = np.sqrt(max(0.0, 1 - added / mean.var()))
    return np.asarray(mean.mean() + kept * (mean - mean.mean()), dtype=float)


def disagreement(runs: Mapping[str, Mapping[int, float]]) -> float | None:
    """Among pairs of seeds that all networks share: how often the best network differs. runs: network -> seed -> %."""
    shared = sorted(set.intersection(*(set(own) for own in runs.values()))) if runs else []
    best = [max(runs, key=lambda arch: runs[arch][seed]) for seed in shared]
    pairs = [(a, b) for i, a in enumerate(best) for b in best[i + 1 :]]
    return sum(a != b for a, b in pairs) / len(pairs) if pairs else None


def _checked(alone: ArrayLike, distilled: ArrayLike) -> tuple[Array, Array]:
    v, k = np.asarray(alone, dtype=float), np.asarray(distilled, dtype=float)
    if v.shape != k.shape or v.ndim != 1 or len(v) < 3:
        raise UsageError(
            f"accuracies have shapes {v.shape} and {k.shape}; expected one of each for the same 3 or more networks"
        )
    if np.ptp(v) == 0 or np.ptp(k) == 0:
        raise UsageError("all accuracies of a column are equal; there is no best network")
    return v, k
