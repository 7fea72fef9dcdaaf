"""What a table shows that draws a few cells a few times: the distribution of its means and of its spreads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike

from benchmarks.statistics.resamples import Array, interval
from diswot_errors import UsageError
from reports.schema import Estimate


@dataclass(frozen=True)
class SmallSamples:
    """Spearman of one proxy in tables of `repeats` samples: the mean that they print, and the deviation."""

    mean: Estimate  # low and high: between which 95 % of such tables lie
    spread: Estimate


def small_samples(
    truth: ArrayLike,
    scores: Mapping[str, ArrayLike],
    *,
    cells: int = 50,
    repeats: int = 10,
    tables: int = 1000,
    seed: int = 0,
) -> dict[str, SmallSamples]:
    """Draw `tables` tables, each of `repeats` samples of `cells` cells with replacement, all proxies on the same cells.

    truth (n,), scores proxy -> (n,), higher predicting better, NaN where there is none (left out of a sample). The n
    cells are a sample of the space themselves: for each table they are resampled first, so that the interval holds
    that uncertainty too. A sample in which nothing varies has no Spearman and is left out.
    """
    target = np.asarray(truth, dtype=float)
    columns = {name: np.asarray(values, dtype=float) for name, values in scores.items()}
    if any(values.shape != target.shape for values in columns.values()) or len(target) < 3:
        raise UsageError(f"expected a truth and scores of the same 3 or more cells, got {target.shape}")
    if repeats < 2 or cells < 3:
        raise UsageError(f"{repeats} repeats of {cells} cells: expected at least 2 of 3, to have a mean and a spread")
    generator = np.random.default_rng(seed)
    means: dict[str, list[float]] = {name: [] for name in columns}
    spreads: dict[str, list[float]] = {name: [] for name in columns}
    for _ in range(tables):
        pool = generator.integers(0, len(target), len(target))
        drawn = pool[generator.integers(0, len(target), (repeats, cells))]
        for name, values in columns.items():
            found = _spearman(target[drawn], values[drawn])
            means[name].append(float(found.mean()) if len(found) > 1 else np.nan)
            spreads[name].append(float(found.std(ddof=1)) if len(found) > 1 else np.nan)
    return {name: SmallSamples(_estimate(means[name]), _estimate(spreads[name])) for name in columns}


def _spearman(x: Array, y: Array) -> Array:
    """Row by row for (repeats, cells); cells without a score left out, rows where nothing varies too."""
    if np.isfinite(y).all():
        return _correlation(scipy.stats.rankdata(x, axis=1), scipy.stats.rankdata(y, axis=1))
    rows = [np.isfinite(row) for row in y]
    ranked = scipy.stats.rankdata
    parts = [_correlation(*(ranked(v[keep])[None] for v in (a, b))) for a, b, keep in zip(x, y, rows, strict=True)]
    return np.concatenate(parts)


def _correlation(x: Array, y: Array) -> Array:
    if x.shape[1] < 3:
        return np.empty(0)
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    varied = scale > 0
    return np.asarray((x * y).sum(axis=1)[varied] / scale[varied], dtype=float)


def _estimate(values: list[float]) -> Estimate:
    array = np.array(values)
    known = array[np.isfinite(array)]
    if 2 * len(known) < len(array):
        return Estimate()
    low, high = interval(array)
    return Estimate(float(known.mean()), low, high)
