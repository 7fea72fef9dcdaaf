"""How good the first of a list are: regret of the very first, nDCG as VKDNW uses it on NAS-Bench-201."""

import numpy as np

from benchmarks.statistics.resamples import Array

FIRST = 1_000


def ndcg(accuracies: Array, scores: Array, first: int = FIRST) -> float:
    """DCG / ideal DCG of the first P: DCG = sum_{j <= P} (2^a_j - 1) / log2(1 + j), a in percent, ideal = best order.

    Ties are broken at random: the value is the expectation, every place of a tie group holds the group's mean gain.
    Only the few cells within 2 or 3 points of the best count, and the value depends on P / n: compare on one set alone.
    """
    gains = np.exp2(accuracies - accuracies.max()) - np.exp2(-accuracies.max())  # over 2^max, which cancels
    discounts = np.zeros(len(gains))
    count = min(first, len(gains))
    discounts[:count] = 1 / np.log2(2 + np.arange(count))
    _, group = np.unique(-scores, return_inverse=True)  # 0: the highest
    means = np.bincount(group, gains) / np.bincount(group)
    reached = np.sort(group)
    return float(means[reached] @ discounts / (np.sort(gains)[::-1] @ discounts))


def regret_of_first(truth: Array, scores: Array) -> float:
    """max(truth) - E[truth of the cell with the highest score]; among tied first choices every one is as likely.

    It has no bootstrap interval: resampling cells does not tell how an extreme varies.
    """
    return float(truth.max() - truth[scores == scores.max()].mean())
