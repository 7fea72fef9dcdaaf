"""Statistics by hand: small cases whose numbers can be worked out beside the code."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics import correlate, how_many_cells, like_pairs, own_draws
from benchmarks.statistics.comparison import compare
from benchmarks.statistics.like_pairs import LikePairs
from benchmarks.statistics.paired import stretched
from benchmarks.statistics.repeated import repeated
from benchmarks.statistics.resamples import draw_weights
from benchmarks.statistics.same_order import _quality, same_order
from benchmarks.statistics.small_samples import _estimate, small_samples
from reports.schema import Estimate


def test_the_scale_of_the_distilled_column_does_not_matter() -> None:
    alone, distilled = np.array([60.0, 61.0, 63.0, 64.0]), np.array([50.0, 52.0, 55.0, 54.5])
    one = same_order(alone, distilled, 0.5, 0.3, draws=2000)
    assert 0 < one.regret < one.swap
    other = same_order(alone, 10 * distilled - 7, 0.5, 3.0, draws=2000)
    assert (other.swap, other.regret, other.kendall) == pytest.approx((one.swap, one.regret, one.kendall), abs=2e-3)


def test_quality_is_the_weighted_mean_without_the_variance_that_noise_added() -> None:
    """Weights 1 and 1/9: means (0 + 10/9) / (10/9) = 1 and 9; noise of the mean .9 = 1 / (1 + 1/9) of 16."""
    found = _quality(np.array([0.0, 10.0]), np.array([10.0, 0.0]), np.ones(2), np.full(2, 3.0))
    assert found == pytest.approx([5 - 4 * (1 - 0.9 / 16) ** 0.5, 5 + 4 * (1 - 0.9 / 16) ** 0.5])


def test_sample_size_is_its_formula_with_the_names_of_the_cells_that_count() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    near, far = x + rng.normal(size=200), x + 1.6 * rng.normal(size=200)
    for given, z in (({}, 1.959964 + 0.841621), ({"confidence": 0.99, "power": 0.9}, 2.575829 + 1.281552)):
        found = how_many_cells(x, near, far, resamples=100, **given)
        assert found.cells == math.ceil(200 * (z * found.deviation / found.difference) ** 2)
    names, holed = [i // 2 for i in range(200)], np.where(np.arange(200) < 3, np.nan, near)
    whole = how_many_cells(x[3:], near[3:], far[3:], networks=names[3:], resamples=50)
    assert how_many_cells(x, holed, far, networks=names, resamples=50) == whole
    assert whole.deviation != how_many_cells(x[3:], near[3:], far[3:], resamples=50).deviation


def test_regret_has_a_spread_over_seeds() -> None:
    truth = np.arange(12.0)
    a = np.stack([truth, np.where(truth == 9, 99, truth)])  # regrets 0 and 2
    row = correlate(truth, {"a": a}, {"a": "higher"}, resamples=5)[0]
    assert row.regret_top1.value == 1 and row.regret_top1.spread == pytest.approx(2**0.5)


def test_a_baseline_of_several_seeds_counts_by_its_mean() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=60)
    params, a = x + rng.normal(size=(2, 60)), x + rng.normal(size=60)
    row = correlate(x, {"params": params, "a": a}, {"params": "higher", "a": "higher"}, resamples=5)[1]
    rho = [stats.spearmanr(x, each).statistic for each in (a, *params)]
    assert row.spearman_minus_params.value == pytest.approx(rho[0] - (rho[1] + rho[2]) / 2)


def test_the_difference_is_to_the_mean_over_the_draws_of_the_base() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(size=60)
    base, one = truth + rng.normal(size=(2, 60)), truth + rng.normal(size=(1, 60))
    taus = [stats.kendalltau(row, truth).statistic for row in (*one, *base)]
    found = repeated(truth, {"base": base, "one": one}, "base")["one"]
    assert found.difference.value == pytest.approx(taus[0] - (taus[1] + taus[2]) / 2)


def test_the_interval_holds_that_the_cells_are_a_sample_themselves() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=20)
    y = x + rng.normal(size=20)
    found = small_samples(x, {"y": y}, cells=20, repeats=100, tables=300)["y"].mean
    cells = rng.integers(0, 20, (1000, 20))
    low, high = np.percentile([stats.spearmanr(x[c], y[c]).statistic for c in cells], [2.5, 97.5])
    assert found.high - found.low == pytest.approx(high - low, rel=0.3)  # a tenth of it without the uncertainty


def test_what_most_tables_lack_is_no_number() -> None:
    assert _estimate([np.nan, np.nan, 0.5]) == Estimate()
    assert _estimate([np.nan, 0.4, 0.6]).value == pytest.approx(0.5)


def test_the_interval_of_like_pairs_redraws_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    truth, scores, names = rng.normal(size=12), rng.normal(size=12), [*"aabbccddeeff"]
    values = []
    for w in draw_weights(12, 40, 0, names)[:, 1:].T:
        pairs = [
            (w[i] * w[j], np.sign((truth[i] - truth[j]) * (scores[i] - scores[j])))
            for i, j in combinations(range(12), 2)
        ]
        values.append(sum(a * b for a, b in pairs) / sum(a for a, _ in pairs))
    monkeypatch.setattr(like_pairs, "MOST", 12)  # those behind are not looked at
    like = LikePairs([*truth, 9.0, -9.0], np.ones(14), resamples=40, networks=[*names, "g", "h"])
    found = like.agreement([*scores, 9.0, 9.0])
    assert like.pairs == 66 and (found.low, found.high) == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])))


def test_ties_count_as_in_tau_b() -> None:
    rng = np.random.default_rng(4)
    truth = rng.normal(size=80).round()
    score = (truth + rng.normal(size=80)).round()
    expected = stats.kendalltau(score, truth).statistic
    assert own_draws.kendall(truth, np.stack([[score] * 2])) == pytest.approx(expected, abs=0.02)


def test_two_strategies_have_a_critical_difference_and_no_friedman_test() -> None:
    found = compare({"a": [1.0, 2.0, 3.0], "b": [2.0, 3.0, 1.0]})
    assert found.p is None and found.critical_difference == pytest.approx(1.960 * math.sqrt(2 * 3 / (6 * 3)), rel=1e-3)


def test_a_stretched_interval_keeps_its_spread() -> None:
    assert stretched(Estimate(1.0, 0.5, 1.25, 0.2), 0.975).spread == 0.2
