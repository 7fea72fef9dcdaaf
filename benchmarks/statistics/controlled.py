"""Kendall's tau of a score on a whole population, from a sample, with the help of what is known on the population.

Closed forms have a value for every network. A sample that flatters them flatters the scores that are like them. So: the
tau of a score on the sample, less its share of the luck that the sample has with the closed forms (control variates,
the share from the bootstrap's resamples).
"""

from __future__ import annotations

import numpy as np
import scipy

from benchmarks.statistics.resamples import Array, draw_weights
from benchmarks.statistics.weighted import Target, coefficients


def kendall(
    truth: Array, scores: Array, controls: Array, known: Array, population: int, resamples: int = 1000
) -> tuple[float, float]:
    """The value on the population and its standard error.

    truth: (n,). scores: (seeds, n), their tau is the mean over seeds. controls: (k, n), of the same networks.
    known: (k,), tau of each control on the population, which has so many networks: of a sample without replacement the
    standard error is sqrt(1 - n / N) of that of one with, 0 where all are known.
    """
    target = Target(truth, draw_weights(len(truth), resamples, 0))
    own = np.stack([coefficients(target, row).kendall for row in scores]).mean(axis=0)
    of_controls = np.stack([coefficients(target, row).kendall for row in controls], axis=1)
    whole = np.isfinite(own) & np.isfinite(of_controls).all(axis=1)
    drawn, beside = own[1:][whole[1:]], of_controls[1:][whole[1:]]
    drawn, beside = drawn - drawn.mean(), beside - beside.mean(axis=0)
    share = np.linalg.lstsq(beside, drawn, rcond=None)[0]
    left = np.sqrt(1 - len(truth) / population)
    return float(own[0] - (of_controls[0] - known) @ share), float(left * (drawn - beside @ share).std())


def on_population(truth: Array, controls: Array) -> Array:
    """(k,) Kendall's tau-b of each control (k, N) with the truth (N,)."""
    return np.array([scipy.stats.kendalltau(row, truth).statistic for row in controls])
