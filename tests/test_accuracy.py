"""Scores in fp32 against the same scores in float64: one bound for all but those that are known to be loose."""

import pytest
import torch
from accuracy import BOUND, LOOSE, deviation, deviations, table, twelve

from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell
from proxies import all_proxies


def too_far(cell: Cell, skeleton: Skeleton, size: int) -> dict[str, float]:
    found = deviations(cell, ["all"], skeleton, size)
    assert len(found) > 40
    return {name: one for name, one in found.items() if not one <= LOOSE.get(name, BOUND)}


@pytest.mark.parametrize("cell", [twelve()[0], twelve()[-1]], ids=["lightest", "heaviest"])
def test_small_networks(cell: Cell) -> None:
    assert too_far(cell, Skeleton(8, 1, 20, 16), 16) == {}


@pytest.mark.slow
@pytest.mark.parametrize("cell", twelve(), ids=str)
def test_whole_networks(cell: Cell) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert too_far(cell, Skeleton(classes=100), 64) == {}
    finally:
        torch.set_num_threads(threads)


def test_loose_ones_exist() -> None:
    assert LOOSE.keys() <= {info.name for info in all_proxies()}


def test_deviations_and_their_table() -> None:
    assert deviation(1.01, 1.0) == pytest.approx(0.01) and deviation(0.0, 0.0) == 0
    assert deviation(None, None) is None and deviation(None, 1.0) == float("inf")
    lines = table([{"a": 0.1, "b": 1e-7, "c": 0}, {"a": 0.3, "b": 3e-7, "c": 0}, {"a": 0.2, "c": 0}]).splitlines()
    assert lines[2:] == ["| a | 2e-01 | 3e-01 | 3 |", "| the other 2 | | 3e-07 | |"]
