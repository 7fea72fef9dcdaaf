"""Worker processes: results as they come, reasons that arrive, nobody left behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.engines.local import Limits, Lost, Workers
from benchmarks.engines.progress import Clock, Progress
from diswot_errors import DataError

PARENT = """
import os, time
from benchmarks.engines.local import Workers
from test_engines import nap
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
    assert gone(worker), "a worker outlived its parent"


def gone(process: int, within: float = 20) -> bool:
    """Whether a process ends in time; one that nobody collects counts as ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{process}/stat", encoding="utf-8") as file:
                if file.read().split()[2] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


def misbehave(what: str) -> str:
    """End the process in one of several ways, or do nothing."""
    if what == "signal":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "exit":
        os._exit(0)
    if what == "sleep":
        time.sleep(600)
    if what == "eat":
        eaten = bytearray(os.urandom(1 << 20)) * 1500
        time.sleep(600 if eaten else 0)
    if what == "system exit":
        raise SystemExit(0)
    if what == "unsendable":
        return lambda: 0  # type: ignore[return-value]
    return what


def die() -> None:
    """A start that ends the process without a word, as a plugin may."""
    os._exit(0)


def test_a_job_that_kills_its_worker_is_tried_alone_and_the_others_go_on() -> None:
    jobs = ["a", "signal", "b", "exit", "c", "sleep", "d", "eat", "e"]

    def limits(job: str, beside: int) -> Limits:
        return Limits(seconds=1 if job == "sleep" else None, bytes=1 << 30)

    with Workers(2) as team:
        found = list(team.each(misbehave, jobs, limits=limits, lost=lambda one: one))
        lost = {one.job: one.why for one in found if isinstance(one, Lost)}
        assert sorted(one for one in found if isinstance(one, str)) == ["a", "b", "c", "d", "e"]
        assert lost["signal"] == "killed by signal 11" and lost["exit"] == "exit code 0"
        assert lost["sleep"] == "over the limit of 1 s (--time-limit)" and lost["eat"].startswith(
            "over the limit of memory: 1."
        )
        assert len(found) == len(jobs)
        assert list(team.each(misbehave, ["again"])) == ["again"]  # the team is whole


def test_a_lost_job_is_tried_again_in_parts() -> None:
    jobs = [("a", "exit"), ("b", "c")]
    with Workers(2) as team:
        found = list(
            team.each(
                misbehave_all, jobs, split=lambda job: [(one,) for one in job], lost=lambda one: f"lost {one.job}"
            )
        )
    assert sorted(map(str, found)) == ["['a']", "['b', 'c']", "lost ('exit',)"]


def misbehave_all(jobs: tuple[str, ...]) -> list[str]:
    """Each of them."""
    return [misbehave(job) for job in jobs]


def test_without_a_word_for_lost_jobs_it_is_an_error() -> None:
    with pytest.raises(DataError, match=r"ended twice over the same piece of work \(exit code 0\)"), Workers(2) as team:
        list(team.each(misbehave, ["exit"]))


def test_a_worker_that_ends_while_it_starts_is_told() -> None:
    with pytest.raises(DataError, match=r"ended while it started \(exit code 0\)"), Workers(2, die) as team:
        list(team.each(misbehave, ["a"]))


def test_no_success_without_a_result() -> None:
    with pytest.raises(DataError, match=r"SystemExit\(0\)"), Workers(2) as team:
        list(team.each(misbehave, ["system exit"]))
    with pytest.raises(DataError, match="cannot be sent between processes"), Workers(2) as team:
        list(team.each(misbehave, ["unsendable"]))


def test_who_stops_listening_leaves_no_worker_at_an_old_job() -> None:
    with Workers(2) as team:
        for _ in team.each(misbehave, ["a", "sleep", "sleep"]):
            break
        assert sorted(team.each(misbehave, ["b", "c"])) == ["b", "c"]


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(10, "network", "scores", every=0.05) as shown:
        shown.advance(4, "nwot 3.1")
        time.sleep(0.4)
    lines = capsys.readouterr().err.splitlines()
    assert lines and lines[-1].startswith("scores: 4/10 networks") and "left" in lines[-1] and "nwot 3.1" in lines[-1]


def test_a_log_of_many_short_spells_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock, begin = Clock(), time.monotonic()
    for spell in range(12):
        with Progress(10, "network", f"spell {spell}", every=0.2, clock=clock) as shown:
            time.sleep(0.05)
            shown.advance(10)
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) <= (time.monotonic() - begin) / 0.2, "one in each span of that length at most"
    assert "10/10 networks" in lines[0]


def test_a_worker_inside_one_long_call_does_not_outlive_its_parent() -> None:
    code = PARENT.replace("nap", "hold")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), os.path.dirname(__file__)])}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert gone(worker), "a worker outlived its parent"


def hold(seconds: float) -> int:
    """One call that never lets the interpreter go, for some seconds."""
    import ctypes

    ctypes.PyDLL(None).usleep(int(seconds * 1e6))
    return os.getpid()


FAULTS = """
import resource, sys, torch
from benchmarks.engines.device import settle
if sys.argv[1] == "settled":
    settle()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    maps = [torch.empty(1 << 20).fill_(1.0) for _ in range(40)]
    del maps
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="not glibc, which alone can be told so")
def test_what_a_network_frees_is_there_for_the_next_one() -> None:
    def second(how: str) -> int:
        return int(
            subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True).stdout
        )

    unsettled = second("as ever")  # 160 MB, zeroed again page by page
    if unsettled < 10_000:
        pytest.skip("pages are huge here: few faults either way")
    assert second("settled") < unsettled / 3
