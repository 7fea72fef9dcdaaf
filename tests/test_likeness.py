"""Rank correlations of many columns at once: against pandas, by hand, and what must not change them."""

import math

import numpy as np
import pandas as pd
import pytest

from reports.likeness import spearman

RANDOM = np.random.default_rng(0)
Column = dict[str, float]


def column(values: "np.ndarray", lacking: tuple[int, ...] = ()) -> Column:
    """By name, some left out."""
    return {f"n{place}": float(value) for place, value in enumerate(values) if place not in lacking}


def test_as_pandas_has_it() -> None:
    values = RANDOM.integers(0, 9, size=(6, 40)).astype(float)  # with many equals
    lacking = [(), (), (3, 5), (3, 5), tuple(range(20)), tuple(range(2, 40))]
    columns = [column(row, out) for row, out in zip(values, lacking, strict=True)]
    columns[0]["n7"], columns[2]["n8"] = math.inf, -math.inf
    frame = pd.DataFrame(dict(enumerate(columns)))
    expected = frame.corr(method="spearman", min_periods=3).to_numpy()
    assert np.isnan(expected).any()
    np.testing.assert_allclose(spearman(columns), expected, atol=1e-12)


def test_by_hand() -> None:
    found = spearman([{"a": 1, "b": 2, "c": 3}, {"a": 10, "b": 30, "c": 20}, {"c": 0.1, "b": 0.2, "a": 0.3}])
    np.testing.assert_allclose(found, [[1, 0.5, -1], [0.5, 1, -0.5], [-1, -0.5, 1]], atol=1e-12)


def test_constants_and_strangers_say_nothing() -> None:
    found = spearman([{"a": 1, "b": 2, "c": 3}, {"a": 5, "b": 5, "c": 5}, {"x": 1, "y": 2, "z": 3}, {}])
    assert np.isnan(found[0, 1:]).all() and np.isnan(found[1]).all() and np.isnan(found[3]).all()
    assert found[0, 0] == pytest.approx(1) and spearman([]).shape == (0, 0)


def test_only_the_order_counts() -> None:
    values = RANDOM.normal(size=(2, 30))
    plain = spearman([column(values[0]), column(values[1])])[0, 1]
    bent = spearman([column(np.exp(values[0])), column(values[1] ** 3)])[0, 1]
    shuffled = spearman([column(values[0]), dict(reversed(column(values[1]).items()))])[0, 1]
    assert bent == pytest.approx(plain, abs=1e-12) and shuffled == pytest.approx(plain, abs=1e-12)
    assert spearman([column(values[0]), column(-values[1])])[0, 1] == pytest.approx(-plain, abs=1e-12)
