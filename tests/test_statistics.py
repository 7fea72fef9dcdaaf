"""Every statistic against scipy or a few independent lines, with ties, constants and missing scores."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics import correlate, how_many_cells
from benchmarks.statistics.gain import regret_of_first
from benchmarks.statistics.resamples import draw_weights, interval
from benchmarks.statistics.weighted import Target, coefficients
from diswot_errors import UsageError
from reports.schema import FEWEST

HIGHER = dict.fromkeys(("params", "flops", "a", "b", "c"), "higher")


def drawn(cells: int, ties: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=cells)
    y = x + rng.normal(size=cells)
    if ties == "few":
        return np.round(x, 1), np.round(y, 2)
    if ties == "many":
        return np.round(x), np.round(2 * y)
    if ties == "one large group":
        return x, np.where(y < 1, 0.0, y)
    return x, y


@pytest.mark.parametrize("ties", ["none", "few", "many", "one large group"])
@pytest.mark.parametrize(("cells", "resamples"), [(5, 60), (64, 40), (65, 20), (700, 10), (5000, 2)])
def test_every_resample_equals_scipy_on_the_repeated_cells(cells: int, resamples: int, ties: str) -> None:
    x, y = drawn(cells, ties, seed=cells)
    weights = draw_weights(cells, resamples, seed=1)
    ours = coefficients(Target(x, weights, control=np.round(x + y)), y)
    for column in range(1 + resamples):
        cell = np.repeat(np.arange(cells), weights[:, column].astype(int))
        if np.ptp(x[cell]) == 0 or np.ptp(y[cell]) == 0:
            assert math.isnan(ours.kendall[column]) and math.isnan(ours.pearson[column])
            continue
        assert ours.kendall[column] == pytest.approx(stats.kendalltau(x[cell], y[cell]).statistic, abs=1e-12)
        assert ours.spearman[column] == pytest.approx(stats.spearmanr(x[cell], y[cell]).statistic, abs=1e-12)
        assert ours.pearson[column] == pytest.approx(stats.pearsonr(x[cell], y[cell]).statistic, abs=1e-12)
        if np.ptp(np.round(x + y)[cell]) > 0:
            control = stats.spearmanr(np.round(x + y)[cell], y[cell]).statistic
            assert ours.control_spearman[column] == pytest.approx(control, abs=1e-12)
        assert ours.precision[column] == pytest.approx(expected_precision(x[cell], y[cell]), abs=1e-12)


def expected_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """E|top & top| / k: each cell's chance to be among the first k of a list whose ties are shuffled."""
    k = max(1, math.ceil(0.05 * len(truth) - 1e-9))

    def chance(values: np.ndarray, own: float) -> float:
        return min(1.0, max(0.0, (k - np.sum(values > own)) / np.sum(values == own)))

    return sum(chance(truth, t) * chance(scores, s) for t, s in zip(truth, scores, strict=True)) / k


def test_pearson_keeps_its_digits_beside_a_huge_value() -> None:
    x, y = drawn(50, "none")
    y[0] = 1e61
    weights = draw_weights(50, 40, seed=0)
    ours = coefficients(Target(x, weights), y).pearson
    assert np.any(weights[0] == 0) and np.any(weights[0] > 0)
    for column in range(41):
        cell = np.repeat(np.arange(50), weights[:, column].astype(int))
        assert ours[column] == pytest.approx(stats.pearsonr(x[cell], y[cell]).statistic, abs=1e-9)


def test_weights_count_n_draws_with_replacement() -> None:
    weights = draw_weights(2000, 30, seed=3)
    assert np.array_equal(weights[:, 0], np.ones(2000))
    assert np.array_equal(weights.sum(axis=0), np.full(31, 2000))
    assert np.mean(weights[:, 1:] == 0) == pytest.approx(math.exp(-1), abs=0.01)
    assert np.array_equal(weights, draw_weights(2000, 30, seed=3))


def test_point_values_partial_and_differences_against_scipy() -> None:
    x, a = drawn(120, "few")
    params = np.round(x + np.random.default_rng(5).normal(size=120))
    rows = {r.proxy: r for r in correlate(x, {"params": params, "a": a}, HIGHER, resamples=20)}
    rho, rho_params = stats.spearmanr(x, a).statistic, stats.spearmanr(x, params).statistic
    between = stats.spearmanr(a, params).statistic
    row = rows["a"]
    assert (row.status, row.scored, row.left_out, row.seeds, row.resamples) == ("ok", 120, 0, 1, 20)
    assert row.kendall.value == pytest.approx(stats.kendalltau(x, a).statistic, abs=1e-12)
    assert row.spearman_minus_params.value == pytest.approx(rho - rho_params, abs=1e-12)
    partial = (rho - between * rho_params) / math.sqrt((1 - between**2) * (1 - rho_params**2))
    assert row.partial_spearman.value == pytest.approx(partial, abs=1e-12)
    assert row.spearman.spread is None
    assert row.spearman_minus_flops.value is None
    assert rows["params"].partial_spearman.value is None and rows["params"].kendall_minus_params.value is None


