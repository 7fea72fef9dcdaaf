"""On a Ray cluster everything is as in one process: scores, a harvest, trainings, a search, a command's table."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from distill_support import CELL, KD, TINY
from files_support import rows_of
from ray_support import ROOT
from test_runner import ARCHS, INFOS, SETTING, numbers

from benchmarks.distill import jobs
from benchmarks.engines.local import Local
from benchmarks.engines.ray import RayCluster
from benchmarks.harvesting import order, reap, rows
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.store import Store
from benchmarks.search import on_workers, run_search

pytestmark = pytest.mark.ray


def test_scores_are_those_of_this_process(nodes: RayCluster, tmp_path: Path) -> None:
    with Store(tmp_path / "one.sqlite") as one, Runner(one) as runner:
        alone = runner.scores(SETTING, INFOS, ARCHS, [0, 1])
    with Store(tmp_path / "two.sqlite") as other, Runner(other, nodes) as runner:
        assert numbers(runner.scores(SETTING, INFOS, ARCHS, [0, 1])) == numbers(alone)


def test_a_harvest_measures_what_one_process_measures(nodes: RayCluster, tiny: Path) -> None:
    pairs = reap.pending([], order.first(2), 1)
    for name, engine in {"one": Local(1), "ray": nodes}.items():
        reap.harvest(KD, pairs, tiny / f"{name}.csv", reap.Machine("cpu", engine, 1))
    one, other = (
        sorted((row.arch, row.distilled_top1, row.distilled_loss, row.vanilla_loss) for row in rows.read_rows(file))
        for file in (tiny / "one.csv", tiny / "ray.csv")
    )
    assert len(one) == 2 and one == other


def test_distillers_train_what_one_process_trains(nodes: RayCluster, tiny: Path) -> None:
    plan = jobs.distillation(CELL, "kd,eskd", 1, None, replace(TINY, epochs=1, learning_rate=0.02), "cpu")
    here, there = (
        jobs.run(replace(plan, out=tiny / name), engine) for name, engine in (("here", Local(1)), ("there", nodes))
    )
    for name in plan.distillers:
        of_each = [[(epoch.loss, epoch.top1) for epoch in histories[name][0]] for histories in (here, there)]
        assert of_each[0] == of_each[1]
    assert not list((tiny / "there").glob(".seen-*"))
    names = [{str(f.relative_to(tiny / name)) for f in (tiny / name).rglob("*.pth")} for name in ("here", "there")]
    assert names[0] == names[1] and names[0]


def test_a_search_by_trainings_finds_what_one_process_finds(nodes: RayCluster) -> None:
    from benchmarks.search.trained import TrainedObjective
    from nb201_data.skeleton import Skeleton
    from nb201_data.spaces import get_space

    space = get_space("nb201").with_skeleton(Skeleton(4, 1, 4, 8))
    objective = TrainedObjective(space, "glance", "embedded:4@8", epochs=1)
    here = run_search(space, "random", objective, 3, seed=1)
    with nodes.team(2) as team:
        there = run_search(space, "random", on_workers(objective, team), 3, seed=1)
    found = [[(str(e.trial.arch), e.value) for e in result.trajectory] for result in (here, there)]
    assert found[0] == found[1]


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
