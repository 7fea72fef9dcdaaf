"""How many cells must be sampled before an interval separates two proxies."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from benchmarks.statistics.resamples import Names, draw_weights
from benchmarks.statistics.weighted import Target, coefficients
from diswot_errors import UsageError
from reports.schema import COEFFICIENTS


@dataclass(frozen=True)
class SampleSize:
    """`cells` to sample (None: no difference), from the difference and its s.d. on the `measured_on` cells at hand."""

    cells: int | None
    difference: float
    deviation: float
    measured_on: int


def how_many_cells(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    coefficient: str = "spearman",
    confidence: float = 0.95,
    power: float = 0.8,
    resamples: int = 1000,
    seed: int = 0,
    networks: Names | None = None,
) -> SampleSize:
    """Cells m at which the interval of (first - second) leaves zero outside with probability `power`.

    The bootstrap s.d. s of the paired difference d on the n cells at hand is scaled by 1 / sqrt(n):
    m = n ((z_confidence + z_power) s / |d|)^2. In both scores (n,) higher predicts better; cells without both are left
    out. `networks`: which network each cell is, see `draw_weights`.
    """
    if coefficient not in COEFFICIENTS:
        raise UsageError(f"unknown coefficient {coefficient!r}; expected one of {', '.join(COEFFICIENTS)}")
    arrays = np.stack([np.asarray(values, dtype=float) for values in (truth, first, second)])
    known = np.isfinite(arrays).all(axis=0)
    target, left, right = arrays[:, known]
    named = None if networks is None else [name for name, whole in zip(networks, known, strict=True) if whole]
    if len(target) < 10:
        raise UsageError(f"{len(target)} cells have a truth and both scores; expected at least 10 to extrapolate from")
    if any(np.ptp(values) == 0 for values in (target, left, right)):
        raise UsageError("a constant has no rank correlation; expected a truth and two scores that vary")
    context = Target(target, draw_weights(len(target), resamples, seed, named))
    values = getattr(coefficients(context, left), coefficient) - getattr(coefficients(context, right), coefficient)
    difference, deviation = float(values[0]), float(np.nanstd(values[1:], ddof=1))
    if difference == 0:
        return SampleSize(None, difference, deviation, len(target))
    z = float(ndtri(1 - (1 - confidence) / 2) + ndtri(power))
    cells = max(3, math.ceil(len(target) * (z * deviation / difference) ** 2))
    return SampleSize(cells, difference, deviation, len(target))
