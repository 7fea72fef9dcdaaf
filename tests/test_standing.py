"""Mine against all: only the new score is computed, the rest is looked up, and the page says where it stands."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from scoring_support import SETTING, write_truth

from benchmarks.scoring.columns import columns_of, known_scores, single
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.question import Answer
from benchmarks.scoring.release import release
from benchmarks.scoring.released import Released
from benchmarks.scoring.runner import Job, Runner
from benchmarks.scoring.store import Store
from benchmarks.scoring.study import Study
from benchmarks.statistics.formula import parse
from benchmarks.statistics.paired import paired
from benchmarks.tables import standing
from diswot_registry import origin
from nb201_data.ground_truth import load_ground_truth
from proxies.registry import ProxyInfo, aggregate, get
from reports.schema import Estimate

NAMES = ("params", "nwot", "synflow", "te_nas_ntk", "te_nas_regions")
MINE = ProxyInfo("mine", lambda evidence: 0.0, "lower", frozenset(), False, "-", 1, origin="mine.py@1")


@pytest.fixture
def measured(tmp_path: Path) -> Iterator[tuple[Measured, list[Job]]]:
    """Released scores of ours for two seeds, none of mine, which a stand-in for the scorer then gives."""
    truth = load_ground_truth(str(write_truth(tmp_path / "truth.csv", n=40)))
    rng = random.Random(7)
    study = Study(truth, SETTING, tuple(truth.values), (0, 1))
    book = [
        (SETTING.question(get(name), seed), {a: Answer(rng.random(), "ok") for a in study.archs})
        for name in NAMES
        for seed in study.seeds
    ]
    release(book, tmp_path / "tables")
    jobs: list[Job] = []

    def score(job: Job) -> tuple[Job, list[dict[str, Answer]]]:
        jobs.append(job)
        return job, [
            {name: Answer(-truth.values[a] + rng.gauss(0, 9), "ok") for name in job.proxies} for a in job.archs
        ]

    ask = Ask(study, (MINE, *(get(name) for name in NAMES)))
    with (
        Store(tmp_path / "s.sqlite") as store,
        Runner(store, score=score, released=Released(tmp_path / "tables")) as runner,
    ):
        answers = runner.scores(study.setting, ask.infos, study.archs, study.seeds)
        yield Measured(ask, answers, runner.from_tables), jobs


def test_scores_made_of_scores_are_rows_like_the_others(measured: tuple[Measured, list[Job]]) -> None:
    one, accuracies = measured[0], measured[0].study.accuracies
    texts = ("nwot + te_nas_ntk", "synflow*nwot", "te_nas")
    asked = replace(one.ask, formulas=tuple(parse(text, known_scores()) for text in texts))
    made = Measured(asked, one.answers)
    assert made.ask.config() != one.ask.config() and set(made.by_proxy) - set(one.by_proxy) == {
        *("nwot + te_nas_ntk", "nwot*synflow", "te_nas")
    }
    by_seed = [[scipy.stats.rankdata(one.oriented(name)[seed]) for name in ("nwot", "te_nas_ntk")] for seed in (0, 1)]
    taus = [scipy.stats.kendalltau(first * second, accuracies).statistic for first, second in by_seed]
    assert made.by_proxy["nwot + te_nas_ntk"].kendall.value == pytest.approx(sum(taus) / 2)
    rows = {(row.arch, row.seed): row for row in made.records() if row.proxy == "nwot*synflow"}
    row = rows[one.study.archs[3], 1]
    assert row.value == pytest.approx(np.log(one.values("nwot")[1, 3] * one.values("synflow")[1, 3]))
    assert len(rows) == 2 * len(accuracies) and row.status == "ok"
    groups = standing.aggregate_values(one)["te_nas"]
    assert made.by_proxy["te_nas"].spearman.value == pytest.approx(
        np.mean([scipy.stats.spearmanr(values, accuracies).statistic for values in groups])
    )


def test_only_mine_is_scored_and_it_stands_first(measured: tuple[Measured, list[Job]]) -> None:
    one, jobs = measured
    assert {job.proxies for job in jobs} == {("mine",)} and one.from_tables == len(NAMES) * 2 * 40
    (section,) = standing.of_guests(one)
    assert section.table is not None
    (row,) = section.table.rows
    assert row[:3] == ("mine", 1, len(NAMES) + 1)
    accuracies = one.study.accuracies

    def rho(name: str) -> float:
        return sum(scipy.stats.spearmanr(v, accuracies).statistic for v in one.oriented(name)) / 2

    best = max(("nwot", "synflow", "te_nas_ntk", "te_nas_regions"), key=rho)
    against_params, against_best, against_group = row[4:]
    assert isinstance(against_params, Estimate) and isinstance(against_best, Estimate)
    assert against_params.value == pytest.approx(rho("mine") - rho("params"))
    assert against_best.value == pytest.approx(rho("mine") - rho(best)) and section.table.columns[5].label.endswith(
        best
    )
    assert against_params.separated == 1 and against_params.low is not None
    ranks = [
        scipy.stats.rankdata(one.oriented("te_nas_ntk")[s]) + scipy.stats.rankdata(one.oriented("te_nas_regions")[s])
        for s in (0, 1)
    ]
    group = sum(scipy.stats.spearmanr(r, accuracies).statistic for r in ranks) / 2
    assert isinstance(against_group, Estimate) and against_group.value == pytest.approx(rho("mine") - group)


def test_without_a_guest_there_is_no_section(measured: tuple[Measured, list[Job]]) -> None:
    one, _ = measured
    assert standing.of_guests(replace(one, ask=replace(one.ask, infos=one.infos[1:]))) == []


def test_what_a_guest_makes_of_scores_stands_there_too(measured: tuple[Measured, list[Job]], forgotten: None) -> None:
    """A registered aggregate and a formula; neither is the best aggregate that it is compared with."""
    one, accuracies = measured[0], measured[0].study.accuracies
    with origin("mine.py@1"):

        @aggregate("mine_twice", parts=["mine", "nwot"], paper="-")
        def _(mine: list[float], nwot: list[float]) -> list[float]:
            """Less of mine is better."""
            return [-value for value in mine]

    texts = ("mine_twice", "nwot+synflow", "te_nas")
    known = [*known_scores(), "mine"]
    made = Measured(replace(one.ask, formulas=tuple(parse(text, known) for text in texts)), one.answers)
    (section,) = standing.of_guests(made)
    assert section.table is not None
    rows = {row[0]: row for row in section.table.rows}
    assert set(rows) == {"mine", "mine_twice", "nwot + synflow"}
    assert rows["mine_twice"][4:] == rows["mine"][4:]
    assert section.table.columns[6].label.endswith("te_nas")
    best = rows["nwot + synflow"][6]
    others = made.oriented("nwot + synflow"), made.oriented("te_nas")
    expected = paired(accuracies, *others, networks=one.study.networks)
    assert isinstance(best, Estimate) and best == expected
    alone = replace(made.ask, infos=made.ask.infos[1:], formulas=made.ask.formulas[1:])
    (section,) = standing.of_guests(replace(made, ask=alone))
    assert section.table is not None and [row[0] for row in section.table.rows] == ["nwot + synflow"]


def test_a_difference_of_a_score_to_itself_is_nothing(measured: tuple[Measured, list[Job]]) -> None:
    one, _ = measured
    same = paired(one.study.accuracies, one.oriented("nwot"), one.oriented("nwot"))
    assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0)


def test_where_a_part_gives_no_number_an_aggregate_ranks_it_last(
    measured: tuple[Measured, list[Job]], tmp_path: Path
) -> None:
    one = measured[0]
    first, second, third = one.study.archs[:3]
    answers = {key: dict(found) for key, found in one.answers.items()}
    for seed in one.study.seeds:
        answers["te_nas_ntk", seed][first] = Answer(None, "infinite")
        answers["te_nas_regions", seed][second] = Answer(None, "nan")
        answers["te_nas_regions", seed][third] = Answer(None, "out-of-memory")
    ours = replace(one, answers=answers)
    book = [(SETTING.question(get(name), seed), answers[name, seed]) for name in NAMES for seed in one.study.seeds]
    (columns,) = columns_of([book], one.study.truth)
    for found in (standing.aggregate_values(ours)["te_nas"], columns.values(single("te_nas"), one.study.archs)):
        for seed, values in enumerate(found):
            kappa, count = ours.values("te_nas_ntk")[seed], ours.values("te_nas_regions")[seed]
            kappa[0], count[1] = 1e9, -1e9  # worse than any
            there = np.arange(len(kappa)) != 2  # what nobody could ask has no rank
            expected = scipy.stats.rankdata(-kappa[there]) + scipy.stats.rankdata(count[there])
            np.testing.assert_array_equal(values[there], expected)
            assert np.isnan(values[2])
    assert np.isnan(ours.oriented("te_nas_ntk")[:, 0]).all(), "the part itself stays without a value"