def test_intervals_are_percentiles_over_the_same_resamples_for_all() -> None:
    x, a = drawn(80, "few")
    params = np.round(x + np.random.default_rng(5).normal(size=80), 1)
    weights = draw_weights(80, 50, seed=7)
    cells = [np.repeat(np.arange(80), column.astype(int)) for column in weights[:, 1:].T]
    tau = np.array([[stats.kendalltau(x[i], y[i]).statistic for i in cells] for y in (a, params)])
    row = correlate(x, {"params": params, "a": a}, HIGHER, resamples=50, seed=7)[1]
    assert (row.kendall.low, row.kendall.high) == pytest.approx(np.percentile(tau[0], [2.5, 97.5]))
    difference = row.kendall_minus_params
    assert (difference.low, difference.high) == pytest.approx(np.percentile(tau[0] - tau[1], [2.5, 97.5]))


def test_the_interval_covers_the_population_value() -> None:
    population = 6 / math.pi * math.asin(0.7 / 2)  # Spearman of a Gaussian pair with correlation 0.7
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        x = rng.normal(size=150)
        y = 0.7 * x + math.sqrt(1 - 0.49) * rng.normal(size=150)
        rho = correlate(x, {"a": y}, HIGHER, resamples=200, seed=trial)[0].spearman
        assert rho.low is not None and rho.high is not None
        covered += rho.low <= population <= rho.high
    low, high = stats.binom.interval(0.99, 200, 0.95)
    assert low <= covered <= high


def test_lower_is_negated() -> None:
    x, a = drawn(60, "few")
    up = correlate(x, {"a": a}, {"a": "higher"}, resamples=10)[0]
    down = correlate(x, {"a": -a}, {"a": "lower"}, resamples=10)[0]
    assert up.spearman == down.spearman and up.precision_top5 == down.precision_top5 and down.direction == "lower"
    assert up.regret_top1 == down.regret_top1


def test_missing_scores_are_left_out_with_their_reason_and_the_baseline_follows() -> None:
    x, a = drawn(90, "few")
    params = np.round(x)
    a[:5], a[5] = np.nan, np.inf
    reasons = {"a": ["out-of-memory"] * 2 + [""] * 88}
    row = correlate(x, {"params": params, "a": a}, HIGHER, resamples=30, reasons=reasons)[1]
    kept = slice(6, None)
    assert (row.scored, row.left_out, row.reasons) == (84, 6, "nan 3, out-of-memory 2, infinite 1")
    tau, tau_params = (stats.kendalltau(x[kept], y[kept]).statistic for y in (a, params))
    assert row.kendall.value == pytest.approx(tau, abs=1e-12)
    assert row.kendall_minus_params.value == pytest.approx(tau - tau_params, abs=1e-12)


def test_a_constant_or_too_short_score_is_a_status_and_never_a_number() -> None:
    x, a = drawn(40, "none")
    short, enough = np.full((2, 40), np.nan)
    short[: FEWEST - 1], enough[:FEWEST] = a[: FEWEST - 1], a[:FEWEST]
    scores = {"params": a, "d": enough, "b": np.full(40, 3.0), "c": short, "a": np.full(40, np.nan)}
    rows = correlate(x, scores, HIGHER | {"d": "higher"}, resamples=10)
    assert [row.status for row in rows] == ["ok", "ok", "constant", "too-few", "too-few"]
    for row in rows[2:]:
        assert row.kendall.value is None and row.pearson.low is None and row.regret_top1.value is None
    assert rows[4].seeds == 0 and rows[4].reasons == "nan 40"


def test_a_constant_baseline_leaves_the_differences_open() -> None:
    x, a = drawn(40, "none")
    row = correlate(x, {"params": np.ones(40), "a": a}, HIGHER, resamples=10)[1]
    assert row.status == "ok" and row.kendall_minus_params.value is None and row.partial_spearman.value is None


def test_no_interval_when_most_resamples_are_undefined() -> None:
    x = np.arange(400.0)
    a = np.zeros(400)
    a[0] = 1.0
    row = correlate(x, {"a": a}, HIGHER, resamples=200)[0]
    assert row.kendall.low is not None  # about 63 % of the resamples hold the one cell that differs
    assert interval(np.array([0.1, 0.2, np.nan, np.nan]))[0] == pytest.approx(0.1025)
    assert interval(np.array([0.1, np.nan, np.nan])) == (None, None)
    assert interval(np.array([])) == (None, None)


