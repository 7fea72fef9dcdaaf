"""Is one score better than another on the same networks? Differences of coefficients, the same resamples for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.special import ndtri

from benchmarks.statistics.resamples import Array, Names, draw_weights, estimate
from benchmarks.statistics.weighted import Target, coefficients
from reports.schema import FEWEST, Estimate

RESAMPLES = 1000
CONFIDENCE = 0.95
Coefficient = Literal["kendall", "spearman"]


def paired(
    accuracies: Sequence[float],
    first: Array,
    second: Array,
    coefficient: Coefficient = "spearman",
    networks: Names | None = None,
) -> Estimate:
    """The coefficient of the first scores (seeds, n) minus that of the second, as `against`."""
    return against(accuracies, first, {"": second}, coefficient, networks)[""]


def against(
    accuracies: Sequence[float],
    own: Array,
    others: Mapping[str, Array],
    coefficient: Coefficient = "spearman",
    networks: Names | None = None,
) -> dict[str, Estimate]:
    """The coefficient of `own` (seeds, n) minus that of each other: the same networks, the same resamples.

    Scores of one seed stand beside every seed. Networks that lack a score in any, for any seed, are left out; empty
    where less than ten are left or one is constant. `networks`: (n,) which network each cell is, see `draw_weights`.
    """
    tables = {"own": own, **{f"other {name}": values for name, values in others.items()}}
    whole = np.isfinite(np.concatenate(list(tables.values()))).all(axis=0)
    target = np.array(accuracies)[whole]
    if len(target) < FEWEST or np.ptp(target) == 0 or not all(np.ptp(row) for row in own[:, whole]):
        return {name: Estimate() for name in others}
    context = Target(target, draw_weights(len(accuracies), RESAMPLES, 0, networks)[whole])
    mine = _resampled(context, own[:, whole], coefficient)
    return {
        name: estimate(mine - _resampled(context, values[:, whole], coefficient))
        if all(np.ptp(row) for row in values[:, whole])
        else Estimate()
        for name, values in others.items()
    }


def stretched(estimate: Estimate, confidence: float) -> Estimate:
    """The same value with an interval of another confidence: both arms by z(confidence) / z(95 %), z of the normal.

    Percentiles so far out would take too many resamples; the arms keep the ratio that the resamples gave them.
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate
    factor = float(ndtri((1 + confidence) / 2) / ndtri((1 + CONFIDENCE) / 2))
    low, high = (estimate.value + factor * (end - estimate.value) for end in (estimate.low, estimate.high))
    return Estimate(estimate.value, low, high, estimate.spread)


def _resampled(context: Target, table: Array, coefficient: Coefficient) -> Array:
    """(seeds, 1 + resamples)."""
    return np.stack([getattr(coefficients(context, row), coefficient) for row in table])
