"""Tables for the eye: aligned, best first, numbers as they are read."""

from dataclasses import replace

import pytest
from reports_support import measured_run

from reports.schema import Column, Correlation, Estimate, Table
from reports.tables import as_text, by_rank, correlation_table, format_estimate, format_number, left_out_table


def test_terminal_table_is_aligned_and_keeps_control_characters_out() -> None:
    table = Table(
        (Column("proxy"), Column("n", "integer"), Column("rho", "estimate", 2), Column("p", "number", 1)),
        (("a\x1b[31m", 1234, Estimate(-0.5, -0.61, -0.4), 2.0), ("long name", None, Estimate(), None)),
    )
    assert as_text(table).splitlines() == [
        "proxy          n                   rho    p",
        "---------  -----  --------------------  ---",
        "a [31m     1,234  −0.50 [−0.61, −0.40]  2.0",
        "long name      –                     –    –",
    ]
    assert as_text(table, interval=False).splitlines()[2] == "a [31m     1,234  −0.50  2.0"


def test_rows_are_sorted_best_first_with_statuses_last() -> None:
    row = Correlation("b", "higher", "ok", 60, 0, "", 1, 1000, spearman=Estimate(0.2))
    rows = [replace(row, proxy="x", status="constant", spearman=Estimate()), row, replace(row, proxy="a"),
            replace(row, proxy="c", spearman=Estimate(0.9))]  # fmt: skip
    assert [each.proxy for each in by_rank(rows)] == ["c", "a", "b", "x"]
    assert [cells[0] for cells in correlation_table(rows).rows] == ["c", "a", "b", "x (constant)"]


def test_left_out_counts_by_reason() -> None:
    rows = left_out_table(measured_run().scores).rows
    assert rows == (("synflow", "nan", "empty kernel", 3, "cell 0"),)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.123"), (-0.5, "−0.500"), (-0.0001, "0.000"), (1.5e61, "1.50e+61"), (-3e9, "−3.00e+09")],
)
def test_numbers_for_the_eye(value: float, text: str) -> None:
    assert format_number(value) == text


def test_an_estimate_shows_what_is_known() -> None:
    assert format_estimate(Estimate(0.5, 0.4, 0.6, 0.01), 2) == "0.50 ±0.01 [0.40, 0.60]"
    assert format_estimate(Estimate(0.5), 2) == "0.50"
    assert format_estimate(Estimate(), 2) == "–"
