"""Worker processes: results as they come, reasons that arrive, nobody left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.workers import Workers
from diswot_errors import DataError

PARENT = """
import os, time
from benchmarks.workers import Workers
from test_workers import nap
if __name__ == "__main__":
    with Workers(2) as team:
        for pid in team.each(nap, [0, 0, 60, 60]):
            print(pid, flush=True)
"""


def nap(seconds: float) -> int:
    """Sleep, then say who slept."""
    time.sleep(seconds)
    return os.getpid()


def square(x: int) -> int:
    """x^2, but not of 3."""
    if x == 3:
        raise DataError("no square of 3")
    return x * x


def fail() -> None:
    """A start that fails."""
    raise DataError("no start today")


@pytest.mark.parametrize("count", [1, 2])
def test_all_results_come(count: int) -> None:
    with Workers(count) as team:
        assert sorted(team.each(square, [1, 2, 4])) == [1, 4, 16]


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_arrives_with_its_reason(count: int) -> None:
    with pytest.raises(DataError, match="no square of 3"), Workers(count) as team:
        list(team.each(square, [3]))


def test_a_failed_start_is_told_by_the_first_job() -> None:
    with pytest.raises(DataError, match="no start today"), Workers(2, fail) as team:
        list(team.each(square, [1]))


def test_workers_end_when_their_parent_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), os.path.dirname(__file__)])}
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{worker}/stat", encoding="utf-8") as file:
            if file.read().split()[2] == "Z":  # dead, and nobody here to collect it
                return
        time.sleep(0.1)
    pytest.fail("a worker outlived its parent")
