"""Searches that end by their seconds: what costs, and what a folder remembers of the limit."""

import math

import pytest
from search_support import Epochs

from benchmarks.search import run_search
from diswot_errors import UsageError
from nb201_data.spaces import get_space

SPACE = get_space("nb201")


def test_seconds_budget_and_repeats_cost():
    result = run_search(SPACE, "bohb", Epochs(), 1000, max_seconds=5000, seed=0)
    assert result.stopped == "seconds" and 4800 <= result.seconds <= 5000
    new = {}
    for each in result.trajectory:
        assert each.seconds == (0 if each.trial.key in new else each.trial.fidelity)
        new[each.trial.key] = each.value


def test_a_repeated_trial_costs_its_seconds_again_where_that_is_charged():
    """As NAS-Bench-201's own searches have it: then the seconds alone decide how many evaluations there are."""
    free, charged = (
        run_search(SPACE, "reinforce", Epochs(), 10_000, max_seconds=60_000, charged=each, seed=0) for each in (0, 1)
    )
    keys = [one.trial.key for one in charged.trajectory]
    assert len(set(keys)) < len(keys) and charged.stopped == "seconds"
    assert all(one.seconds == one.trial.fidelity for one in charged.trajectory)
    assert charged.seconds <= 60_000 < charged.seconds + max(one.seconds for one in charged.trajectory)
    assert [one.trial.key for one in free.trajectory[: len(keys)]] == keys and free.evaluations > charged.evaluations


def test_a_limit_of_seconds_is_part_of_what_a_folder_holds(tmp_path):
    def search(seconds=math.inf):
        return run_search(SPACE, "random", Epochs(), 60, max_seconds=seconds, folder=tmp_path / "f")

    short = search(3000)
    assert short.stopped == "seconds" and short.evaluations < 60
    whole = search()
    assert whole.evaluations == 60 and whole.trajectory[: short.evaluations] == short.trajectory
    with pytest.raises(UsageError, match="max_seconds"):
        search(3000)
