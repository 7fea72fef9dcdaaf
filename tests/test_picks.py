"""What the best by a score of b networks drawn at random is worth: against every draw there is."""

from itertools import combinations

import numpy as np
import pytest

from benchmarks.statistics.picks import pick_chances, picked, picked_quantile
from diswot_errors import UsageError

TRUTH = np.array([50.0, 60.0, 55.0, 90.0, 70.0, 65.0, 10.0])
SCORES = {"distinct": np.array([1.0, 2, 3, 4, 5, 6, 7]), "tied": np.array([1.0, 3, 3, 3, 2, 2, 0])}


def by_hand(scores: np.ndarray, budget: int) -> np.ndarray:
    chances = np.zeros(len(scores))
    draws = list(combinations(range(len(scores)), budget))
    for draw in draws:
        best = [i for i in draw if scores[i] == max(scores[list(draw)])]
        chances[best] += 1 / len(best) / len(draws)
    return chances


@pytest.mark.parametrize("budget", range(1, 8))
@pytest.mark.parametrize("kind", SCORES)
def test_as_counted_over_every_draw(kind: str, budget: int) -> None:
    scores = SCORES[kind]
    chances = by_hand(scores, budget)
    assert pick_chances(scores, budget) == pytest.approx(chances)
    assert picked(TRUTH, scores, budget) == pytest.approx(chances @ TRUTH)


def test_one_draw_is_any_network_and_all_of_them_the_first_choice() -> None:
    assert picked(TRUTH, SCORES["distinct"], 1) == pytest.approx(TRUTH.mean())
    assert picked(TRUTH, SCORES["distinct"], 7) == TRUTH[-1]
    assert picked(TRUTH, TRUTH, 7) == TRUTH.max()


def test_scales_and_orders_do_not_matter() -> None:
    shuffled = np.random.default_rng(0).permutation(7)
    scores = SCORES["tied"]
    assert picked(TRUTH[shuffled], 5 * scores[shuffled] - 3, 3) == pytest.approx(picked(TRUTH, scores, 3))


def test_quantiles_of_the_pick() -> None:
    chances = by_hand(SCORES["distinct"], 3)
    for share in (0.05, 0.5, 0.95):
        at = picked_quantile(TRUTH, SCORES["distinct"], 3, share)
        assert chances[at >= TRUTH].sum() >= share - 1e-9
        assert chances[at > TRUTH].sum() < share
    assert picked_quantile(TRUTH, SCORES["distinct"], 7, 0.5) == TRUTH[-1]


def test_large_spaces_stay_exact() -> None:
    scores = np.arange(15625.0)
    chances = pick_chances(scores, 1000)
    assert chances.sum() == pytest.approx(1) and chances[-1] == pytest.approx(1000 / 15625)


@pytest.mark.parametrize("budget", [0, 8])
def test_a_budget_that_cannot_be_drawn(budget: int) -> None:
    with pytest.raises(UsageError, match="expected 1 to 7"):
        pick_chances(SCORES["tied"], budget)
