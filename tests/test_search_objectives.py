"""What a search maximises: scores through the store, standings, tables of validation accuracy, short trainings."""

import random
from itertools import pairwise

import numpy as np
import pytest
import torch
from distill_support import by_hand

from benchmarks.distill.trainer import Trainer
from benchmarks.search import Outcome, run_search, scoring
from benchmarks.search.choices import objective_for, parse_settings, scorer_for
from benchmarks.search.scoring import StoredScores, proxy_objective
from benchmarks.search.standing import Scale
from benchmarks.search.tabular import tabular_objective, training_seconds
from benchmarks.search.trained import TrainedObjective
from benchmarks.settings import Answer, Setting
from diswot_errors import UsageError
from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell, sample_cells
from nb201_data.spaces import get_space
from proxies.distillation import losses
from proxies.inits import initialise

TINY = Skeleton(4, 1, 4, 8)
SPACE = get_space("nb201").with_skeleton(TINY)
SETTING = Setting("nb201", TINY, "embedded:4@8", batch_size=8, teacher="resnet20")


def test_standing_is_the_share_beaten_and_never_stops_rising():
    scores = [random.Random(i).gauss(0, 1) for i in range(50)] + [0.25] * 10
    scale = Scale.of(scores)
    for score in scores:
        expected = np.mean([(s < score) + 0.5 * (s == score) for s in scores])
        assert scale.standing(score) == pytest.approx(expected)
    steps = [scale.standing(x) for x in np.linspace(-50, 50, 2001)]
    assert all(a < b for a, b in pairwise(steps))
    assert Scale.of([3.0, 3.0]).standing(3.0) == 0.5 < Scale.of([3.0, 3.0]).standing(4.0)


def test_a_proxy_where_lower_is_better_is_turned_and_kept_in_the_store(tmp_path, monkeypatch):
    store = tmp_path / "scores.sqlite"
    cell = sample_cells(1, 0)[0]
    fresh = proxy_objective(StoredScores(SETTING, 3, store), ["m_r"])
    first = fresh(cell, 0)
    from benchmarks.scorer import Scorer

    (expected,) = Scorer(SETTING).scores([str(cell)], ["m_r"], 3)
    assert first.value == -expected["m_r"].value < 0 < first.seconds
    monkeypatch.setattr(Scorer, "scores", lambda *_: pytest.fail("scored again"))
    assert proxy_objective(StoredScores(SETTING, 3, store), ["m_r"])(cell, 0) == first


def test_aggregate_orders_by_both(monkeypatch):
    monkeypatch.setattr(scoring, "REFERENCES", 12)
    scorer = StoredScores(SETTING, 0)
    both = proxy_objective(scorer, ["params", "nwot"])
    cells = sample_cells(6, 1)
    single = {name: proxy_objective(scorer, [name]) for name in ("params", "nwot")}
    for cell in cells:
        standings = [both.scales[name].standing(single[name](cell, 0).value) for name in ("params", "nwot")]
        assert both(cell, 0).value == pytest.approx(np.mean(standings))
    assert {*proxy_objective(scorer, ["te_nas"]).scales} == {"te_nas_ntk", "te_nas_regions"}


def test_aggregate_names_what_fails(monkeypatch):
    monkeypatch.setattr(scoring, "REFERENCES", 3)
    both = proxy_objective(StoredScores(SETTING, 0), ["params", "flops"])
    answers = [Answer(1.0, "ok"), Answer(None, "infinite", "too large")]
    monkeypatch.setattr(StoredScores, "answers", lambda *_: answers)
    assert both(Cell(("none",) * 6), 0) == Outcome(None, "flops: infinite: too large", 0.0)


def test_teachers():
    with pytest.raises(UsageError, match="known from test accuracies"):
        scorer_for(SPACE, "embedded", teacher="best-cell")
    assert scorer_for(SPACE, "embedded", teacher=None).setting.teacher == "resnet56"
    with pytest.raises(UsageError, match="compares with a teacher"):
        proxy_objective(StoredScores(Setting("nb201", TINY, "embedded:4@8")), ["diswot"])


