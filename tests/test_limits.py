"""What a limit holds for: one worker too, and not what a worker loads before it begins."""

import time
from pathlib import Path

import pytest
from scoring_support import SETTING, cells

from benchmarks.command.opened import opened
from benchmarks.command.options import machine, parser, store
from benchmarks.engines.local import Local, Workers
from benchmarks.engines.team import Limits, Lost
from benchmarks.engines.worker import begun
from benchmarks.scoring.runner import Found, Job, Runner, score_job
from benchmarks.scoring.store import Store
from proxies import select

ARCHS, INFOS = cells(2), select("params")


def hang(said: bool) -> bool:
    """Do nothing for ever, after saying that it is loaded or without."""
    if said:
        begun()
    time.sleep(600)
    return said


def endless(job: Job) -> Found:
    """Score, but one network takes for ever."""
    begun()
    if ARCHS[1] in job.archs:
        time.sleep(600)
    return score_job(job)


def loading(job: Job) -> Found:
    """Score after loading for longer than a network may take."""
    time.sleep(4)
    return score_job(job)


def test_one_worker_keeps_a_limit(tmp_path: Path) -> None:
    options = parser("mine", "", [store(), machine()]).parse_args(
        ["--workers", "1", "--time-limit", "1", "--store", str(tmp_path / "s.sqlite"), "--device", "cpu"]
    )
    with opened(options, score=endless, progress=False) as runner:
        found = runner.scores(SETTING, INFOS, ARCHS, [0])["params", 0]
    assert found[ARCHS[0]].status == "ok"
    assert found[ARCHS[1]].status == "failed" and "over the limit of 1 s (--time-limit)" in found[ARCHS[1]].reason


@pytest.mark.parametrize("apart", [True, False])
def test_loading_is_no_part_of_the_time(tmp_path: Path, apart: bool) -> None:
    with Store(tmp_path / "s.sqlite") as kept:
        with Runner(kept, Local(), limits=Limits(seconds=3), apart=apart, score=loading) as runner:
            found = runner.scores(SETTING, INFOS, ARCHS[:1], [0])["params", 0]
        assert found[ARCHS[0]].status == "ok"


@pytest.mark.parametrize(
    ("said", "loading", "words"), [(True, 600, ""), (False, 1, ", 1 s of loading aside"), (False, 0, "")]
)
def test_loading_has_its_own_time_which_ends_when_the_job_says_so(said: bool, loading: float, words: str) -> None:
    limits, since = Limits(seconds=1, loading=loading), time.monotonic()
    with Workers(1, apart=True) as team:
        (lost,) = team.each(hang, [said], limits=lambda job, beside: limits, lost=lambda one: one)
    assert isinstance(lost, Lost) and lost.why == f"over the limit of 1 s (--time-limit){words}"
    assert time.monotonic() - since < 60
