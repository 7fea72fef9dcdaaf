"""What a look at the second half says, by hand: intervals, worst cases, who counts."""

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from test_confirm import book_of, made  # noqa: F401

from benchmarks.command import looks
from benchmarks.scoring.cases import CLOSED_FORMS, cases_of
from benchmarks.scoring.columns import single
from benchmarks.scoring.exhaustive import grounds_of, kendall, searched, shrinkage
from benchmarks.statistics.formula import parse
from benchmarks.statistics.paired import against
from benchmarks.tables import confirm
from reports.schema import Estimate


def test_a_look_goes_by_its_stretched_intervals_and_by_every_closed_form(made) -> None:  # noqa: F811
    """params: .10 [.01, .20], at 97.5 % [-.003, ...]: told apart by 95 % alone. All others: [.2, .4]."""
    _, truth, book = made
    both, _ = cases_of([book], truth, "confirmation", ["meco"])
    sure = dict.fromkeys(CLOSED_FORMS, Estimate(0.3, 0.2, 0.4))
    gaps = (sure | {"params": Estimate(0.1, 0.01, 0.2)}, sure)
    closed = np.full((len(CLOSED_FORMS), 2), 0.2)
    closed[0] = 0.4, 0.6
    found = confirm.Compared(single("meco"), tuple(both), np.array([0.5, 0.9]), closed, gaps)
    first, second = (confirm.lead(found, look, 7)[1] for look in (1, 0))
    assert first.startswith(
        "Better than every closed form in 1 of 2 cases, not told apart from one of them in 1, worse"
    )
    assert second.startswith("Better than every closed form in 2 of 2 cases, not told apart from one of them in 0")
    assert f"Worst: +0.100 Kendall to params in {both[0].title}." in first
    table = confirm.section(found, 1).table
    assert table is not None
    row, other = (dict(zip([c.name for c in table.columns], r, strict=True)) for r in (table.rows[0], table.rows[1]))
    factor = scipy.stats.norm.ppf(0.9875) / scipy.stats.norm.ppf(0.975)
    assert (row["low"], row["high"]) == (pytest.approx(0.1 - 0.09 * factor), pytest.approx(0.1 + 0.1 * factor))
    assert (str(row["verdict"].kind), row["verdict"].detail) == (
        "not-told-apart",
        "at 95 % alone it would be told apart",
    )
    assert (str(other["verdict"].kind), other["verdict"].detail) == ("better", "")
    assert row["difference"] == gaps[0]["params"]


def test_cells_that_are_one_network_are_one_in_a_look(made) -> None:  # noqa: F811
    _, truth, book = made
    (case, _), _ = cases_of([book], truth, "confirmation", ["meco"])
    assert len(set(case.networks)) < len(case.archs)
    given = case.accuracies.tolist(), case.values(single("meco")), {"params": case.values(single("params"))}, "kendall"
    found = confirm.compared(single("meco"), [case]).differences[0]["params"]
    assert found == against(*given, case.networks)["params"] != against(*given)["params"]


def test_the_same_candidates_on_other_data_are_no_new_ones(tmp_path: Path) -> None:
    def search(definition: str, data: str, tried: int) -> looks.Search:
        return looks.Search("2026-01-01", definition, data, tried, 3, 1, "meco", 0.1)

    log = looks.Log(tmp_path, [], [search("a", "x", 10), search("a", "y", 12), search("b", "x", 5)])
    assert log.tried == 12 + 5


def test_what_a_choice_is_worth_where_it_was_not_made(made) -> None:  # noqa: F811
    _, truth, book = made
    (case, _), _ = cases_of([book], truth, "search")
    for quarter in (0, 1):
        here, there = case.quarter(quarter), case.quarter(1 - quarter)
        best = searched([here])
        formula = best.formulas[best.jointly[0]]
        taus = {
            str(one): scipy.stats.kendalltau(there.values(one)[0], there.accuracies).statistic
            for one in (formula, *map(single, CLOSED_FORMS))
        }
        expected = taus[str(formula)] - max(taus[name] for name in CLOSED_FORMS)
        assert expected in [pytest.approx(float(each.left[0])) for each in shrinkage([case]) if each.formula == formula]


def test_a_score_of_few_networks_makes_no_case_small_unless_it_is_asked_for(made) -> None:  # noqa: F811
    _, truth, book = made
    half = {arch: 1.0 + place for place, arch in enumerate(list(truth.values)[::2])}
    more = [*book, *book_of(truth, {"zen": half})]
    (whole, _), (again, _) = cases_of([book], truth, "search")[0], cases_of([more], truth, "search")[0]
    assert again.names == whole.names and again.archs == whole.archs
    (asked, _), _ = cases_of([more], truth, "search", ["zen"])
    assert "zen" in asked.names and set(asked.archs) == set(whole.archs) & set(half)


def test_kendall_is_the_mean_over_seeds(made) -> None:  # noqa: F811
    _, truth, _ = made
    rng = np.random.default_rng(3)
    values = [{arch: float(rng.uniform(1, 2)) for arch in truth.values} for _ in (0, 1)]
    books = [book_of(truth, dict.fromkeys((*CLOSED_FORMS, "nwot"), one), (seed,)) for seed, one in enumerate(values)]
    (case, _), _ = cases_of(books, truth, "search")
    taus = [scipy.stats.kendalltau([one[a] for a in case.archs], case.accuracies).statistic for one in values]
    assert kendall(grounds_of([case], ("nwot",)), [parse("nwot", ["nwot"])])[0, 0] == pytest.approx(np.mean(taus))
    found = searched([case])
    row = found.formulas.index(single("nwot"))
    assert found.kendall[row, 0] == pytest.approx(np.mean(taus))
