"""What a search maximises: scores through the store, standings, tables of validation accuracy, short trainings."""

import os
import random
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from distill_support import by_hand

from benchmarks.distill.stream import Stream
from benchmarks.distill.trainer import DivergedError, Trainer
from benchmarks.engines.local import Local, Workers
from benchmarks.scoring.question import Answer
from benchmarks.scoring.runner import Found, Job, Runner, score_job
from benchmarks.scoring.setting import Setting
from benchmarks.scoring.store import Store
from benchmarks.search import EachByItself, Trial, Value, get_strategy, on_workers, run_search, scored
from benchmarks.search.choices import objective_for, setting_for
from benchmarks.search.scored import scored_objective
from benchmarks.search.standing import Scale
from benchmarks.search.tabular import tabular_objective, training_seconds
from benchmarks.search.trained import TrainedObjective
from diswot_errors import DataError, UsageError
from nb201_data.networks import build_resnet
from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell, sample_cells
from nb201_data.spaces import get_space
from proxies.distillation import losses
from proxies.inits import initialise

TINY = Skeleton(4, 1, 4, 8)
SPACE = get_space("nb201").with_skeleton(TINY)
SETTING = Setting("nb201", TINY, "embedded:4@8", batch_size=8, teacher="resnet20")


@pytest.fixture
def runner(tmp_path):
    with Store(tmp_path / "scores.sqlite") as store, Runner(store) as opened:
        yield opened


def value_of(objective, arch, fidelity=0):
    (value,) = objective.values([Trial(arch, fidelity)])
    return value


def test_standing_is_the_share_beaten_and_never_stops_rising():
    scores = [random.Random(i).gauss(0, 1) for i in range(50)] + [0.25] * 10
    scale = Scale.of(scores)
    for score in scores:
        expected = np.mean([(s < score) + 0.5 * (s == score) for s in scores])
        assert scale.standing(score) == pytest.approx(expected)
    steps = [scale.standing(x) for x in np.linspace(-50, 50, 2001)]
    assert all(a < b for a, b in pairwise(steps))
    assert Scale.of([3.0, 3.0]).standing(3.0) == 0.5 < Scale.of([3.0, 3.0]).standing(4.0)


def test_a_proxy_where_lower_is_better_is_turned_and_kept_in_the_store(runner):
    cell = sample_cells(1, 0)[0]
    first = value_of(scored_objective(runner, SETTING, 3, ["m_r"]), cell)
    from benchmarks.scoring.scorer import Scorer

    (expected,) = Scorer(SETTING).scores([str(cell)], ["m_r"], 3)
    assert first.number == -expected["m_r"].value < 0 < first.seconds
    again = Runner(runner.store, score=lambda job: pytest.fail("scored again"))
    assert value_of(scored_objective(again, SETTING, 3, ["m_r"]), cell) == first


def test_a_batch_is_one_call_of_the_runner(runner, monkeypatch):
    calls = []
    scores = runner.scores
    monkeypatch.setattr(runner, "scores", lambda *request: calls.append(request[2]) or scores(*request))
    run_search(SPACE, "evolution", scored_objective(runner, SETTING, 0, ["params"]), 12, settings={"population": 8})
    assert [len(archs) for archs in calls] == [8, 1, 1, 1, 1]


def test_aggregate_orders_by_both(runner, monkeypatch):
    monkeypatch.setattr(scored, "REFERENCES", 12)
    both = scored_objective(runner, SETTING, 0, ["params", "nwot"])
    cells = sample_cells(6, 1)
    single = {name: scored_objective(runner, SETTING, 0, [name]) for name in ("params", "nwot")}
    for cell in cells:
        numbers = [value_of(single[name], cell).number for name in ("params", "nwot")]
        standings = [scale.standing(number) for scale, number in zip(both.scales, numbers, strict=True)]
        assert value_of(both, cell).number == pytest.approx(np.mean(standings))
    parts = scored_objective(runner, SETTING, 0, ["te_nas"]).infos
    assert {info.name for info in parts} == {"te_nas_ntk", "te_nas_regions"}


