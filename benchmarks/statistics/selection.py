"""What a search would gain: precision among the top of the list, and the regret of taking the first of it."""

import numpy as np

from benchmarks.statistics.resamples import Array
from benchmarks.statistics.weighted import TOP_FRACTION, Target, coefficients


def regret_of_first(truth: Array, scores: Array) -> float:
    """max(truth) - E[truth of the cell with the highest score]; among tied first choices every one is as likely.

    It has no bootstrap interval: resampling cells does not tell how an extreme varies.
    """
    return float(truth.max() - truth[scores == scores.max()].mean())


def precision_at_top(truth: Array, scores: Array) -> float:
    """E|top_k(scores) & top_k(truth)| / k with k = ceil(0.05 n), at least 1.

    Ties at the edge of either list are broken at random, independently: a tied cell counts with the probability that it
    gets in, so no order of the input can help.
    """
    context = Target(truth, np.ones((len(truth), 1)))
    return float(coefficients(context, scores).precision[0])


__all__ = ["TOP_FRACTION", "precision_at_top", "regret_of_first"]
