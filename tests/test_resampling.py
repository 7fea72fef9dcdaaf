"""What an interval is about: networks, redrawn with all their cells; and the tests over seeds beside it."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics import correlate
from benchmarks.statistics.comparison import signed_ranks
from benchmarks.statistics.paired import paired
from benchmarks.statistics.repeated import repeated
from benchmarks.statistics.resamples import draw_weights

rng = np.random.default_rng(0)
TRUTH = rng.normal(size=60)
SCORE = TRUTH + rng.normal(size=60)


def test_cells_that_are_one_network_are_redrawn_together() -> None:
    apart = draw_weights(6, 50, 3)
    assert np.array_equal(apart, draw_weights(6, 50, 3, "abcdef"))
    together = draw_weights(6, 400, 3, ["x", "y", "x", "x", "z", "y"])
    assert np.array_equal(together[0], together[2]) and np.array_equal(together[1], together[5])
    assert (together[:, 0] == 1).all() and (together[[0, 1, 4], 1:].sum(axis=0) == 3).all()  # 3 of 3 networks
    with pytest.raises(ValueError, match="2 names of networks for 6 cells"):
        draw_weights(6, 5, 0, "ab")


def width(networks: list[int] | None, copies: int) -> float:
    scores = {"params": np.tile(SCORE, copies)}
    (row,) = correlate(np.tile(TRUTH, copies), scores, {"params": "higher"}, resamples=400, networks=networks)
    assert row.spearman.low < row.spearman.value < row.spearman.high  # type: ignore[operator]
    return row.spearman.high - row.spearman.low  # type: ignore[operator]


def test_copies_of_networks_make_no_interval_narrower() -> None:
    """Every network five times: as cells the interval is narrower by sqrt(5), as networks it is that of one each."""
    names, once = list(range(60)) * 5, width(None, 1)
    assert width(names, 5) == pytest.approx(once, rel=0.05)
    assert width(None, 5) == pytest.approx(once / 5**0.5, rel=0.2)
    several, single = (
        paired(np.tile(TRUTH, n), np.tile(SCORE, n)[None], np.tile(TRUTH + SCORE, n)[None], networks=names[: 60 * n])
        for n in (5, 1)
    )
    assert several.low == pytest.approx(single.low, abs=0.02) and several.high == pytest.approx(single.high, abs=0.02)


def test_signed_ranks_are_those_of_wilcoxon() -> None:
    values = np.random.default_rng(0).normal(0.3, 1.0, 25)
    ranks = stats.rankdata(abs(values))
    assert signed_ranks(values.tolist()) == pytest.approx(ranks[values > 0].sum() - ranks[values < 0].sum())
    assert signed_ranks([0.0, 1.0, -2.0]) == 1 - 2 and signed_ranks([]) == 0
    assert signed_ranks([-9.0, *[0.1] * 19]) > 0 > np.mean([-9.0, *[0.1] * 19])


def test_a_missing_score_is_no_score_of_repeated_draws() -> None:
    holed = np.where(np.arange(60) < 4, np.nan, SCORE)
    found = repeated(TRUTH, {"base": SCORE[None], "holed": holed[None]}, "base")
    assert found["base"].kendall.value is not None and found["holed"].kendall.value is None
