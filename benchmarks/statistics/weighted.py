"""Kendall tau-b, Spearman and Pearson of weighted cells, exact, for all resamples at once.

A resample is a column of integer weights w (see `resamples`), equal to repeating cell i w_i times. With N = sum w and
T the weights of the tie groups of one variable:

    tau-b = S / sqrt((N^2 - sum Tx^2) / 2 * (N^2 - sum Ty^2) / 2)
        S = sum_{i<j} w_i w_j sign(x_i - x_j) sign(y_i - y_j)
    rho = sum w rx ry / sqrt((N^3 - sum Tx^3) / 12 * (N^3 - sum Ty^3) / 12)
        r = centred mid-rank = cumsum(T) - (T + N) / 2

S needs no sorting per resample. Pairs in different x-blocks and different y-blocks are counted from a running
histogram of x-block weights; pairs that share a block by a small matrix of signs. This is O(n sqrt(n)) per resample,
nearly all of it in matrix products over the resamples, and exact, because every term is an integer far below 2^53.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from benchmarks.statistics.ranking import Index, Ranking
from benchmarks.statistics.resamples import Array

TOP_FRACTION = 0.05


@dataclass(frozen=True)
class Coefficients:
    """One value per resample (R,), NaN where the resample leaves it undefined (a variable constant in it)."""

    kendall: Array
    spearman: Array
    pearson: Array
    control_spearman: Array  # with the control variable (params), for the partial correlation
    precision: Array  # among the top TOP_FRACTION of the scores, the share that is among the true top


class Target:
    """The truth (n,), the weights (n, R) and what all scores of the same cells share: ranks, ties, the true top."""

    def __init__(self, values: Array, weights: Array, control: Array | None = None):
        self.values = values
        self.weights = weights
        self.total = weights.sum(axis=0)
        self.ranking = Ranking(values)
        self.ranks, squares, self.cubes = _weighted_ranks(self.ranking, weights, self.total)
        self.pairs = (self.total**2 - squares) / 2
        self.control_ranks, self.control_cubes = self.ranks, self.cubes
        if control is not None:
            self.control_ranks, _, self.control_cubes = _weighted_ranks(Ranking(control), weights, self.total)
        self.has_control = control is not None
        self.top = np.maximum(1.0, np.ceil(TOP_FRACTION * self.total - 1e-9))
        self.top_row, self.top_weights = self._true_top()

    def _true_top(self) -> tuple[Index, Array]:
        """Weight of each cell inside the true top, ties at the edge shared: row per cell (last row: none), weights."""
        groups = int(self.ranking.group.max()) + 1
        above = np.zeros_like(self.total)
        rows, members = [], []
        ordered = np.argsort(self.ranking.group, kind="stable")
        ends = np.searchsorted(self.ranking.group[ordered], np.arange(groups), side="right")
        for group in reversed(range(groups)):
            if np.all(above >= self.top):
                break
            cells = ordered[(ends[group - 1] if group else 0) : ends[group]]
            weight = self.weights[cells]
            tied = weight.sum(axis=0)
            rows.append(weight * _share(above, tied, self.top))
            members.append(cells)
            above = above + tied
        stacked = np.concatenate([*rows, np.zeros((1, len(self.total)))])
        row = np.full(len(self.values), len(stacked) - 1, dtype=np.intp)
        row[np.concatenate(members)] = np.arange(len(stacked) - 1)
        return row, stacked


@np.errstate(invalid="ignore", divide="ignore")  # a resample may hold none of these cells
def coefficients(truth: Target, scores: Array) -> Coefficients:
    """All coefficients of `scores` (n,), higher predicting better, with the truth: one value per resample."""
    ranking = Ranking(scores)
    total, weights = truth.total, truth.weights
    concordance = _same_truth_block(truth, ranking)
    squares, cubes, product, control, hits = (np.zeros_like(total) for _ in range(5))
    below = np.zeros_like(total)  # weight of all earlier (lower) score blocks
    seen = np.zeros((len(truth.ranking.blocks), len(total)))  # the same by truth block
    for block in ranking.blocks:
        weight = weights[block.cells]
        tied = block.by_group(weight)
        ranks = below + np.cumsum(tied, axis=0) - (tied + total) / 2
        squared = tied * tied
        squares += squared.sum(axis=0)
        cubes += _dot(squared, tied)
        product += _dot(ranks, block.by_group(truth.ranks[block.cells]))
        if truth.has_control:
            control += _dot(ranks, block.by_group(truth.control_ranks[block.cells]))
        concordance += _same_score_block(truth, ranking, block.cells, weight) if not block.tied else 0
        histogram = _histogram(truth.ranking.block[block.cells], len(seen)) @ weight
        lower = np.cumsum(seen, axis=0)
        concordance += _dot(histogram, 2 * lower - seen - lower[-1])
        seen += histogram
        below = below + tied.sum(axis=0)
        if np.any(total - below < truth.top):
            above = total - (ranks + (tied + total) / 2)
            hits += _dot(_share(above, tied, truth.top), block.by_group(truth.top_weights[truth.top_row[block.cells]]))
    pairs = (total**2 - squares) / 2
    variance = (total**3 - cubes) / 12
    return Coefficients(
        kendall=_ratio(concordance, truth.pairs, pairs),
        spearman=_ratio(product, (total**3 - truth.cubes) / 12, variance),
        pearson=np.where((truth.pairs > 0) & (pairs > 0), _pearson(truth.values, scores, weights, total), np.nan),
        control_spearman=_ratio(control, (total**3 - truth.control_cubes) / 12, variance),
        precision=hits / truth.top,
    )


def _weighted_ranks(ranking: Ranking, weights: Array, total: Array) -> tuple[Array, Array, Array]:
    """Weight times centred mid-rank of each cell (n, R), and the sums of T^2 and T^3 over tie groups (R,)."""
    ranks = np.empty_like(weights)
    below, squares, cubes = (np.zeros_like(total) for _ in range(3))
    for block in ranking.blocks:
        weight = weights[block.cells]
        tied = block.by_group(weight)
        rank = below + np.cumsum(tied, axis=0) - (tied + total) / 2
        ranks[block.cells] = weight * rank[ranking.group[block.cells] - ranking.group[block.cells[0]]]
        squares += _dot(tied, tied)
        cubes += _dot(tied * tied, tied)
        below = below + tied.sum(axis=0)
    return ranks, squares, cubes


def _same_truth_block(truth: Target, ranking: Ranking) -> Array:
    """S over the pairs that share a truth block."""
    result = np.zeros_like(truth.total)
    for block in truth.ranking.blocks:
        if not block.tied:
            result += _signed_pairs(_signs(truth.ranking, block.cells, ranking), truth.weights[block.cells])
    return result


def _same_score_block(truth: Target, ranking: Ranking, cells: Index, weight: Array) -> Array:
    """S over the pairs that share a score block and do not share a truth block."""
    blocks = truth.ranking.block[cells]
    return _signed_pairs(_signs(truth.ranking, cells, ranking) * (blocks[:, None] != blocks), weight)


def _signs(first: Ranking, cells: Index, second: Ranking) -> Array:
    """sign(x_i - x_j) sign(y_i - y_j) for all pairs of the given cells (b, b)."""
    x, y = first.group[cells], second.group[cells]
    return np.sign((x[:, None] - x).astype(float)) * np.sign((y[:, None] - y).astype(float))


def _signed_pairs(signs: Array, weight: Array) -> Array:
    """sum_{i<j} w_i w_j signs_ij for weights (b, R)."""
    return _dot(signs @ weight, weight) / 2


def _histogram(blocks: Index, count: int) -> sparse.csr_array:
    """The matrix (count, b) that adds the rows of each block."""
    return sparse.csr_array((np.ones(len(blocks)), (blocks, np.arange(len(blocks)))), shape=(count, len(blocks)))


def _share(above: Array, tied: Array, top: Array) -> Array:
    """The share of a tie group that falls into the top when its ties are broken at random: clip((top - above) / T)."""
    return np.clip((top - above) / np.maximum(tied, 1), 0, 1)


def _dot(left: Array, right: Array) -> Array:
    """Column-wise dot product of (b, R) and (b, R)."""
    return np.einsum("br,br->r", left, right)


def _ratio(numerator: Array, left: Array, right: Array) -> Array:
    """numerator / sqrt(left right), NaN where a variable is constant."""
    defined = (left > 0) & (right > 0)
    scale = np.sqrt(np.where(defined, left, 1)) * np.sqrt(np.where(defined, right, 1))
    return np.where(defined, np.clip(numerator / scale, -1, 1), np.nan)


def _pearson(x: Array, y: Array, weights: Array, total: Array) -> Array:
    """r = cov(x, y) / sqrt(var(x) var(y)), each resample centred on the data's median and then on its own mean.

    The median keeps one huge value (synflow reaches 1e61) from eating the digits of the resamples that do not hold it;
    resamples where more than six digits would cancel all the same are done again around their own mean.
    """
    x, y = _scaled(x), _scaled(y)
    sums = weights.T @ np.stack([x, y, x * x, y * y, x * y], axis=1)  # (R, 5)
    mean_x, mean_y = sums[:, 0] / total, sums[:, 1] / total
    var_x, var_y = sums[:, 2] - sums[:, 0] * mean_x, sums[:, 3] - sums[:, 1] * mean_y
    covariance = sums[:, 4] - sums[:, 0] * mean_y
    for column in np.flatnonzero((var_x < 1e-6 * sums[:, 2]) | (var_y < 1e-6 * sums[:, 3])):
        weight, dx, dy = weights[:, column], x - mean_x[column], y - mean_y[column]
        var_x[column], var_y[column], covariance[column] = weight @ (dx * dx), weight @ (dy * dy), weight @ (dx * dy)
    return _ratio(covariance, var_x, var_y)


def _scaled(values: Array) -> Array:
    """Values around their median, the largest magnitude being 1, so that squares neither overflow nor vanish."""
    half = np.median(values / 2)  # halves, because the difference of two finite values may overflow
    centred = values / 2 - half
    return centred / (np.abs(centred).max() or 1.0)
