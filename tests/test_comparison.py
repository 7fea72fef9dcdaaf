"""Comparisons of several methods over the same seeds, held against scipy and textbook values."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics.comparison import against, compare, holm


def test_comparison_against_scipy():
    rng = np.random.default_rng(0)
    regrets = {
        name: (rng.normal(size=25) + shift).round(1).tolist()
        for name, shift in zip("abcd", (0, 0.3, 1, 2), strict=True)
    }
    found = compare(regrets)
    assert found.p == pytest.approx(stats.friedmanchisquare(*regrets.values()).pvalue)
    ranks = stats.rankdata(np.array(list(regrets.values())), axis=0).mean(axis=1)
    assert list(found.mean_ranks.values()) == pytest.approx(ranks.tolist())
    # Demsar (JMLR 2006), table 5: q_0.05 is 2.569 for four methods
    assert found.critical_difference == pytest.approx(2.569 * math.sqrt(4 * 5 / (6 * 25)), rel=1e-3)
    p = {name: stats.wilcoxon(np.subtract(regrets[name], regrets["a"])).pvalue for name in "bcd"}
    assert against(regrets, "a") == pytest.approx(holm(p))


def test_comparison_without_differences():
    same = {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0], "c": [1.0, 2.0, 3.0]}
    assert compare(same).p is None and set(compare(same).mean_ranks.values()) == {2.0}
    assert against(same, "a") == {"b": 1.0, "c": 1.0}


def test_holm_by_hand():
    assert holm({"x": 0.01, "y": 0.04, "z": 0.03}) == pytest.approx({"x": 0.03, "y": 0.06, "z": 0.06})
    assert holm({"x": 0.6, "y": 0.7}) == {"x": 1.0, "y": 1.0}