def test_seeds_give_the_mean_of_the_statistic_and_its_spread() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=100)
    a = x + rng.normal(size=(3, 100))
    row = correlate(x, {"params": np.round(x), "a": a}, HIGHER, resamples=20)[1]
    per_seed = [stats.spearmanr(x, values).statistic for values in a]
    assert row.seeds == 3
    assert row.spearman.value == pytest.approx(np.mean(per_seed))
    assert row.spearman.spread == pytest.approx(np.std(per_seed, ddof=1))
    weights = draw_weights(100, 20, 0)
    cells = [np.repeat(np.arange(100), column.astype(int)) for column in weights[:, 1:].T]
    means = [np.mean([stats.spearmanr(x[i], values[i]).statistic for values in a]) for i in cells]
    assert (row.spearman.low, row.spearman.high) == pytest.approx(np.percentile(means, [2.5, 97.5]))


def test_a_seed_without_scores_is_left_out_whole_and_equal_seeds_have_no_spread() -> None:
    x, a = drawn(50, "none")
    rows = correlate(x, {"a": np.stack([a, np.full(50, np.nan)]), "b": np.stack([a, a])}, HIGHER, resamples=5)
    assert rows[0].seeds == 1 and rows[0].scored == 50
    assert rows[1].seeds == 2 and rows[1].kendall.spread == 0 and rows[1].kendall.value == rows[0].kendall.value


def precision_at_top(truth: np.ndarray, scores: np.ndarray) -> float:
    return float(coefficients(Target(truth, np.ones((len(truth), 1))), scores).precision[0])


def test_precision_is_the_mean_over_random_tie_breaks() -> None:
    x, y = drawn(200, "many", seed=4)
    rng = np.random.default_rng(0)
    trials = []
    for _ in range(3000):
        tops = [set(np.lexsort((rng.random(200), values))[-10:]) for values in (x, y)]
        trials.append(len(tops[0] & tops[1]) / 10)
    assert precision_at_top(x, y) == pytest.approx(np.mean(trials), abs=0.02)
    assert precision_at_top(x, x + 0.0) < 1  # ties at the edge of the truth cost even the truth itself
    assert precision_at_top(np.arange(100.0), np.arange(100.0)) == 1


def test_regret_shares_ties_of_the_first_choice() -> None:
    truth = np.array([70.0, 72.0, 75.0, 60.0])
    assert regret_of_first(truth, np.array([1.0, 5.0, 5.0, 0.0])) == pytest.approx(75 - (72 + 75) / 2)
    assert regret_of_first(truth, truth) == 0


def test_sample_size_is_found_by_simulation() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=4000)
    near, far = x + rng.normal(size=4000), x + 1.6 * rng.normal(size=4000)
    found = how_many_cells(x[:400], near[:400], far[:400], resamples=300)
    everything = how_many_cells(x, near, far, resamples=100)
    assert everything.cells is not None and found.measured_on == 400 and found.difference > 0
    separated = 0
    for trial in range(100):
        cell = rng.choice(4000, size=everything.cells, replace=False)
        rows = correlate(x[cell], {"params": far[cell], "a": near[cell]}, HIGHER, resamples=150, seed=trial)
        separated += rows[1].spearman_minus_params.separated == 1
    assert 65 <= separated <= 95  # planned for 80


def test_sample_size_of_equal_scores_is_unknown() -> None:
    x, a = drawn(50, "none")
    assert how_many_cells(x, a, a + 1, resamples=20).cells is None


@pytest.mark.parametrize(
    ("truth", "scores", "directions", "message"),
    [
        ([1.0, 2.0], {"a": [1.0, 2.0]}, HIGHER, r"shape \(2,\); expected one value for each of at least 3"),
        ([1.0, 2.0, math.nan], {"a": [1.0, 2.0, 3.0]}, HIGHER, "1 of 3 true values are not finite"),
        ([5.0, 5.0, 5.0], {"a": [1.0, 2.0, 3.0]}, HIGHER, "all 3 true values are 5.0"),
        ([1.0, 2.0, 3.0], {"a": [1.0, 2.0]}, HIGHER, r"scores of 'a' have shape \(2,\)"),
        (
            [1.0, 2.0, 3.0],
            {"a": [1.0, 2.0, 3.0]},
            {"a": "up"},
            "direction of 'a' is 'up'; expected 'higher' or 'lower'",
        ),
    ],
)
def test_wrong_use_says_what_was_expected(truth: list, scores: dict, directions: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        correlate(truth, scores, directions)


def test_sample_size_refuses_what_it_cannot_answer() -> None:
    x, a = drawn(50, "none")
    with pytest.raises(UsageError, match="unknown coefficient 'tau'"):
        how_many_cells(x, a, x, coefficient="tau")
    with pytest.raises(UsageError, match="8 cells"):
        how_many_cells(x[:8], a[:8], x[:8])
    with pytest.raises(UsageError, match="a constant has no rank correlation"):
        how_many_cells(x, a, np.ones(50))