def test_aggregate_names_what_fails(runner):
    def fails(job: Job) -> Found:
        answers = {"params": Answer(1.0, "ok"), "flops": Answer(None, "infinite", "too large")}
        return job, [{name: answers[name] for name in job.proxies} for _ in job.archs]

    both = scored_objective(Runner(runner.store, score=fails), SETTING, 0, ["params", "flops"])
    assert value_of(both, Cell(("none",) * 6)) == Value(None, "flops: infinite: too large", 0.0)


def test_teachers(runner):
    with pytest.raises(UsageError, match="known from test accuracies"):
        setting_for(SPACE, "embedded", teacher="best-cell")
    assert setting_for(SPACE, "embedded").teacher == "resnet56"
    with pytest.raises(UsageError, match="compares with a teacher"):
        scored_objective(runner, Setting("nb201", TINY, "embedded:4@8"), 0, ["diswot"])


def noted_job(job: Job) -> Found:
    """`score_job`, which leaves the number of its process in the answers' reasons."""
    job, found = score_job(job)
    return job, [{name: answer._replace(reason=f"by {os.getpid()}") for name, answer in each.items()} for each in found]


def test_search_by_a_score_is_the_same_on_two_workers(runner, tmp_path):
    settings = {"population": 4, "children": 4}
    with Store(tmp_path / "two.sqlite") as store, Runner(store, Local(2), score=noted_job) as team:
        one, two = (
            run_search(SPACE, "evolution", scored_objective(each, SETTING, 0, ["diswot"]), 12, settings=settings)
            for each in (runner, team)
        )
    assert [(a.trial, a.value) for a in one.trajectory] == [(a.trial, a.value) for a in two.trajectory]
    assert f"by {os.getpid()}" not in {each.reason for each in two.trajectory if each.seconds}


class Heavy(EachByItself):
    """Knows who valued."""

    name, fidelities = "heavy", (0,)

    def value(self, trial: Trial) -> Value:
        return Value(float(sum(len(op) for op in trial.arch.ops)), str(os.getpid()))


def test_an_objective_on_workers_answers_in_order():
    with Workers(2) as team:
        spread = run_search(SPACE, "random", on_workers(Heavy(), team), 8, seed=1)
        with pytest.raises(UsageError, match="use one worker"):
            on_workers(lambda cell: 0.0, team)
    here = run_search(SPACE, "random", Heavy(), 8, seed=1)
    assert [(a.trial, a.value) for a in spread.trajectory] == [(a.trial, a.value) for a in here.trajectory]
    assert {a.reason for a in here.trajectory} == {str(os.getpid())}
    assert str(os.getpid()) not in {a.reason for a in spread.trajectory}
    assert all(a.seconds > 0 for a in spread.trajectory)


def test_tables_of_test_accuracy_are_refused(reference_data):
    with pytest.raises(UsageError, match="may look at validation accuracy only"):
        tabular_objective(get_space("nb201"), "nb201:cifar10:test:200")
    objective = tabular_objective(get_space("nb201"), "nb201:cifar100:valid")
    assert objective.fidelities == (12, 200)
    cell = sample_cells(1, 0)[0]
    low, high = (value_of(objective, cell, epochs) for epochs in (12, 200))
    assert low.number < high.number
    assert high.seconds == training_seconds("cifar100", 200) == pytest.approx(200 * 2 * 9.14)
    assert objective_for(get_space("nb201"), "nb201:cifar10:valid:12").fidelities == (12,)


def test_user_table(tmp_path):
    cells = sample_cells(20, 0)
    path = tmp_path / "mine.csv"
    lines = [f"nb201,c16n5k10r32,cifar10,valid,{cell},{i}" for i, cell in enumerate(cells)]
    path.write_text("\n".join(["space,skeleton,images,split,arch,accuracy", *lines]) + "\n")
    objective = tabular_objective(get_space("nb201"), str(path))
    assert value_of(objective, cells[7]).number == 7
    assert value_of(objective, Cell(("none",) * 6)) == Value(None, "not in the table", 0.0)
    path.write_text(path.read_text().replace(",valid,", ",test,"))
    with pytest.raises(UsageError, match="validation accuracy only"):
        tabular_objective(get_space("nb201"), str(path))


