"""Words and verdicts of pages, by hand."""

from dataclasses import replace

import pytest
from test_chosen import BEST, EMPTY, TRUTH, made
from test_published import FLOPS

from benchmarks.tables import chosen
from reports.schema import Estimate, VerdictKind
from reports.tables import format_duration
from reports.verdicts import Counterpart, compare


def test_a_number_beside_an_interval_is_measured_from_the_nearer_end() -> None:
    round_one = replace(FLOPS, value=52.0, step=1.0)
    for low, high, kind, detail in (
        (50.0, 51.0, VerdictKind.OUTSIDE, "published 1.00 above"),  # a whole step away
        (50.0, 51.01, VerdictKind.WITHIN, ""),
        (53.0, 59.0, VerdictKind.OUTSIDE, "published 1.00 below"),
        (52.99, 59.0, VerdictKind.WITHIN, ""),
    ):
        found = compare(round_one, Counterpart(Estimate((low + high) / 2, low, high), 64, 3, ""))
        assert (found.kind, found.detail) == (kind, detail)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 s"), (40, "40 s"), (89, "89 s"), (90, "2 min"), (720, "12 min"), (5_399, "90 min"), (12_600, "3.5 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_the_first_lines_by_hand() -> None:
    found = chosen.choices(TRUTH, [made("params", {BEST: 1.0}), made("diswot", {EMPTY: 1.0})])
    lines = chosen.lead(chosen.Students(TRUTH, found, chosen.trained(TRUTH, [])))
    assert lines[1] == "Of 3 networks of mine one has 44.00 % on the mean, 60.00 % in the middle, the best 71.00 %."
    assert lines[2] == "The best student that is chosen, by params, has 71.00 %, better than 100.0 % of those."
    assert lines[3] == "Others: diswot (kaiming, 64 of images) 1.00 %, better than 0.0 %."


def test_a_network_that_is_level_is_not_below() -> None:
    runs = {"a": [1.0], "b": [1.0], "c": [0.0]}
    assert chosen.Trained(runs, runs).below("a") == 0.5
