"""How much of a ranking others explain, against numpy's least squares on ranks."""

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from benchmarks.statistics.explained import rank_r2
from diswot_errors import UsageError

rng = np.random.default_rng(0)


def test_against_least_squares_on_ranks() -> None:
    x = rng.integers(0, 6, (3, 40)).astype(float)  # with ties
    y = x.sum(0) + rng.normal(size=40)
    design = np.column_stack([np.ones(40), *(rankdata(row) for row in x)])
    target = rankdata(y)
    rest = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
    assert rank_r2(y, x) == pytest.approx(1 - rest @ rest / np.sum((target - target.mean()) ** 2))
    assert rank_r2(y, x[:1]) == pytest.approx(spearmanr(y, x[0]).statistic ** 2)
    assert rank_r2(y, np.stack([x[0], x[0], 0 * x[0]])) == pytest.approx(rank_r2(y, x[:1]))  # nothing new


def test_what_has_no_answer() -> None:
    assert rank_r2([1.0, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]) is None
    assert rank_r2([1.0, 2.0, np.nan], [1.0, 2.0, 3.0]) is None
    with pytest.raises(UsageError, match="as many networks"):
        rank_r2([1.0, 2.0, 3.0], [1.0, 2.0])
