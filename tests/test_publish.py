"""What a terminal shows of a run, beside what stands on disk."""

import csv
from pathlib import Path

import pytest

from benchmarks.command.publish import FIRST, LONG, Content, in_terminal, publish
from reports.schema import Column, Estimate, Section, Table


@pytest.mark.parametrize(("rows", "shown"), [(LONG, LONG), (LONG + 1, FIRST)])
def test_of_a_long_table_the_terminal_shows_the_first_rows(tmp_path: Path, rows: int, shown: int) -> None:
    table = Table((Column("network"), Column("place", "integer")), tuple((f"cell {i}", i) for i in range(1, rows + 1)))
    content = Content(title="A table", sections=[Section("cells", "Every cell", table=table)])
    text = publish(tmp_path / "run", ["a command"], content)
    assert text.count("cell ") == shown
    assert (f"... {rows - FIRST} more rows: on the page and in cells.csv" in text) == (shown < rows)
    assert text.splitlines()[-1] == str(tmp_path / "run" / "report.html")
    with (tmp_path / "run" / "cells.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == rows


@pytest.mark.parametrize(("width", "whole"), [(200, True), (80, False)])
def test_where_a_table_is_too_wide_cells_have_short_names(
    monkeypatch: pytest.MonkeyPatch, width: int, whole: bool
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|none~2|"
    table = Table(
        (Column("proxy"), Column("student"), Column("found", "estimate")), (("params", cell, Estimate(1, 0, 2)),)
    )
    text = in_terminal(table)
    assert (cell in text, "[" in text, "3/3p/s10" in text) == (whole, whole, not whole)
