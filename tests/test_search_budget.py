"""What a search by a released score finds: against draws, on a truth whose score is known to be right or wrong."""

import csv
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scoring_support import write_truth
from test_released import QUESTION

from benchmarks import search_budget as command
from benchmarks.scoring.question import Answer
from benchmarks.scoring.release import release
from benchmarks.tables import leaderboard, search_budget
from nb201_data.ground_truth import GroundTruth, load_ground_truth

SECONDS = 0.5


@pytest.fixture
def truth(tmp_path: Path) -> GroundTruth:
    return load_ground_truth(str(write_truth(tmp_path / "truth.csv")))


def books(truth: GroundTruth) -> list[tuple[object, dict[str, Answer]]]:
    asked = replace(QUESTION, skeleton=str(truth.skeleton), teacher="", teacher_init="", teacher_seed=0)
    right = {arch: Answer(accuracy, "ok", "", SECONDS) for arch, accuracy in truth.values.items()}
    wrong = {arch: Answer(-accuracy, "ok", "", SECONDS) for arch, accuracy in truth.values.items()}
    few = {arch: Answer(1.0, "ok", "", SECONDS) for arch in list(truth.values)[:3]}
    return [(replace(asked, proxy=name), found) for name, found in (("synflow", right), ("snip", wrong), ("zen", few))]


def test_the_right_score_finds_the_best_and_the_wrong_one_the_worst(truth: GroundTruth) -> None:
    scores = [*leaderboard.closed_forms(truth), *leaderboard.released_scores([books(truth)], truth)]
    found = {one.name: one for one in search_budget.searchers(truth, scores, None)}
    accuracies = np.array(list(truth.values.values()))
    n = len(accuracies)
    assert found["synflow"].finds(n) == accuracies.max() and found["snip"].finds(n) == accuracies.min()
    assert found["synflow"].finds(1) == pytest.approx(accuracies.mean()) == found["params"].finds(1)
    assert "zen" not in found  # it has scores of three networks only: another pool
    draws = [max(draw) for draw in combinations(accuracies, 4)]
    assert found["synflow"].finds(4) == pytest.approx(np.mean(draws))
    spread = found["synflow"].spread(4)
    assert spread.low is not None and spread.high is not None
    assert spread.low == pytest.approx(np.quantile(draws, 0.05), abs=0.5) and spread.high == accuracies.max()


def test_seconds_pay_for_networks_and_for_no_more_than_there_are(truth: GroundTruth) -> None:
    scores = leaderboard.released_scores([books(truth)], truth)
    one = next(s for s in search_budget.searchers(truth, scores, None) if s.name == "synflow")
    assert one.seconds == SECONDS
    assert [one.affords(s) for s in (0.1, 2.1, 1e6)] == [1, 4, len(truth)]


def test_the_command_and_a_truth_of_which_nothing_is_released(
    tmp_path: Path, truth: GroundTruth, capsys: pytest.CaptureFixture[str]
) -> None:
    release(books(truth), tmp_path / "tables")  # type: ignore[arg-type]
    given = ["--ground-truth", str(tmp_path / "truth.csv"), "--tables", str(tmp_path / "tables")]
    assert command.main([*given, "--dry-run"]) == 0
    assert command.main([*given, "--out", str(tmp_path / "run")]) == 0
    assert "the best of 14 networks by synflow" in capsys.readouterr().out
    lines = (tmp_path / "run" / "budget-1.csv").read_text(encoding="utf-8").splitlines()
    rows = {row["proxy"]: row for row in csv.DictReader(lines)}
    assert float(rows["synflow"]["of_14"]) == max(truth.values.values())
    (tmp_path / "none").mkdir()
    nothing = ["--ground-truth", str(tmp_path / "truth.csv"), "--tables", str(tmp_path / "none")]
    assert command.main([*nothing, "--out", str(tmp_path / "empty")]) == 0
    assert "no scores are released" in capsys.readouterr().out


def test_validation_accuracy_is_a_rival_with_the_cost_of_its_trainings(reference_data: Path) -> None:
    truth = load_ground_truth("nb201:cifar100:test:200")
    short = load_ground_truth("nb201:cifar100:valid:12")
    asked = replace(QUESTION, skeleton=str(truth.skeleton), teacher="", teacher_init="", teacher_seed=0)
    some = {arch: Answer(float(i), "ok", "", SECONDS) for i, arch in enumerate(list(truth.values)[:200])}
    scores = leaderboard.released_scores([[(replace(asked, proxy="synflow"), some)]], truth)
    found = {one.name: one for one in search_budget.searchers(truth, scores, short)}
    rival = found["validation accuracy"]
    assert rival.seconds > 50 * SECONDS and rival.finds(200) > found["synflow"].finds(200)
    table = search_budget.section(1, truth, list(found.values())).table
    assert table is not None and len(table.rows) == 2
