"""How well scores order cells that cost the same: Kendall's count over pairs of like FLOPs alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.statistics.resamples import Array, Names, draw_weights, estimate
from diswot_errors import UsageError
from reports.schema import Estimate

MOST = 1000  # cells; all pairs of more take long, and a sample of a thousand says it to two digits
FEWEST_PAIRS = 10


class LikePairs:
    """The pairs of cells whose cost differs by less than a share of `within`, and whose truth differs.

    truth, cost: (n,); of more than MOST cells the first are taken. The statistic of scores s is
    sum sign(s_i - s_j) sign(y_i - y_j) / number of pairs: 1 all in the right order, 0 as good as guessing. Its interval
    is the percentile bootstrap over networks (see `draw_weights`), the same resamples for all scores.
    """

    def __init__(
        self,
        truth: ArrayLike,
        cost: ArrayLike,
        *,
        within: float = 0.1,
        resamples: int = 1000,
        seed: int = 0,
        networks: Names | None = None,
    ) -> None:
        y, c = (np.asarray(values, dtype=float)[:MOST] for values in (truth, cost))
        if y.shape != c.shape or len(y) < 3 or not (np.isfinite(y).all() and (c > 0).all()):
            raise UsageError(
                f"expected the truth and a positive cost of the same 3 or more cells, got {np.shape(truth)}"
            )
        ratio = np.maximum.outer(c, c) / np.minimum.outer(c, c)
        like = (ratio < 1 + within) & ~np.eye(len(y), dtype=bool)
        self.signs: Array = np.where(like, np.sign(y[:, None] - y), 0.0)
        self.weights = draw_weights(len(y), resamples, seed, networks and networks[:MOST])

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return int(np.abs(self.signs).sum() / 2)

    def agreement(self, scores: ArrayLike) -> Estimate:
        """Of scores (n,), higher predicting better; cells without a score (NaN) are left out with their pairs."""
        s = np.asarray(scores, dtype=float)[: len(self.signs)]
        known = np.isfinite(s)
        s = np.where(known, s, 0.0)
        counted = self.signs * np.outer(known, known)
        if np.abs(counted).sum() / 2 < FEWEST_PAIRS:
            return Estimate()
        right = counted * np.sign(s[:, None] - s)
        with np.errstate(invalid="ignore", divide="ignore"):
            return estimate((self._total(right) / self._total(np.abs(counted)))[None])

    def _total(self, matrix: Array) -> Array:
        """sum_ij w_i w_j M_ij for every resample (R,)."""
        return np.asarray(np.einsum("ir,ir->r", matrix @ self.weights, self.weights), dtype=float)
