"""How much of one ranking others explain together."""

import numpy as np
import scipy
from numpy.typing import ArrayLike

from diswot_errors import UsageError


def rank_r2(scores: ArrayLike, explaining: ArrayLike) -> float | None:
    """1 - SS_rest / SS of the ranks of scores (n,) regressed on those of explaining (k, n) and a constant.

    Ties share the mean of their ranks. Networks where anything is not finite are left out; None where all scores are
    equal or no more networks are left than columns, the constant among them.
    """
    target, others = np.asarray(scores, dtype=float), np.atleast_2d(np.asarray(explaining, dtype=float))
    if others.shape[1:] != target.shape:
        raise UsageError(
            f"{target.shape} scores and explaining columns of {others.shape[1:]}: expected as many networks"
        )
    kept = np.isfinite(target) & np.isfinite(others).all(axis=0)
    if kept.sum() <= len(others) + 1 or np.ptp(target[kept]) == 0:
        return None
    ranks = [scipy.stats.rankdata(row[kept]) for row in (target, *others)]
    y, *columns = (row - row.mean() for row in ranks)
    basis, values, _ = np.linalg.svd(np.stack(columns, 1), full_matrices=False)
    along = basis[:, values > 1e-9 * max(values[0], 1e-300)].T @ y
    return float(along @ along / (y @ y))