def test_search_by_a_score_is_the_same_on_two_workers(tmp_path):
    scorer = StoredScores(SETTING, 0, tmp_path / "scores.sqlite")
    settings = {"population": 4, "children": 4}
    one, two = (
        run_search(SPACE, "evolution", proxy_objective(s, ["diswot"]), 12, settings=settings, workers=workers)
        for s, workers in ((scorer, 2), (StoredScores(SETTING, 0), 1))
    )
    assert [(a.question, a.value) for a in one.trajectory] == [(a.question, a.value) for a in two.trajectory]
    with pytest.raises(UsageError, match="use one worker"):
        run_search(SPACE, "random", lambda cell: 0.0, 4, workers=2)


def test_tables_of_test_accuracy_are_refused(reference_data):
    with pytest.raises(UsageError, match="may look at validation accuracy only"):
        tabular_objective(get_space("nb201"), "nb201:cifar10:test:200")
    objective = tabular_objective(get_space("nb201"), "nb201:cifar100:valid")
    assert objective.fidelities == (12, 200)
    cell = sample_cells(1, 0)[0]
    low, high = (objective(cell, epochs) for epochs in (12, 200))
    assert low.value < high.value
    assert high.seconds == training_seconds("cifar100", 200) == pytest.approx(200 * 2 * 9.14)
    assert objective_for(get_space("nb201"), "nb201:cifar10:valid:12", None, "", 0, "cpu").fidelities == (12,)


def test_user_table(tmp_path):
    cells = sample_cells(20, 0)
    path = tmp_path / "mine.csv"
    lines = [f"nb201,c16n5k10r32,cifar10,valid,{cell},{i}" for i, cell in enumerate(cells)]
    path.write_text("\n".join(["space,skeleton,images,split,arch,accuracy", *lines]) + "\n")
    objective = tabular_objective(get_space("nb201"), str(path))
    assert objective(cells[7], 0).value == 7 and objective(Cell(("none",) * 6), 0).reason == "not in the table"
    path.write_text(path.read_text().replace(",valid,", ",test,"))
    with pytest.raises(UsageError, match="validation accuracy only"):
        tabular_objective(get_space("nb201"), str(path))


def test_a_short_training_is_tested_on_images_held_out_of_the_training_split():
    space = get_space("nb201").with_skeleton(Skeleton(4, 1, 2, 8))
    objective = TrainedObjective(space, "lite", "embedded:2@8", epochs=1)
    cell = Cell.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
    outcome = objective(cell, 0)
    recipe, stream = objective._prepared
    again = Trainer(initialise(space.build(cell), "kaiming", 0), losses.get("ce"), recipe, stream, 0)
    again.train_epoch()
    x, y = stream.test
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bf16"):
        top1, _, _ = by_hand(again.student.network, "embedded:2@8", (x, y))
    assert outcome.value == pytest.approx(top1) and top1 != 50  # not the same answer to all
    assert len(x) == len(y) == len(stream) // 4 and y.bincount().tolist() == [len(y) // 2] * 2
    train, kept = ({image.numpy().tobytes() for image in images} for images in (stream.whole.train_x, stream._x))
    assert kept < train and len(kept) == len(stream)
    pooled = {image.numpy().tobytes() for image in stream.images.train_x}
    assert {image.contiguous().numpy().tobytes() for image in x} < pooled


def test_settings_from_the_command_line():
    defaults = {"population": 36, "ratio": 0.2, "repeats": True}
    assert parse_settings(["population=5", "ratio=1", "repeats=false"], defaults, "x") == {
        "population": 5,
        "ratio": 1.0,
        "repeats": False,
    }
    with pytest.raises(UsageError, match="expected a int"):
        parse_settings(["population=few"], defaults, "x")
    with pytest.raises(UsageError, match="did you mean population"):
        parse_settings(["popultion=3"], defaults, "x")