def test_a_short_training_is_tested_on_images_held_out_of_the_training_split():
    space = get_space("nb201").with_skeleton(Skeleton(4, 1, 2, 8))
    objective = TrainedObjective(space, "lite", "embedded:2@8", epochs=1)
    cell = Cell.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
    value = value_of(objective, cell)
    assert value == replace(value_of(objective, cell), seconds=value.seconds) and value.seconds > 0
    recipe, stream = objective._recipe, objective._stream
    again = Trainer(initialise(space.build(cell), "kaiming", 0), losses.get("ce"), recipe, stream, 0)
    again.train_epoch()
    x, y = stream.test
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bf16"):
        top1, _, _ = by_hand(again.student.network, "embedded:2@8", (x, y))
    assert value.number == pytest.approx(top1) and top1 != 50  # not the same answer to all
    assert len(x) == len(y) == len(stream) // 4 and y.bincount().tolist() == [len(y) // 2] * 2
    train, kept = ({image.numpy().tobytes() for image in images} for images in (stream.whole.train_x, stream._x))
    assert kept < train and len(kept) == len(stream)
    pooled = {image.numpy().tobytes() for image in stream.images.train_x}
    assert {image.contiguous().numpy().tobytes() for image in x} < pooled


def test_settings_are_read_from_text():
    read = get_strategy("evolution").resolve({"population": "5", "ratio": "1", "repeats": "false"})
    assert (read["population"], read["ratio"], read["repeats"]) == (5, 1.0, False) and isinstance(read["ratio"], float)
    for key, text in (("population", "few"), ("repeats", "perhaps"), ("ratio", "")):
        with pytest.raises(UsageError, match=f"{key} must be a .*, got '{text}'"):
            get_strategy("evolution").resolve({key: text})
    with pytest.raises(UsageError, match="Did you mean population"):
        get_strategy("evolution").resolve({"popultion": "3"})


def test_only_a_loss_that_is_no_number_is_a_network_that_fails(monkeypatch):
    space = get_space("nb201").with_skeleton(Skeleton(4, 1, 2, 8))
    objective = TrainedObjective(space, "lite", "embedded:2@8", epochs=1)
    cell = sample_cells(1, 0)[0]

    def full(*_):
        raise DataError("cannot write x: no space left; free some space")

    monkeypatch.setattr(Stream, "epoch", full)
    with pytest.raises(DataError, match="free some space"):
        objective.value(Trial(cell))
    monkeypatch.setattr(Trainer, "train_epoch", lambda self: (_ for _ in ()).throw(DivergedError("nan")))
    assert objective.value(Trial(cell)) == Value(None, "nan")


def test_a_training_learns_from_the_teacher_that_is_named(tmp_path):
    space = get_space("nb201").with_skeleton(Skeleton(4, 1, 2, 8))
    files = [tmp_path / f"{seed}.pth" for seed in (0, 1)]
    for seed, file in enumerate(files):
        torch.save(initialise(build_resnet("resnet20", 2), "kaiming", seed).state_dict(), file)
    both = [
        TrainedObjective(space, "lite", "embedded:2@8", "kd", epochs=1, teacher="resnet20", weights=str(file))
        for file in files
    ]
    cell = sample_cells(1, 0)[0]
    values = [objective.value(Trial(cell)) for objective in both]
    assert both[0].name != both[1].name and "with kd by resnet20 (sha256:" in both[0].name
    assert [each._stream.teacher is not None for each in both] == [True, True] and None not in values
    first = torch.load(files[0], weights_only=True)
    assert all(torch.equal(value, first[name]) for name, value in both[0]._stream.teacher.state_dict().items())
