"""The engine `ray` on a real cluster of two nodes: what it counts, jobs that fail, workers and nodes that go."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import ray_support
from ray_support import ROOT, small
from test_engines import fail, gone, misbehave, misbehave_all, square
from test_runner import ARCHS, INFOS, SETTING, numbers

from benchmarks.engines.ray import RayCluster
from benchmarks.engines.registry import ENGINES, Wanted
from benchmarks.engines.team import Limits, Lost
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.store import Store
from diswot_errors import DataError, UsageError

pytestmark = pytest.mark.ray


def test_it_counts_what_the_cluster_has(cluster: Any) -> None:
    engine = ENGINES["ray"].engine(Wanted("cpu", address=cluster.address))
    assert engine.workers == 2
    share, alone = engine.memory(2), engine.memory(1)
    assert share is not None and 2**28 < share < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert alone == share  # each node has room for one
    with pytest.raises(DataError, match="no node of the Ray cluster has room for a worker of 1 CPU"):
        ENGINES["ray"].engine(Wanted("cuda", gpus_per_worker=0.5))


def test_jobs_are_done_on_both_nodes(nodes: RayCluster) -> None:
    with nodes.team(2) as team:
        assert set(team.each(ray_support.node_of, [1.0] * 6)) == {"head", "other"}
        assert sorted(team.each(square, range(4, 40))) == [x * x for x in range(4, 40)]


def test_errors_arrive_with_their_reason(nodes: RayCluster) -> None:
    with pytest.raises(DataError, match="no square of 3"), nodes.team(2) as team:
        list(team.each(square, [3]))
    with pytest.raises(DataError, match="no start today"), nodes.team(2, fail) as team:
        list(team.each(square, [1]))
    with pytest.raises(DataError, match="cannot be sent between processes"), nodes.team(2) as team:
        list(team.each(misbehave, ["unsendable"]))


def test_jobs_that_die_hang_or_swell_are_tried_alone_and_the_others_go_on(nodes: RayCluster) -> None:
    """Word for word what the local engine says."""
    given = ["a", "signal", "b", "exit", "c", "sleep", "d", "eat", "e"]

    def limits(job: str, beside: int) -> Limits:
        return Limits(seconds=3 if job == "sleep" else None, bytes=1 << 30)

    with nodes.team(2) as team:
        found = list(team.each(misbehave, given, limits=limits, lost=lambda one: one))
        lost = {one.job: one.why for one in found if isinstance(one, Lost)}
        assert sorted(one for one in found if isinstance(one, str)) == ["a", "b", "c", "d", "e"]
        assert lost["signal"] == "killed by signal 11" and lost["exit"] == "exit code 0"
        assert lost["sleep"] == "over the limit of 3 s (--time-limit)" and lost["eat"].startswith(
            "over the limit of memory: 1."
        )
        assert len(found) == len(given)
        parts = list(
            team.each(
                misbehave_all,
                [("a", "exit"), ("b", "c")],
                split=lambda job: [(one,) for one in job],
                lost=lambda one: f"lost {one.job}",
            )
        )
        assert sorted(map(str, parts)) == ["['a']", "['b', 'c']", "lost ('exit',)"]
        for _ in team.each(misbehave, ["a", "sleep", "sleep"]):
            break
        assert sorted(team.each(misbehave, ["f", "g"])) == ["f", "g"]


def test_a_node_may_leave_in_the_middle(cluster: Any, tmp_path: Path) -> None:
    """What it was at is done by the other one; every job is answered once, with the numbers of this process."""
    going = cluster.add_node(**small("going"))
    with Store(tmp_path / "one.sqlite") as one, Runner(one) as runner:
        alone = runner.scores(SETTING, INFOS, ARCHS, [0, 1])
    with Store(tmp_path / "two.sqlite") as other, Runner(other, RayCluster(3), score=ray_support.slowly) as runner:
        with runner.engine.team(3) as team:  # all three nodes have done something by now
            assert "going" in set(team.each(ray_support.node_of, [1.0] * 9))
        removed: list[float] = []
        add = other.add

        def add_and_remove(answers: Any) -> None:
            add(answers)
            if len(other) and not removed:
                cluster.remove_node(going, allow_graceful=False)
                removed.append(time.monotonic())

        other.add = add_and_remove  # type: ignore[method-assign]
        found = runner.scores(SETTING, INFOS, ARCHS, [0, 1])
    assert removed and numbers(found) == numbers(alone)


def test_a_job_goes_back_to_the_others_when_its_node_leaves(cluster: Any, tmp_path: Path) -> None:
    going = cluster.add_node(**small("going"))
    files = [str(tmp_path / str(i)) for i in range(6)]
    with RayCluster(3).team(3) as team:
        assert "going" in set(team.each(ray_support.node_of, [1.0] * 9))
        found = []
        for result in team.each(ray_support.once_per_file, files):
            found.append(result)
            if len(found) == 1:  # each node is at its second job, or about to be
                time.sleep(0.5)
                cluster.remove_node(going, allow_graceful=False)
    begun = {Path(file).name: ray_support.lines(Path(file)) for file in files}
    assert sorted(found) == files
    again = [nodes for nodes in begun.values() if len(nodes) > 1]
    assert again and all(nodes[0] == "going" != nodes[1] for nodes in again)


def test_parts_of_a_gpu(cluster: Any) -> None:
    """Ray hands out what a node says it has: no GPU is needed to see who would use which."""
    node = cluster.add_node(**small("with a GPU", cpus=2, num_gpus=1))
    try:
        assert ENGINES["ray"].engine(Wanted("cuda", gpus_per_worker=0.5)).workers == 2
        assert ENGINES["ray"].engine(Wanted("cuda")).workers == 1
        with RayCluster(2, gpus=0.5).team(2) as team:
            assert list(team.each(ray_support.gpus_of, [1.0] * 4)) == ["0"] * 4
            assert len(team._hands) == 2 and all(hand.ready for hand in team._hands)
    finally:
        cluster.remove_node(node)


def test_what_does_not_fit_is_wrong_use(cluster: Any) -> None:
    wrong = {
        "give --device cuda": Wanted("cuda:1"),
        "--gpus-per-worker is of GPUs": Wanted("cpu", gpus_per_worker=0.5),
        "expected a part of a GPU": Wanted("cuda", gpus_per_worker=1.5),
    }
    for said, wanted in wrong.items():
        with pytest.raises(UsageError, match=said):
            ENGINES["ray"].engine(wanted)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_the_driver(cluster: Any, number: int) -> None:
    code = (
        "import sys\n"
        "import diswot_ending\n"
        "from benchmarks.engines.ray import RayCluster, connect\n"
        "from test_engines import nap\n"
        "def main(argv):\n"
        "    connect(sys.argv[1])\n"
        "    with RayCluster(2).team(2) as team:\n"
        "        for pid in team.each(nap, [0, 0, 600, 600]):\n"
        "            print(pid, flush=True)\n"
        "diswot_ending.run(main)\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests"), *filter(None, sys.path)]),
    }
    driver = subprocess.Popen(
        [sys.executable, "-c", code, cluster.address], stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    )
    assert driver.stdout is not None
    said = (line for line in driver.stdout if line.strip().isdigit())  # Ray speaks of nodes that left there, too
    workers = [int(next(said)) for _ in range(2)]
    driver.send_signal(number)
    code_of = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
    assert driver.wait(60) == code_of[signal.Signals(number)]
    driver.stdout.close()
    assert all(gone(worker, within=60) for worker in workers)
