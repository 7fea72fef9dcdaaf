"""Kendall's tau when every network has a draw of its own, from two seeds: against networks that really had one."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from benchmarks.statistics import own_draws


def test_without_luck_it_is_kendalls_tau() -> None:
    rng = np.random.default_rng(1)
    truth, score = rng.normal(size=60), rng.normal(size=60)
    found = own_draws.kendall(truth, np.stack([[score + truth] * 2]))
    assert found == pytest.approx(kendalltau(score + truth, truth).statistic, abs=0.02)


def test_luck_that_all_share_counts_only_between_draws() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(size=400)

    def scored(seed: int) -> np.ndarray:  # the draw shifts all networks alike
        return truth + np.random.default_rng(seed).normal() * 1.5

    shared = np.stack([scored(seed) for seed in range(30)])
    assert kendalltau(shared[0], truth).statistic == pytest.approx(1)
    anew = np.array([scored(1000 + i)[i] for i in range(len(truth))])
    expected = kendalltau(anew, truth).statistic
    assert expected < 0.6 and own_draws.kendall(truth, shared[None]) == pytest.approx(expected, abs=0.06)


def test_parts_are_combined_after_the_draw() -> None:
    rng = np.random.default_rng(3)
    truth = rng.normal(size=80)
    parts = rng.normal(size=(2, 3, 80)) + truth
    both = own_draws.kendall(truth, parts, lambda a, b: list(a + b))
    assert both > own_draws.kendall(truth, parts[:1]) > 0
