"""What a search by a released score finds: against draws, on a truth whose score is known to be right or wrong."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scoring_support import write_truth
from test_released import QUESTION

from benchmarks.scoring import ranked
from benchmarks.scoring.question import Answer
from benchmarks.tables import search_scores
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
    scores = [*ranked.closed_forms(truth), *ranked.released_scores([books(truth)], truth)]
    found = {one.name: one for one in search_scores.searchers(list(truth.values), scores)}
    accuracies = np.array(list(truth.values.values()))
    n = len(accuracies)
    right, wrong = found["synflow"], found["snip"]
    assert right.finds(accuracies, n) == accuracies.max() and wrong.finds(accuracies, n) == accuracies.min()
    assert right.finds(accuracies, 1) == pytest.approx(accuracies.mean()) == found["params"].finds(accuracies, 1)
    assert "zen" not in found  # it has scores of three networks only: another pool
    draws = [max(draw) for draw in combinations(accuracies, 4)]
    assert right.finds(accuracies, 4) == pytest.approx(np.mean(draws))
    spread = right.spread(accuracies, 4)
    assert spread.low is not None and spread.high is not None
    assert spread.low == pytest.approx(np.quantile(draws, 0.05), abs=0.5) and spread.high == accuracies.max()


def test_a_score_that_fails_on_a_few_networks_never_prefers_them(truth: GroundTruth) -> None:
    (question, right), *rest = books(truth)
    best = max(truth.values, key=truth.values.__getitem__)
    there = {**right, best: Answer(None, "infinite", "why", SECONDS)}
    scores = ranked.released_scores([[(question, there), *rest]], truth)
    found = {one.name: one for one in search_scores.searchers(list(truth.values), scores)}
    accuracies = np.array(list(truth.values.values()))
    assert found["synflow"].finds(accuracies, len(accuracies)) == sorted(accuracies)[-2]


def test_seconds_pay_for_networks_and_for_no_more_than_there_are(truth: GroundTruth) -> None:
    scores = ranked.released_scores([books(truth)], truth)
    one = next(s for s in search_scores.searchers(list(truth.values), scores) if s.name == "synflow")
    assert one.seconds == SECONDS
    assert [one.affords(s) for s in (0.1, 2.1, 1e6)] == [1, 4, len(truth)]


def test_validation_accuracy_is_a_rival_with_the_cost_of_its_trainings(reference_data: Path) -> None:
    truth = load_ground_truth("nb201:cifar100:test:200")
    asked = replace(QUESTION, skeleton=str(truth.skeleton), teacher="", teacher_init="", teacher_seed=0)
    some = {arch: Answer(float(i), "ok", "", SECONDS) for i, arch in enumerate(list(truth.values)[:200])}
    scores = ranked.released_scores([[(replace(asked, proxy="synflow"), some)]], truth)
    found = search_scores.searchers(list(truth.values), scores)
    rival = search_scores.by_validation(found, load_ground_truth("nb201:cifar100:valid:12"))
    accuracies = np.array([truth.values[arch] for arch in found[0].archs])
    assert rival.seconds > 50 * SECONDS and rival.finds(accuracies, 200) > found[0].finds(accuracies, 200)
    table = search_scores.section(1, truth, [*found, rival]).table
    assert table is not None and [row[0] for row in table.rows] == ["validation accuracy", "synflow"]
    paid, afforded = table.rows[0][-3:-1]
    assert paid == 4600 and afforded == int(4600 / rival.seconds)  # what Table 8 prints for NWOT
    assert search_scores.sentence(truth, [*found, rival]).startswith(f"{truth.name}: the best of 200 networks by syn")
