"""What becomes of a ranking when every network is scored with random weights and images of its own.

Scores here share their draw: one seed gives all networks the same batch and equal layers equal weights, so that luck
falls on all alike. Code that draws anew for each network compares networks of different draws. Kendall's tau is a
sum over pairs, so that two seeds are enough: those pairs are counted whose networks were given different ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.statistics.resamples import Array

ASSIGNMENTS = 50
Combine = Callable[..., Sequence[float]]


def kendall(truth: Array, parts: Array, combine: Combine = lambda score: score) -> float:
    """tau-b over pairs of networks of different draws; the mean over random assignments of draws to networks.

    parts: (p, seeds, n), no value missing, at least two seeds; `combine` makes p columns (n,) one score (n,), larger
    predicting better.
    """
    rng, order, n = np.random.default_rng(0), _signs(truth), len(truth)
    found = []
    for _ in range(ASSIGNMENTS):
        drawn = rng.permutation(np.arange(n) % parts.shape[1])
        values = _signs(np.asarray(combine(*parts[:, drawn, np.arange(n)]), dtype=float))
        pairs = drawn[:, None] != drawn
        x, y = values[pairs], order[pairs]
        found.append((x * y).sum() / np.sqrt(np.abs(x).sum() * np.abs(y).sum()))
    return float(np.mean(found))


def _signs(values: Array) -> Array:
    return np.sign(values[:, None] - values)
