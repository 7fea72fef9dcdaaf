"""What the script of a page is told: the same numbers as the page, and nothing that could end its element."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reports_support import HOSTILE, measured_run

from reports import figures
from reports.html import render
from reports.interactive import as_script, data_of
from reports.panels import milliseconds, panels_of
from reports.records import write_run
from reports.schema import TruthRow


@given(st.recursive(st.text() | st.none() | st.integers(-9, 9), lambda inner: st.lists(inner, max_size=4)))
def test_data_come_back_and_never_end_their_element(content: object) -> None:
    text = as_script({"a": content})
    assert json.loads(text) == {"a": content} and not re.search("[<>&\u2028\u2029]", text)


def test_hostile_names_stay_text(tmp_path) -> None:
    write_run(tmp_path, measured_run(hostile=HOSTILE))
    text = render(tmp_path).read_text()
    data = json.loads(text.split('id="_data">')[1].split("</script>")[0])
    assert f"good{HOSTILE}" in data["scores"] and data["cells"][0][0].endswith(HOSTILE)
    assert "<script>alert" not in text and text.count("<script") == text.count("</script>") == 2


def test_each_dot_is_the_network_that_the_panel_draws_there() -> None:
    run = measured_run()
    data, panels = data_of(run), panels_of(run)
    directions = {row.proxy: row.direction for row in run.correlations}
    for proxy, members in data["panels"]:
        archs, scores, accuracies = panels.points(proxy)
        drawn = figures.scatter(scores, accuracies, invert=directions[proxy] == "lower")
        heights = [float(y) for y in re.findall(r"M\S+ (\S+?)h0", drawn)]
        assert len(heights) == len(members) == len(archs)
        truth = [data["truth"][cell] for cell in members]
        inside = len(members) - len(figures.plane.at_the_edge(scores, accuracies))
        order = sorted(range(inside), key=lambda dot: truth[dot])
        assert [heights[dot] for dot in order] == sorted(heights[:inside], reverse=True)


def test_scores_are_those_of_the_records_to_five_digits_and_failures_are_none() -> None:
    run = measured_run()
    data = data_of(run)
    assert data["scores"]["synflow"][:3] == [None] * 3
    value = next(row.value for row in run.scores if row.proxy == "params" and row.arch == "cell 7")
    assert data["scores"]["params"][7] == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize("coefficient", ["kendall", "spearman", "pearson"])
def test_another_coefficient_ranks_by_itself(coefficient: str) -> None:
    run = measured_run()
    switched = data_of(run)["switch"][coefficient]
    known = {row.proxy: getattr(row, coefficient).value for row in run.correlations}
    best = sorted((name for name in known if known[name] is not None), key=lambda name: -known[name])
    assert [
        name for _, name in sorted((cells["rank"][0], name) for name, cells in switched.items() if cells["rank"][0])
    ] == best
    row = next(row for row in run.correlations if row.proxy == "good")
    assert switched["good"]["spearman_minus_params"][0] == getattr(row, f"{coefficient}_minus_params").value


@pytest.mark.slow
def test_a_large_run_is_thinned_and_its_page_stays_under_two_megabytes(tmp_path) -> None:
    run = measured_run(cells=2500)
    names = [f"proxy_{place}" for place in range(75)]
    row = next(row for row in run.correlations if row.proxy == "good")
    scores = [score for score in run.scores if score.proxy == "good" and score.seed == 0]
    more = tuple(replace(score, proxy=name) for name in names for score in scores)
    rows = tuple(replace(row, proxy=name) for name in names)
    run = replace(run, scores=(*run.scores, *more), correlations=(*run.correlations, *rows))
    assert len(data_of(run)["cells"]) == 500  # every fifth
    write_run(tmp_path, run)
    assert render(tmp_path).stat().st_size < 2_000_000


def test_a_run_without_truth_or_scores_has_no_panels() -> None:
    run = measured_run()
    assert data_of(replace(run, truth=()))["panels"] == [] and data_of(replace(run, scores=()))["panels"] == []
    assert data_of(replace(run, correlations=())) == {}
    assert data_of(replace(run, truth=(TruthRow("other", 1.0),)))["panels"]


def test_every_row_of_the_ranked_table_finds_its_numbers_again(tmp_path) -> None:
    """Aggregates have blanks in their names, and rows without a rank a status behind theirs."""
    run = measured_run()
    named = {row.proxy: "params + flat" if row.proxy == "good" else row.proxy for row in run.correlations}
    rows = tuple(replace(row, proxy=named[row.proxy]) for row in run.correlations)
    assert {row.status for row in rows} == {"ok", "constant"}
    write_run(tmp_path, replace(run, correlations=rows, scores=()))
    keys = re.findall(r'data-key="([^"]*)"', render(tmp_path).read_text())
    assert sorted(keys) == sorted(named.values())
    assert all(set(keys) == set(switched) for switched in data_of(replace(run, correlations=rows))["switch"].values())


def test_a_thinned_run_tells_the_ranks_among_all_networks() -> None:
    run = measured_run(cells=1300)
    data = data_of(run)
    assert data["networks"] == 1300 and len(data["cells"]) == len(data["ranks"]) < 1300
    accuracy = {row.arch: row.accuracy for row in run.truth}
    for (arch, *_), rank in zip(data["cells"][:50], data["ranks"], strict=False):
        assert rank == 1 + sum(other > accuracy[arch] for other in accuracy.values())


def test_what_a_failure_takes_is_no_cost() -> None:
    run = measured_run()
    failed = tuple(replace(row, value=None, status="not-applicable") for row in run.scores if row.proxy == "good")
    others = tuple(row for row in run.scores if row.proxy != "good")
    assert set(milliseconds(run)) - set(milliseconds(replace(run, scores=(*others, *failed)))) == {"good"}
