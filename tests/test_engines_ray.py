"""The engine `ray` on a real cluster of two nodes: the results of one machine, with workers and nodes that go."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray_support
import torch
from files_support import rows_of
from ray_support import ROOT, cluster_of_two, small
from test_distill_command import CELL, TINY
from test_engines import fail, gone, misbehave, misbehave_all, square
from test_harvest import HARVESTED, KD, teacher
from test_runner import ARCHS, INFOS, SETTING, numbers

from benchmarks.distill import jobs
from benchmarks.engines import provenance
from benchmarks.engines.local import Local
from benchmarks.engines.ray import RayCluster, connect
from benchmarks.engines.registry import ENGINES, Wanted
from benchmarks.engines.team import Limits, Lost
from benchmarks.harvesting import reap, rows
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.store import Store
from benchmarks.search import on_workers, run_search
from diswot_errors import DataError, UsageError
from diswot_plugins import load_plugin, restored

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with cluster_of_two() as made:
        connect(made.address)
        yield made


@pytest.fixture
def two(cluster: Any) -> RayCluster:
    """The engine on both nodes."""
    return RayCluster(2)


def test_it_counts_what_the_cluster_has(cluster: Any) -> None:
    engine = ENGINES["ray"].engine(Wanted("cpu", address=cluster.address))
    assert engine.workers == 2
    share = engine.memory()
    assert share is not None and 2**28 < share < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with pytest.raises(DataError, match="no node of the Ray cluster has room for a worker of 1 CPU"):
        ENGINES["ray"].engine(Wanted("cuda", gpus_per_worker=0.5))


def test_jobs_are_done_on_both_nodes(two: RayCluster) -> None:
    with two.team(2) as team:
        assert set(team.each(ray_support.node_of, [1.0] * 6)) == {"head", "other"}
        assert sorted(team.each(square, range(4, 40))) == [x * x for x in range(4, 40)]


def test_errors_arrive_with_their_reason(two: RayCluster) -> None:
    with pytest.raises(DataError, match="no square of 3"), two.team(2) as team:
        list(team.each(square, [3]))
    with pytest.raises(DataError, match="no start today"), two.team(2, fail) as team:
        list(team.each(square, [1]))
    with pytest.raises(DataError, match="cannot be sent between processes"), two.team(2) as team:
        list(team.each(misbehave, ["unsendable"]))


def test_jobs_that_die_hang_or_swell_are_tried_alone_and_the_others_go_on(two: RayCluster) -> None:
    """Word for word what the local engine says."""
    given = ["a", "signal", "b", "exit", "c", "sleep", "d", "eat", "e"]

    def limits(job: str) -> Limits:
        return Limits(seconds=3 if job == "sleep" else None, bytes=1 << 30)

    with two.team(2) as team:
        found = list(team.each(misbehave, given, limits=limits, lost=lambda one: one))
        lost = {one.job: one.why for one in found if isinstance(one, Lost)}
        assert sorted(one for one in found if isinstance(one, str)) == ["a", "b", "c", "d", "e"]
        assert lost["signal"] == "killed by signal 11" and lost["exit"] == "exit code 0"
        assert lost["sleep"] == "over the limit of 3 s" and lost["eat"].startswith("over the limit of memory: 1.")
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


def test_scores_are_those_of_this_process(two: RayCluster, tmp_path: Path) -> None:
    with Store(tmp_path / "one.sqlite") as one, Runner(one) as runner:
        alone = runner.scores(SETTING, INFOS, ARCHS, [0, 1])
    with Store(tmp_path / "two.sqlite") as other, Runner(other, two) as runner:
        assert numbers(runner.scores(SETTING, INFOS, ARCHS, [0, 1])) == numbers(alone)


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


def test_plugins_travel_with_their_text(two: RayCluster, tmp_path: Path) -> None:
    """The file need not be on the node: here it is gone by then."""
    (tmp_path / "mine.py").write_text(
        "from proxies.registry import proxy\n"
        '@proxy("first_logit", direction="higher", needs=["features"], paper="mine")\n'
        "def first_logit(evidence):\n"
        '    """z_00."""\n'
        "    return evidence.features.logits[0, 0]\n"
    )
    with restored():
        load_plugin(tmp_path / "mine.py")
        (tmp_path / "mine.py").unlink()
        from proxies import get

        stores = [Store(tmp_path / f"{name}.sqlite") for name in ("one", "two")]
        answers = []
        for store, engine in zip(stores, (Local(), two), strict=True):
            with store, Runner(store, engine) as runner:
                answers.append(numbers(runner.scores(SETTING, [get("first_logit")], ARCHS[:4], [0])))
        assert answers[0] == answers[1] and all(status == "ok" for _, status in answers[0].values())


def test_other_versions_on_a_node_are_refused(two: RayCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    real = provenance.identity()
    monkeypatch.setattr(provenance, "identity", lambda: {**real, "torch": "1.0", "code": "0" * 12})
    said = rf"node \S+ has other code than this machine \(code {real['code']} there, 0{{12}} here; torch \S+ there, 1.0"
    with pytest.raises(DataError, match=said), two.team(2) as team:
        list(team.each(square, [1]))


def test_code_that_is_not_the_same_is_seen(two: RayCluster, tmp_path: Path) -> None:
    """A driver with a changed copy of the package, as after an edit on one machine alone."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from benchmarks.engines.ray import RayCluster, connect\n"
        "connect(sys.argv[2])\n"
        "with RayCluster(1).team(1) as team:\n"
        "    print(list(team.each(abs, [-1])))\n"
    )
    copy = tmp_path / "copy"
    for name in ("benchmarks", "proxies", "nb201_data", "reports"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.npz", "__pycache__"))
    for file in ROOT.glob("diswot_*.py"):
        shutil.copy(file, copy)
    changed = copy / "proxies" / "inits.py"
    changed.write_text(changed.read_text() + "# changed\n")
    import ray

    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-c", code]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path and str(ROOT) not in path)
    done = subprocess.run(
        [*command, str(copy), address], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert "DataError: node " in done.stderr and " has other code than this machine (code " in done.stderr
    same = subprocess.run(
        [*command, str(ROOT), address], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert same.returncode == 0 and same.stdout.splitlines()[-1] == "[1]", same.stderr


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a teacher, and an empty cache, of which the nodes hear from this process alone."""
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data" / "teachers").mkdir(parents=True)
    torch.save(teacher().state_dict(), tmp_path / "data" / "teachers" / "embedded:4_resnet20.pth")
    return tmp_path


def test_a_harvest_measures_what_one_process_measures(two: RayCluster, data: Path) -> None:
    pairs = reap.pending([], 2, 1)
    assert KD.protocol == HARVESTED
    for name, engine in {"one": Local(1), "ray": two}.items():
        reap.harvest(KD, pairs, data / f"{name}.csv", reap.Machine("cpu", engine, 1))
    one, other = (
        sorted((row.arch, row.distilled_top1, row.distilled_loss, row.vanilla_loss) for row in rows.read_rows(file))
        for file in (data / "one.csv", data / "ray.csv")
    )
    assert len(one) == 2 and one == other


def test_distillers_train_what_one_process_trains(two: RayCluster, data: Path) -> None:
    plan = jobs.distillation(CELL, "kd,eskd", 1, None, replace(TINY, epochs=1, learning_rate=0.02), "cpu")
    here, there = (
        jobs.run(replace(plan, out=data / name), engine) for name, engine in (("here", Local(1)), ("there", two))
    )
    for name in plan.distillers:
        of_each = [[(epoch.loss, epoch.top1) for epoch in histories[name][0]] for histories in (here, there)]
        assert of_each[0] == of_each[1]
    assert not list((data / "there").glob(".seen-*"))
    names = [{str(f.relative_to(data / name)) for f in (data / name).rglob("*.pth")} for name in ("here", "there")]
    assert names[0] == names[1] and names[0]


def test_a_run_folder_that_the_nodes_do_not_see_is_refused(two: RayCluster, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"does not see .*/out: .*file system that all nodes share"):  # noqa: SIM117
        with two.team(2, folder=tmp_path / "out") as team:
            for mark in (tmp_path / "out").iterdir():
                mark.unlink()  # as it looks from another machine's disk of the same name
            list(team.each(square, [1]))


def test_a_search_by_trainings_finds_what_one_process_finds(two: RayCluster) -> None:
    from benchmarks.search.trained import TrainedObjective
    from nb201_data.skeleton import Skeleton
    from nb201_data.spaces import get_space

    space = get_space("nb201").with_skeleton(Skeleton(4, 1, 4, 8))
    objective = TrainedObjective(space, "glance", "embedded:4@8", epochs=1)
    here = run_search(space, "random", objective, 3, seed=1)
    with two.team(2) as team:
        there = run_search(space, "random", on_workers(objective, team), 3, seed=1)
    found = [[(str(e.trial.arch), e.value) for e in result.trajectory] for result in (here, there)]
    assert found[0] == found[1]


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


def table(folder: Path) -> list[tuple[str, ...]]:
    return sorted((row["arch"], row["proxy"], row["value"]) for row in rows_of(folder / "scores.csv"))


def test_a_command_on_the_cluster_writes_the_table_of_one_machine(cluster: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.correlation", "--proxies", "m_s,synflow", "--sample", "10"]
    command += ["--batch-size", "8", "--no-tables", "--device", "cpu"]
    for name, engine in {
        "here": ["--workers", "1"],
        "there": ["--engine", "ray", "--address", cluster.address],
    }.items():
        own = [*engine, "--out", str(tmp_path / name), "--store", str(tmp_path / f"{name}.sqlite")]
        done = subprocess.run([*command, *own], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert table(tmp_path / "here") == table(tmp_path / "there") and len(table(tmp_path / "here")) >= 20


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_the_driver(cluster: Any, number: int) -> None:
    code = (
        "import sys\n"
        "from benchmarks.command import ending\n"
        "from benchmarks.engines.ray import RayCluster, connect\n"
        "from test_engines import nap\n"
        "def main(argv):\n"
        "    connect(sys.argv[1])\n"
        "    with RayCluster(2).team(2) as team:\n"
        "        for pid in team.each(nap, [0, 0, 600, 600]):\n"
        "            print(pid, flush=True)\n"
        "ending.run(main)\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests"), *filter(None, sys.path)]),
    }
    driver = subprocess.Popen(
        [sys.executable, "-c", code, cluster.address], stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    )
    assert driver.stdout is not None
    workers = [int(driver.stdout.readline()) for _ in range(2)]
    driver.send_signal(number)
    code_of = {signal.SIGKILL: -9, signal.SIGTERM: 143, signal.SIGINT: 130}
    assert driver.wait(60) == code_of[signal.Signals(number)]
    driver.stdout.close()
    assert all(gone(worker, within=60) for worker in workers)
