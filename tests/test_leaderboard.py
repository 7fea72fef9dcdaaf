"""The leaderboard: statistics against few-line references, and the numbers that the field knows of its closed forms."""

import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from scoring_support import write_truth
from test_released import QUESTION

from benchmarks import leaderboard as command
from benchmarks.command.truths import truths_at_hand
from benchmarks.scoring import ranked
from benchmarks.scoring.columns import known_scores
from benchmarks.scoring.population import populations
from benchmarks.scoring.question import Answer
from benchmarks.scoring.release import release
from benchmarks.statistics.formula import parse
from benchmarks.statistics.gain import ndcg
from benchmarks.tables import leaderboard
from benchmarks.tables.vkdnw import printed
from nb201_data.ground_truth import load_ground_truth
from nb201_data.spaces import get_space
from reports.schema import Column, Section, Table


def naive_ndcg(accuracies: list[float], scores: list[float], first: int) -> float:
    def dcg(order: list[int]) -> float:
        return sum((2 ** accuracies[i] - 1) / math.log2(1 + j) for j, i in enumerate(order[:first], 1))

    cells = range(len(scores))
    return dcg(sorted(cells, key=lambda i: -scores[i])) / dcg(sorted(cells, key=lambda i: -accuracies[i]))


@pytest.mark.parametrize("first", [1, 7, 40, 1_000])
def test_ndcg_without_ties(first: int) -> None:
    rng = random.Random(first)
    accuracies, scores = [rng.uniform(60, 95) for _ in range(40)], [rng.gauss(0, 1) for _ in range(40)]
    assert ndcg(np.array(accuracies), np.array(scores), first) == pytest.approx(naive_ndcg(accuracies, scores, first))
    assert ndcg(np.array(accuracies), np.array(accuracies), first) == pytest.approx(1)


def test_ndcg_of_ties_is_the_mean_over_random_orders() -> None:
    rng = random.Random(0)
    accuracies, scores = [90.0, 88.0, 91.0, 70.0, 89.5, 90.5], [1.0, 1.0, 1.0, 2.0, 0.0, 0.0]
    broken = [naive_ndcg(accuracies, [s + rng.uniform(0, 0.5) for s in scores], 4) for _ in range(20_000)]
    assert ndcg(np.array(accuracies), np.array(scores), 4) == pytest.approx(np.mean(broken), abs=2e-3)


KNOWN = {  # Kendall and Spearman to three digits; nDCG within what random ties do to it
    ("flops", "cifar10", 9445): (0.623, 0.799, 0.742),
    ("flops", "cifar100", 9445): (0.589, 0.764, 0.575),
    ("flops", "imagenet16-120", 9445): (0.547, 0.718, 0.402),
    ("flops", "cifar10", 15625): (0.578, 0.753, 0.729),
    ("flops", "cifar100", 15625): (0.553, 0.728, 0.563),
    ("flops", "imagenet16-120", 15625): (0.520, 0.692, 0.386),
    ("convolutions", "cifar10", 9445): (0.626, 0.767, 0.675),
    ("convolutions", "cifar100", 9445): (0.647, 0.787, 0.521),
    ("convolutions", "imagenet16-120", 9445): (0.623, 0.764, 0.508),
}


def test_closed_forms_give_what_is_known_of_them(reference_data: Path) -> None:
    for images in ("cifar10", "cifar100", "imagenet16-120"):
        truth = load_ground_truth(f"nb201:{images}:test:200")
        scores = {one.score: one for one in ranked.closed_forms(truth)}
        whole, alive = populations(truth)
        assert (len(whole.archs), len(alive.archs)) == (15_625, 9_445)
        for population in (whole, alive):
            placed = ranked.placed(truth, population.archs, list(scores.values()))
            for name in ("flops", "convolutions"):
                known = KNOWN.get((name, images, len(population.archs)))
                (found,) = (one.standing for one in placed if one.scores.score == name)
                if known:
                    assert (round(found.kendall, 3), round(found.spearman, 3)) == known[:2]
                    assert found.ndcg == pytest.approx(known[2], abs=0.004)


def test_how_much_the_sizes_explain() -> None:
    rng = np.random.default_rng(0)
    params, flops, blind = rng.integers(0, 9, (3, 50)).astype(float)  # with ties

    sizes = np.stack([params, flops])
    assert ranked.explained(np.exp(params)[None], sizes) == pytest.approx(1)
    both = np.stack([params + flops, blind])
    design = np.column_stack([np.ones(50), scipy.stats.rankdata(params), scipy.stats.rankdata(flops)])
    expected = []
    for row in map(scipy.stats.rankdata, both):
        rest = row - design @ np.linalg.lstsq(design, row, rcond=None)[0]
        expected.append(1 - rest @ rest / ((row - row.mean()) @ (row - row.mean())))
    assert ranked.explained(both, sizes) == pytest.approx(np.mean(expected))
    assert ranked.explained(np.ones((1, 50)), sizes) is None


@pytest.mark.parametrize("space", ["nb201", "s0", "autoformer", "pit"])
def test_every_space_counts_more_than_weights_and_products(space: str) -> None:
    """Convolutions or depth: what the rank R2 by sizes is about."""
    forms = set(get_space(space).closed_forms())
    assert {"params", "flops"} < forms & set(ranked.SIZES)


