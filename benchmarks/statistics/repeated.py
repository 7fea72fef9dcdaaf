"""Scores of several draws on the same networks: both rank correlations and the difference to one of them, at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from benchmarks.statistics.paired import RESAMPLES
from benchmarks.statistics.resamples import Array, draw_weights, estimate
from benchmarks.statistics.weighted import Target, coefficients
from reports.schema import Estimate

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Repeated:
    """Kendall, Spearman, and Kendall minus that of the base: means over draws, intervals over networks."""

    draws: int
    kendall: Estimate
    spearman: Estimate
    difference: Estimate


def repeated(accuracies: Array, tables: Mapping[Key, Array], base: Key) -> dict[Key, Repeated]:
    """Of every table (draws, n); the same resamples for all. Nothing of one with a constant draw or a missing score.

    The difference to the base is to its mean over its own draws.
    """
    context = Target(accuracies, draw_weights(len(accuracies), RESAMPLES, 0))
    found: dict[Key, tuple[Array, Array]] = {}
    for key, values in tables.items():
        if np.isfinite(values).all() and np.ptp(values, axis=1).all():
            parts = [coefficients(context, row) for row in values]
            found[key] = np.stack([part.kendall for part in parts]), np.stack([part.spearman for part in parts])
    beside = found[base][0].mean(axis=0) if base in found else None
    made: dict[Key, Repeated] = {}
    for key, values in tables.items():
        if key not in found:
            made[key] = Repeated(len(values), Estimate(), Estimate(), Estimate())
            continue
        kendall, spearman = found[key]
        gap = Estimate() if beside is None or key == base else estimate(kendall - beside)
        made[key] = Repeated(len(values), estimate(kendall), estimate(spearman), gap)
    return made
