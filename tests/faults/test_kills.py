"""Whatever ends a command, and whenever: the same command again ends with the undisturbed result."""

import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from faults.driver import CORRELATION, SEARCH, Bench, question
from golden.questions import Question

DISTILL, HARVEST, PIPELINE, ALL_TABLES, SEARCH_TABLE = map(
    question, ("distill", "harvest", "pipeline", "all-tables", "search-table")
)
SHARED = question("search-shared")
SEARCH_BY_TWO = question("search-two-workers")
KILLS = 3  # of one run, one after the other
SIGNALS = [(signal.SIGINT, True, 130, "interrupted"), (signal.SIGTERM, False, 143, "told to end")]


def cases() -> list[Any]:
    """One in every run of the tests, many more in the slow one."""
    quick = [(SEARCH, 7)]
    slow = [(CORRELATION, 1), (DISTILL, 3)]
    slow += [(each, seed) for each in (CORRELATION, SEARCH_BY_TWO, SHARED, DISTILL, HARVEST) for seed in range(10, 16)]
    slow += [(each, seed) for each in (PIPELINE, ALL_TABLES, SEARCH_TABLE) for seed in range(20, 22)]
    return [
        *(pytest.param(each, seed, id=f"{each.name}-{seed}") for each, seed in quick),
        *(pytest.param(each, seed, id=f"{each.name}-{seed}", marks=pytest.mark.slow) for each, seed in slow),
    ]


TOLD = [pytest.param(SEARCH, id="search")] + [
    pytest.param(each, id=each.name, marks=pytest.mark.slow)
    for each in (CORRELATION, SEARCH_BY_TWO, DISTILL, HARVEST, PIPELINE)
]


def whole(tmp_path: Path, asked: Question, data: str) -> tuple[Bench, float]:
    """The undisturbed run, and how long it took."""
    begin, bench = time.monotonic(), Bench(tmp_path / "whole", asked, data)
    bench.ask()
    return bench, time.monotonic() - begin


@pytest.mark.parametrize(("asked", "seed"), cases())
def test_killed_at_random_moments(asked: Question, seed: int, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    data = str(request.getfixturevalue("reference_data")) if asked.reference else ""
    undisturbed, seconds = whole(tmp_path, asked, data)
    rng, bench = random.Random(seed), Bench(tmp_path / "killed", asked, data)
    answers: set[object] = set()
    kills = KILLS if request.node.get_closest_marker("slow") else 1
    landed = 0
    for _ in range(kills):
        landed += bench.disturbed(rng.uniform(0.2, 0.9) * seconds).code == -signal.SIGKILL
        assert not bench.orphans()
        assert answers <= set(bench.answers()), "answers were lost"
        answers = set(bench.answers())
    assert landed, "every kill came too late"
    bench.ask()
    assert bench.left() == undisturbed.left()
    assert not bench.orphans()
    assert not list(bench.out.rglob("*.partial")), "half-written files are left"


def locked(name: str, folder: Path) -> bool:
    """Whether a process is at work in the folder."""
    file = folder / name
    return file.is_file() and f":{file.stat().st_ino} " in Path("/proc/locks").read_text()


@pytest.mark.parametrize("asked", TOLD)
def test_told_to_end(asked: Question, tmp_path: Path) -> None:
    """By Ctrl-C, which a terminal sends to the workers too, then by SIGTERM, as a batch system does."""
    bench = Bench(tmp_path / "told", asked)
    (line,) = asked.lines
    for number, group, code, said in SIGNALS:
        process = bench.start(line)
        while process.poll() is None and not any(map(locked, (".lock", ".harvested.csv.lock"), [bench.out] * 2)):
            time.sleep(0.01)
        time.sleep(1)  # of work, or of starting workers
        found = bench.signalled(process, number, group)
        assert found.code == code and "Traceback" not in found.err, found.err
        assert sum(said in line for line in found.err.splitlines()) == 1
        assert not bench.orphans()
    bench.ask()
    undisturbed, _ = whole(tmp_path, asked, "")
    assert bench.left() == undisturbed.left()
