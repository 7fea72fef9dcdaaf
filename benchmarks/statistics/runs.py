"""Means of a few runs: how far to trust one, and where that of further runs would lie."""

import math
import statistics
from collections.abc import Sequence

import scipy

from reports.schema import Estimate


def t95(freedom: float) -> float:
    """Half the width of a 95 % t interval, in standard errors."""
    return float(scipy.stats.t.ppf(0.975, freedom))


def mean_of_runs(values: Sequence[float]) -> Estimate:
    """Mean, its 95 % t interval, the standard deviation of a run; no interval from one run, nothing from none."""
    if len(values) < 2:
        return Estimate(values[0] if values else None)
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    reach = t95(len(values) - 1) * spread / math.sqrt(len(values))
    return Estimate(mean, mean - reach, mean + reach, spread)


def repetition(estimate: Estimate, seeds: int, repeats: int) -> Estimate:
    """Where the mean of `repeats` further runs on the same networks lies, 95 %, from mean and spread over `seeds`.

    mean +- t_(.975, k-1) s sqrt(1/k + 1/m), k runs here, m of the other, between -100 and 100: what it is of are
    correlations times 100 or accuracies in percent. No interval from a single run.
    """
    if estimate.value is None or estimate.spread is None or seeds < 2:
        return Estimate(estimate.value)
    reach = t95(seeds - 1) * estimate.spread * (1 / seeds + 1 / repeats) ** 0.5
    return Estimate(estimate.value, max(-100.0, estimate.value - reach), min(100.0, estimate.value + reach))
