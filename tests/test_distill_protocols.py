"""Protocols of training: their schedules, also of shorter runs and of teachers, and their names."""

from dataclasses import replace

import pytest

from benchmarks.distill.protocols import PROTOCOLS, get_protocol
from diswot_errors import UsageError


def test_schedules() -> None:
    steps = get_protocol("repdistiller")
    assert [round(steps.rate(epoch * 10, 10), 8) for epoch in (0, 149, 150, 180, 239)] == [
        0.05,
        0.05,
        0.005,
        0.0005,
        5e-5,
    ]
    assert get_protocol("authors90").rate(90 * 196 - 1, 196) == 0.1  # decay epochs that are never reached
    one = get_protocol("lite")
    rates = [one.rate(step, 97) for step in range(12 * 97)]
    assert max(rates) == pytest.approx(0.3, rel=0.01) and rates.index(max(rates)) == pytest.approx(0.2 * 12 * 97, abs=2)
    assert 0 < rates[-1] < 1e-3
    cosine = replace(one, schedule="cosine")
    assert cosine.rate(6 * 97, 97) == pytest.approx(0.15, rel=0.01)


def test_a_shorter_run_has_the_schedule_scaled_and_says_so() -> None:
    whole = get_protocol("repdistiller")
    short = whole.lasting(24)
    assert short.milestones == (15, 18, 21) and "24 epochs in place of its 240" in short.note
    for epoch in range(24):
        assert short.rate(epoch * 10, 10) == whole.rate(epoch * 100, 10)
    odd = whole.lasting(3)  # the rate falls within an epoch
    assert [odd.rate(step, 8) for step in (14, 15, 18, 21)] == pytest.approx([0.05, 0.005, 5e-4, 5e-5])
    assert whole.lasting(240) is whole and get_protocol("lite").lasting(3).teacher_epochs == 36


def test_teachers_keep_their_own_schedule() -> None:
    assert get_protocol("repdistiller").lasting(6).of_teachers().milestones == (150, 180, 210)
    assert get_protocol("small").of_teachers().epochs == 24 and get_protocol("glance").of_teachers().epochs == 3


def test_protocols_are_named_by_themselves_and_unknown_ones_refused() -> None:
    assert all(name == protocol.name for name, protocol in PROTOCOLS.items())
    with pytest.raises(UsageError, match="Did you mean lite"):
        get_protocol("lita")
