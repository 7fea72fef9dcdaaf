"""Rows of the leaderboard and where a score stands, by hand."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
from scoring_support import write_truth
from test_released import QUESTION

from benchmarks.scoring import ranked
from benchmarks.scoring.order import shuffled
from benchmarks.scoring.question import Answer, Question
from benchmarks.tables import leaderboard
from nb201_data.ground_truth import load_ground_truth
from proxies.registry import get
from reports.schema import Column, Section, Table


def placed_row(name: str, networks: int, rho: float, setting: str = "kaiming") -> ranked.Placed:
    standing = ranked.Standing(networks, rho / 2, rho, 0.5, 0.25, 1.0)
    return ranked.Placed(
        ranked.Scores(name, "common", setting, lambda archs: np.zeros((1, len(archs)))), 1, standing, 0.4, 0.3
    )


def test_a_section_is_best_first_says_what_rests_on_fewer_and_what_is_printed() -> None:
    truth = SimpleNamespace(name="nb201:cifar10:test:200", note="n")
    population = SimpleNamespace(key="live", name="the live", archs=range(14))
    found = [placed_row("nwot", 9, 0.2), placed_row("params", 14, 0.5, ranked.CLOSED), placed_row("az_nas", 14, 0.9)]
    made = leaderboard.section(1, truth, population, found)
    assert made.table is not None and [row[0] for row in made.table.rows] == ["az_nas", "params", "nwot"]
    assert made.note.startswith("1 row") and leaderboard.section(1, truth, population, found[1:]).note == ""
    columns = [column.name for column in made.table.columns]
    best = dict(zip(columns, made.table.rows[0], strict=True))
    assert (best["kendall"], best["spearman"], best["networks"]) == (0.45, 0.9, 14)
    assert (best["printed_kendall"], best["printed_spearman"], best["printed_ndcg"]) == (0.712, 0.892, 0.749)
    (ours,) = [each for each in leaderboard.beside_print(truth, population, found) if each.score == "az_nas"]
    assert (ours.networks, ours.kendall, ours.spearman) == (14, 0.45, 0.9)


def test_a_score_level_with_a_closed_form_is_not_above_it() -> None:
    columns = tuple(map(Column, ("proxy", "whose", "conditions", "seeds", "networks", "kendall", "spearman")))
    rows = (("a", "", "kaiming", 1, 10, 0.0, 0.5), ("params", "", ranked.CLOSED, 1, 10, 0.0, 0.5))
    (first, _) = leaderboard.lead([Section("truth-1", "t", table=Table(columns, rows))])
    assert first.endswith("above every closed form on 0.")


def test_only_a_fair_sample_of_the_networks_is_placed(tmp_path: Path) -> None:
    """The first ten of the fixed random order are one, the last ten are none."""
    truth = load_ground_truth(str(write_truth(tmp_path / "truth.csv", n=30)))
    order = shuffled(truth.values, 0)

    def of(name: str, there: list[str]) -> ranked.Scores:
        values = {arch: float(place) for place, arch in enumerate(there)}
        return ranked.Scores(
            name, "", "kaiming", lambda archs: np.array([[values.get(arch, np.nan) for arch in archs]])
        )

    scores = [*ranked.closed_forms(truth), of("first", order[:10]), of("last", order[-10:]), of("few", order[:9])]
    found = {one.scores.score: one.standing.networks for one in ranked.placed(truth, list(truth.values), scores)}
    assert found["first"] == 10 and "last" not in found and "few" not in found


def test_a_standing_is_the_mean_over_seeds() -> None:
    rng = np.random.default_rng(0)
    truth, values = rng.normal(size=30), rng.normal(size=(2, 30))
    found = ranked.standing(ranked._target(truth), values)
    assert found is not None
    assert found.kendall == pytest.approx(np.mean([scipy.stats.kendalltau(row, truth).statistic for row in values]))
    assert found.regret == pytest.approx(truth.max() - truth[values.argmax(1)].mean())


def test_of_several_settings_of_a_part_the_fullest_is_taken_and_the_seeds_that_all_have(tmp_path: Path) -> None:
    truth = load_ground_truth(str(write_truth(tmp_path / "truth.csv")))
    base = replace(QUESTION, skeleton=str(truth.skeleton), teacher="", teacher_init="", teacher_seed=0)

    def asked(name: str, init: str, images: str, seed: int = 0) -> Question:
        return replace(
            base, proxy=name, version=get(name).version, init=init, images=images, seed=seed, batch_seed=seed
        )

    def answers(shift: int) -> dict[str, Answer]:
        return {arch: Answer(float((7 * place + shift) % 11), "ok") for place, arch in enumerate(truth.values)}

    few = dict(list(answers(3).items())[:3])
    book = [
        (asked("flops", "gaussian", "embedded:10@8"), few),
        (asked("flops", "kaiming", "embedded:10@8"), answers(0)),
    ]
    for number, part in enumerate(("expressivity", "progressivity", "trainability"), 1):
        for seed in (0, 1):
            book.append((asked(f"az_nas_{part}", "kaiming", "noise:10@8", seed), answers(number + seed)))
    (theirs,) = (o for o in ranked.released_scores([book], truth) if (o.score, o.whose) == ("az_nas", "authors"))
    found = theirs.values(list(truth.values))
    assert found.shape == (1, len(truth)) and np.isfinite(found).all()
