"""Kendall's tau on a population, from a sample and closed forms that are known on all of it."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from benchmarks.statistics import controlled


def test_a_score_like_a_control_is_known_from_any_sample() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=2_000)
    control = truth + rng.normal(size=2_000)
    known = controlled.on_population(truth, control[None])
    assert known[0] == pytest.approx(kendalltau(control, truth).statistic)
    for first in range(0, 600, 60):
        part = slice(first, first + 60)
        value, error = controlled.kendall(truth[part], control[None, part], control[None, part], known, 2_000, 200)
        assert value == pytest.approx(known[0]) and error < 1e-9


def test_it_is_nearer_than_the_sample_and_says_how_near() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=3_000)
    control = truth + rng.normal(size=3_000)
    score = 0.7 * control + 0.3 * truth + 0.5 * rng.normal(size=3_000)
    exact, known = kendalltau(score, truth).statistic, controlled.on_population(truth, control[None])
    plain, helped, errors = [], [], []
    for first in range(0, 3_000, 100):
        part = slice(first, first + 100)
        value, error = controlled.kendall(truth[part], score[None, part], control[None, part], known, 3_000, 200)
        plain.append(kendalltau(score[part], truth[part]).statistic - exact)
        helped.append(value - exact)
        errors.append(error)
    assert np.std(helped) < 0.75 * np.std(plain)
    assert np.mean(errors) == pytest.approx(np.std(helped), rel=0.35)
    assert abs(np.mean(helped)) < 3 * np.std(helped) / np.sqrt(len(helped)) + 0.01


def test_seeds_are_averaged() -> None:
    rng = np.random.default_rng(2)
    truth, control = rng.normal(size=(2, 80))
    scores = rng.normal(size=(2, 80)) + truth
    known = np.array([kendalltau(control, truth).statistic])  # this sample has no luck with the control
    value, _ = controlled.kendall(truth, scores, control[None], known, 10_000, 100)
    assert value == pytest.approx(np.mean([kendalltau(row, truth).statistic for row in scores]))


def test_what_is_known_of_all_networks_has_no_error() -> None:
    """Drawn without replacement: sqrt(1 - n / N) of the error of a sample with replacement."""
    rng = np.random.default_rng(3)
    truth = rng.normal(size=300)
    score, control = truth + rng.normal(size=300), truth + rng.normal(size=300)
    known = controlled.on_population(truth, control[None])
    whole, half, endless = (
        controlled.kendall(truth, score[None], control[None], known, population, 200)
        for population in (300, 600, 10**9)
    )
    assert whole[1] == 0 and half[1] == pytest.approx(endless[1] * 0.5**0.5)
    assert whole[0] == half[0] == pytest.approx(kendalltau(score, truth).statistic)
