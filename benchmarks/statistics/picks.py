"""The best by a score among networks drawn at random: how likely each network is to be it, exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from benchmarks.statistics.resamples import Array
from diswot_errors import UsageError


def pick_chances(scores: Array, budget: int) -> Array:
    """(n,) P(network i has the highest score among `budget` of the n, drawn without replacement).

    P(the highest is at most v) = C(m, b) / C(n, b), m the networks with a score of at most v. Ties are drawn by lot.
    """
    n = len(scores)
    if not 1 <= budget <= n:
        raise UsageError(f"a budget of {budget:,} of {n:,} networks: expected 1 to {n:,}")
    found = np.unique(scores, return_inverse=True, return_counts=True)
    place: NDArray[np.int_] = found[1]
    count: NDArray[np.int_] = found[2]
    reached = np.cumsum(count)
    below = np.where(reached >= budget, np.exp(_log_choose(reached, budget) - _log_choose(np.array([n]), budget)), 0.0)
    chances: Array = np.diff(below, prepend=0.0) / count
    return chances[place]


def picked(truth: Array, scores: Array, budget: int) -> float:
    """E[truth of the pick]."""
    return float(pick_chances(scores, budget) @ truth)


def picked_quantile(truth: Array, scores: Array, budget: int, share: float) -> float:
    """The smallest truth that the pick stays at or below with a chance of at least `share`."""
    order = np.argsort(truth)
    reached = np.cumsum(pick_chances(scores, budget)[order])
    place = int(np.searchsorted(reached, share - 1e-12))
    return float(truth[order][min(place, len(order) - 1)])


def _log_choose(m: NDArray[np.int_], b: int) -> Array:
    """ln C(m, b); -inf where m < b."""
    found = np.full(len(m), -np.inf)
    enough = m >= b
    found[enough] = gammaln(m[enough] + 1) - gammaln(m[enough] - b + 1) - gammaln(b + 1)
    return found
