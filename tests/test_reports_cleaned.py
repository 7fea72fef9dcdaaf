"""Whatever a run holds can be written, read again and drawn: texts are defused and cleaned, numbers may be extreme."""

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reports_support import measured_run
from test_reports_records import SCORE

from reports import texts
from reports.__main__ import main
from reports.csv_files import read_records, read_table, write_records, write_table
from reports.records import Page, write_run
from reports.schema import Column, Estimate, ScoreRow, Section, Table, TruthRow, Verdict, VerdictKind

TEXTS = st.text(st.sampled_from("'=+-@\t\r\n\"|, a;\uff1d") | st.characters(), max_size=12)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
@example([("=HYPERLINK(1)", "'=1"), ("''=1", "'"), ("-1+cmd|' /C calc'!A0", "\u202e")])
def test_no_text_is_a_formula_and_every_clean_text_comes_back(tmp_path_factory: Any, pairs: list[Any]) -> None:
    path = tmp_path_factory.mktemp("cells") / "t.csv"
    columns = (Column("=a"), Column("n", "number"), Column("v", "verdict"))
    rows = tuple((text, -1.5, Verdict(VerdictKind.OPEN, detail)) for text, detail in pairs)
    write_table(path, Table(columns, rows))
    clean = tuple((texts.cleaned(a), -1.5, Verdict(VerdictKind.OPEN, texts.cleaned(b))) for a, b in pairs)
    assert read_table(path, columns).rows == clean
    with open(path, encoding="utf-8", newline="") as file:
        cells = list(csv.reader(file))
    texts_in_it = [cell for row in cells for cell in (row[0], row[3])]
    number = re.compile("[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?")  # as harmless as it looks
    assert not any(cell.startswith(FORMULA) and not number.fullmatch(cell) for cell in texts_in_it)
    assert all(row[1] == "-1.5" for row in cells[1:])  # a number is no text


def test_scores_are_defused_and_what_cannot_be_written_is_cleaned(tmp_path: Path) -> None:
    hostile = replace(SCORE, arch="=cmd", teacher="@SUM(A1)", reason="\ud800 \x00 \x1b[2J " + "x" * 200_000)
    write_records(tmp_path / "s.csv", ScoreRow, [hostile])
    text = (tmp_path / "s.csv").read_text(encoding="utf-8")
    assert ",'=cmd," in text and ",'@SUM(A1)," in text and len(text) < texts.LONGEST + 500
    (row,) = read_records(tmp_path / "s.csv", ScoreRow)
    assert (row.arch, row.teacher) == ("=cmd", "@SUM(A1)") and row.value == SCORE.value
    assert row.reason.startswith("\ufffd \ufffd \ufffd[2J xxx") and row.reason.endswith("(200,009 characters)")


def test_a_run_with_texts_that_no_file_holds_can_be_read_again(tmp_path: Path) -> None:
    bad = "\udcff" + "long " * 10_000
    run = measured_run(cells=8, hostile="\x07\ud800")
    page = Page(bad, (bad,), (Section("own", bad, code=bad),))
    write_run(tmp_path, replace(run, manifest=replace(run.manifest, command=[bad], config={bad: [bad]}), page=page))
    assert main([str(tmp_path)]) == 0 and main([str(tmp_path), "--markdown", str(tmp_path / "p.md")]) == 0


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 5e-324])
def test_numbers_at_the_edge_of_floats_are_drawn(tmp_path: Path, value: float) -> None:
    run = measured_run(cells=8)
    scores = tuple(replace(row, value=value * (1 - 0.001 * place)) for place, row in enumerate(run.scores))
    rows = tuple(replace(row, spearman=Estimate(value, -value, value, abs(value))) for row in run.correlations)
    truth = tuple(TruthRow(row.arch, value / (1 + place)) for place, row in enumerate(run.truth))
    write_run(tmp_path, replace(run, scores=scores, correlations=rows, truth=truth))
    assert main([str(tmp_path)]) == 0
    assert "nan" not in re.sub(r"<text.*?</text>|<title.*", "", (tmp_path / "report.html").read_text()).split("<svg")[1]


@pytest.mark.parametrize("seconds", [0.0, 1e12])
def test_any_seconds_are_drawn(tmp_path: Path, seconds: float) -> None:
    run = measured_run(cells=8)
    write_run(tmp_path, replace(run, scores=tuple(replace(row, seconds=seconds) for row in run.scores)))
    assert main([str(tmp_path)]) == 0


def test_a_status_ok_without_a_value_is_no_score(tmp_path: Path) -> None:
    """Whatever the columns say of each other, the page is made or the file refused."""
    run = measured_run(cells=8)
    write_run(tmp_path, replace(run, scores=tuple(replace(row, value=None) for row in run.scores)))
    assert main([str(tmp_path)]) in (0, 1)
