"""What others print: each number where it belongs, those of published values computed again, ours beside."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reference_rankings import COLUMNS
from scipy.stats import kendalltau, spearmanr

from benchmarks.scoring.columns import known_scores
from benchmarks.tables import printed, vkdnw
from nb201_data.ground_truth import load_ground_truth, official_order
from nb201_data.space import Cell
from nb201_data.spaces import get_space

TRUTHS = [f"nb201:{images}:test:200" for images in vkdnw.IMAGES]


def test_every_number_is_of_a_known_score_and_stands_once() -> None:
    known = {*known_scores(), *get_space("nb201").closed_forms()}
    numbers = printed.all_printed()
    assert {one.score for one in numbers} <= known and {one.truth for one in numbers} == set(TRUTHS)
    places = [(one.source, one.score, one.truth) for one in numbers]
    assert len(set(places)) == len(places)
    assert all(one.kendall is not None or one.spearman is not None for one in numbers)
    coefficients = [v for one in numbers for v in (one.kendall, one.spearman, one.ndcg) if v is not None]
    assert all(-1 < value < 1 for value in coefficients) and not {"GRAF", "VKDNW_m"} & {one.score for one in numbers}


def test_what_is_printed_of_a_whole_population_belongs_to_it_alone() -> None:
    az_nas = {p: printed.on("az_nas", TRUTHS[0], p) for p in ("all", "live")}
    assert (az_nas["all"].kendall, az_nas["all"].spearman, az_nas["all"].ndcg) == (0.7409, 0.9127, None)  # type: ignore[union-attr]
    assert az_nas["live"] is not None and az_nas["live"].source is printed.VKDNW and az_nas["live"].kendall == 0.712
    assert printed.on("az_nas", TRUTHS[1], "all") is None, "remembered numbers are not printed"
    synflow = printed.on("synflow", TRUTHS[2], "all")
    assert synflow is not None and (synflow.kendall, synflow.spearman) == (None, 0.751)
    assert printed.on("gradsign", TRUTHS[0], "all") is None, "its set is not known"
    assert printed.on("zico", TRUTHS[1], "all") is None and printed.on("zico", "kd-nb201", "live") is None


def test_the_values_of_suite_zero_give_its_numbers(reference_data: Path) -> None:
    rows = pd.read_csv(reference_data / "nb201" / "reference_proxies_cifar10.csv.gz")
    order = [str(arch) for arch in official_order()]
    archs = [order[index] for index in rows["index"]]
    assert len(archs) == 3_000 and all(str(Cell.parse(arch).pruned()) == arch for arch in archs)
    shown = [one for one in printed.all_printed() if one.source is printed.SUITE_ZERO]
    assert len(shown) == 33
    for truth in TRUTHS:
        known = load_ground_truth(truth).values
        accuracies = np.array([known[arch] for arch in archs])
        for one in shown:
            if one.truth == truth:
                column = rows[f"cifar10_{COLUMNS[one.score]}"].to_numpy()
                assert round(kendalltau(column, accuracies).statistic, 3) == one.kendall, one
                assert round(spearmanr(column, accuracies).statistic, 3) == one.spearman, one


def test_ours_stand_beside_on_the_population_that_theirs_is_of() -> None:
    ours = [
        printed.Ours("grad_norm", TRUTHS[0], "all", "authors", "default, 64 of cifar10", 1200, 0.4, 0.6),
        printed.Ours("grad_norm", TRUTHS[0], "live", "common", "kaiming, 64 of cifar10", 700, 0.3, 0.5),
        printed.Ours("grad_norm", TRUTHS[0], "live", "common", "kaiming, 64 of noise:10", 60, 0.2, 0.9),
        printed.Ours("grad_norm", TRUTHS[1], "all", "common", "kaiming, 64 of cifar100", 1200, 0.35, 0.55),
    ]
    section = printed.section(ours, TRUTHS[:2])
    assert section is not None and section.table is not None
    rows = {(row[0], row[1], row[2]): row[5:] for row in section.table.rows}
    foresight = ("grad_norm", TRUTHS[0], printed.FORESIGHT.name)
    assert rows[foresight][:6] == (None, 0.594, "authors", "default, 64 of cifar10", 1200, 0.4)
    assert rows[foresight][-1] == pytest.approx(0.6 - 0.594)
    assert rows["grad_norm", TRUTHS[0], printed.VKDNW.name][-1] == pytest.approx(0.5 - 0.438), "that of most networks"
    deeplite = ("grad_norm", TRUTHS[1], printed.DEEPLITE.name)
    assert rows[deeplite][-1] == pytest.approx(0.35 - 0.301), "of τ where no ρ is printed"
    assert rows["gradsign", TRUTHS[0], printed.GRADSIGN.name][2:] == (None,) * 6
    assert not [row for row in rows if row[1] == TRUTHS[2]] and printed.section(ours, ["kd-nb201"]) is None