def test_printed_numbers_stand_where_they_belong() -> None:
    assert printed("flops", "nb201:cifar100:test:200") == (0.586, 0.763, 0.576)
    assert printed("az_nas", "nb201:imagenet16-120:test:200") == (0.673, 0.859, 0.534)
    assert printed("flops", "nb201:cifar100:test:12") == (None, None, None) == printed("m_s", "nb201:cifar10:test:200")


def test_released_scores_and_aggregates_stand_beside_closed_forms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = load_ground_truth(str(write_truth(tmp_path / "truth.csv")))
    rng = random.Random(3)
    asked = replace(QUESTION, skeleton=str(truth.skeleton), teacher="", teacher_init="", teacher_seed=0)
    ntk = {arch: Answer(rng.random(), "ok") for arch in truth.values}
    regions = {arch: Answer(rng.random(), "ok") for arch in list(truth.values)[1:]}
    book = []
    for seed in (0, 1):
        one = replace(asked, seed=seed, batch_seed=seed)
        book += [(replace(one, proxy="te_nas_ntk"), ntk), (replace(one, proxy="te_nas_regions"), regions)]
    release(book, tmp_path / "tables")
    joined = parse("te_nas_ntk+te_nas_regions", known_scores())
    found = {one.score: one for one in ranked.released_scores([book], truth, [joined])}
    assert set(found) == {"te_nas_ntk", "te_nas_regions", "te_nas", "te_nas_ntk + te_nas_regions"}
    assert len(found["te_nas"].values(list(truth.values))) == 2
    every = [*ranked.closed_forms(truth), *found.values()]
    placed = {one.scores.score: one.standing for one in ranked.placed(truth, list(truth.values), every)}
    standing = placed["te_nas_ntk"]
    assert standing.networks == len(truth)
    counted = replace(every[0], whose="common", setting="kaiming")  # a count that was scored as well
    assert len(ranked.placed(truth, list(truth.values), [*every, counted])) == len(placed)
    accuracies = list(truth.values.values())
    values = [-answer.value for answer in ntk.values() if answer.value is not None]
    assert standing.kendall == pytest.approx(scipy.stats.kendalltau(values, accuracies).statistic)
    assert standing.spearman == pytest.approx(scipy.stats.spearmanr(values, accuracies).statistic)
    assert placed["te_nas"].networks == len(regions)
    ranks = [
        scipy.stats.rankdata(column) for column in (values[1:], [regions[a].value for a in list(truth.values)[1:]])
    ]
    logs = placed["te_nas_ntk + te_nas_regions"]
    assert logs.networks == len(regions)
    assert logs.kendall == pytest.approx(scipy.stats.kendalltau(np.log(ranks).sum(axis=0), accuracies[1:]).statistic)
    given = ["--ground-truth", str(tmp_path / "truth.csv"), "--tables", str(tmp_path / "tables")]
    given += ["--aggregate", "te_nas_ntk*te_nas_regions"]
    assert command.main([*given, "--out", str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    assert " has the highest Spearman correlation on 1 of 1 populations" in out.splitlines()[0]
    assert "te_nas" in out and "convolutions" in out and "all 14 networks" in out
    table = (tmp_path / "run" / "truth-1.csv").read_text()
    assert "te_nas_ntk" in table and "flops_pruned" in table and "te_nas_ntk*te_nas_regions" in table
    assert "R²" in out and "explained" in table.splitlines()[0]
    assert "printed" not in table  # nothing is printed on these


def test_the_lead_counts_who_is_first_and_what_beats_every_closed_form() -> None:
    columns = tuple(map(Column, ("proxy", "whose", "conditions", "seeds", "networks", "kendall", "spearman")))

    def section(*rows: tuple[str, str, float]) -> Section:
        cells = tuple((name, "", setting, 1, 1 if name == "few" else 10, 0.0, value) for name, setting, value in rows)
        return Section("truth-1", "t", table=Table(columns, cells))

    form, common = ranked.CLOSED, "gaussian"
    low = section(("a", common, 0.3), ("b", common, 0.2), ("params", form, 0.5), ("params", common, 0.6))
    high = section(("few", common, 0.9), ("a", common, 0.7), ("params", form, 0.5), ("flops", form, 0.6))
    first, _ = leaderboard.lead([low, high])
    assert first.startswith("a has the highest") and "on 2 of 2 populations" in first and "closed form on 1." in first
    assert leaderboard.lead([section(("params", form, 0.5))]) == [
        "No score of these networks is at hand: closed forms alone."
    ]


def test_what_is_not_on_disk_is_named_once_for_each_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
    truths, missing = truths_at_hand(None)
    assert truths and len(missing) == 2 and not any(str(tmp_path) in why for why in missing)
    assert missing[0].startswith("s0:kd, vit:") and missing[0].endswith("`python -m nb201_data fetch distillation`")
    assert missing[1].startswith("NAS-Bench-201 is not on disk: `python -m nb201_data fetch nb201/benchmark`")
