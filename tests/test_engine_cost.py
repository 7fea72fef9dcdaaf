"""What engines cost: the arithmetic of the tables, and one small run."""

import pytest

from benchmarks import engine_cost
from benchmarks.engines.local import Local
from benchmarks.scoring.runner import PER_JOB
from benchmarks.tables.engine_cost import EMPTY, FURTHER, SPACE, Course, measured, reckoned


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_space_is_reckoned_by_networks_times_seconds_over_workers() -> None:
    course = Course("mine", Local(2), 2, 9.0, empty=[EMPTY * 0.01, EMPTY * 0.03, EMPTY * 0.02])
    assert course.handing_out == pytest.approx(0.02)  # the median
    row = cells(reckoned(course, {"slow": 3.6}).splitlines()[-1])
    most = int(PER_JOB * 3.6 / 0.02)
    assert row[0] == "slow" and row[1] == "3.600" and row[-1] == str(most) == "360"
    hours = [SPACE * 3.6 / 3600 / min(workers, most) for workers in FURTHER]
    assert row[2:5] == [f"{hours[0]:.1f} h", f"{hours[1]:.1f} h", f"{60 * hours[2]:.0f} min"]
    assert row[5] == f"{60 * hours[3]:.0f} min" and row[6] == f"{60 * hours[4]:.0f} min"
    assert hours[4] == SPACE * 3.6 / 3600 / 360  # 1,024 workers are no faster than the most that find work


def test_ratios_are_of_the_same_round() -> None:
    here = Course("this process", Local(1), 1, 0.5, [0.0] * 3, [1.0, 2.0, 4.0], [2.0, 4.0, 8.0])
    there = Course("two", Local(2), 2, 3.0, [EMPTY * 0.001] * 3, [0.5, 1.0, 1.0], [1.0, 2.5, 2.0])
    first, second = (cells(line) for line in measured([here, there], 8).splitlines()[-2:])
    assert first == ["this process", "1", "0.5", "0.00", "2.00", "1.00", "2.00"]
    assert second == ["two", "2", "3.0", "1.00", "4.00", "2.00", "2.00"]


def test_a_small_run_prints_both_tables(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--workers", "1", "--device", "cpu", "--sample", "10", "--batch-size", "8"]
    assert engine_cost.main([*given, "--dry-run"]) == 0
    assert "3 rounds of 400 empty jobs and of 10 networks" in capsys.readouterr().out
    assert engine_cost.main([*given, "--rounds", "1"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("10 networks x ") and [cells(line)[0] for line in out[4:6]] == ["this process", "local"]
    assert [cells(line)[0] for line in out[-3:]] == ["nwot", "m_s,m_r,nwot,synflow,snip", "all"]
    assert float(cells(out[-3])[1]) < float(cells(out[-1])[1])  # one score costs less than all
