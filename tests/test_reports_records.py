"""Records on disk: exact round trips, clear errors, atomic writes."""

import gzip
import json
import os
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest
from reports_support import MANIFEST, measured_run

from diswot_errors import DataError, UsageError
from reports import csv_files, figures
from reports.csv_files import read_records, read_table, write_records, write_table, write_text
from reports.records import Page, Run, read_run, write_run
from reports.schema import (
    Claim,
    Column,
    Correlation,
    Estimate,
    Figure,
    ScoreRow,
    Section,
    Table,
    TruthRow,
    Verdict,
    VerdictKind,
)

SCORE = ScoreRow(
    "nb201", "|a~0|", "nwot", 2, "gaussian", 0, "embedded", 64, "none", "cpu", "fp32", 0.1 + 0.2, "ok", "", 1e-5
)
COLUMNS = (
    Column("setting"),
    Column("seeds", "integer"),
    Column("published", "number"),
    Column("measured", "estimate"),
    Column("verdict", "verdict"),
)
TABLE = Table(
    COLUMNS,
    (
        ('a "quoted", one', 3, 72.93, Estimate(1 / 3, -0.0, 5e-324, 1e300), Verdict(VerdictKind.WITHIN)),
        ("two\r\nlines\rand more", None, None, Estimate(), Verdict(VerdictKind.OUTSIDE, 'far, "below"')),
        ("", -1, 1e-17, Estimate(1.0), None),
    ),
)


def run_with_everything() -> Run:
    failed = replace(SCORE, seed=1, value=None, status="nan", reason='the "kernel", they say,\nis empty')
    row = Correlation("nwot", "higher", "ok", 59, 1, "nan 1", 2, 1000, Estimate(0.1, 0.05, 0.2, 0.01))
    drawing = figures.intervals(["a"], [Estimate(0.5, 0.4, 0.6)], title="An interval")
    claim = Claim("it holds", Verdict(VerdictKind.HOLDS, "by far"))
    section = Section(
        "published", "Published", ("One.", "Two."), TABLE, (Figure("one", drawing, "c"),), (claim,), "code"
    )
    page = Page("Title", ("Lead.",), (section, Section("plain", "Only words")))
    return Run(MANIFEST, (SCORE, failed), (TruthRow("|a~0|", 71.25),), (row,), page)


def test_a_run_comes_back_equal(tmp_path: Path) -> None:
    run = run_with_everything()
    write_run(tmp_path / "run", run)
    assert read_run(tmp_path / "run") == run
    write_run(tmp_path / "again", read_run(tmp_path / "run"))
    for file in (tmp_path / "run").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_every_float_comes_back_to_the_bit(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2**63, size=2000, dtype=np.int64).view(np.float64)
    truths = [TruthRow(str(i), float(value)) for i, value in enumerate(bits[np.isfinite(bits)])]
    write_records(tmp_path / "truth.csv", TruthRow, truths)
    assert read_records(tmp_path / "truth.csv", TruthRow) == truths


def test_numpy_numbers_are_written_as_numbers(tmp_path: Path) -> None:
    write_records(tmp_path / "truth.csv", TruthRow, [TruthRow("a", np.float64(0.1))])
    assert (tmp_path / "truth.csv").read_text() == "arch,accuracy\na,0.1\n"


def test_a_table_comes_back_equal(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", TABLE)
    assert read_table(tmp_path / "t.csv", COLUMNS) == TABLE
    assert (tmp_path / "t.csv").read_text().splitlines()[0] == (
        "setting,seeds,published,measured,measured_low,measured_high,measured_spread,verdict,verdict_detail"
    )


def test_an_estimate_takes_four_columns_of_the_record(tmp_path: Path) -> None:
    write_records(tmp_path / "c.csv", Correlation, [])
    header = (tmp_path / "c.csv").read_text().strip().split(",")
    estimates = sum(field.type is Estimate or field.type == "Estimate" for field in fields(Correlation))
    assert estimates == 12 and len(header) == len(fields(Correlation)) + 3 * estimates
    assert {"kendall", "kendall_low", "kendall_high", "kendall_spread", "spearman_minus_flops_low"} <= set(header)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_is_not_written(tmp_path: Path, value: float) -> None:
    with pytest.raises(
        ValueError, match=r"truth.csv, column 'accuracy': cannot write (nan|inf), expected a finite number"
    ):
        write_records(tmp_path / "truth.csv", TruthRow, [TruthRow("a", value)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arch,accuracy\na,71.5\nb,much\n", r"truth.csv, line 3, column 'accuracy': 'much', expected a finite number"),
        ("arch,accuracy\na,nan\n", r"line 2, column 'accuracy': 'nan', expected a finite number"),
        ("arch,accuracy\na,\n", r"line 2, column 'accuracy': '', expected a finite number"),
        ("arch,accuracy\na,1,2\n", r"line 2: 3 fields, expected 2"),
        ("arch,accuracy\na\n", r"line 2: 1 fields, expected 2"),
        (
            "arch,acc\na,1\n",
            r"line 1: wrong header \(missing \['accuracy'\], unknown \['acc'\]\); expected arch,accuracy",
        ),
        ("accuracy,arch\n1,a\n", r"line 1: wrong header \(order"),
        ("", r"line 1: wrong header"),
        ('arch,accuracy\n"a,1\n', r"not a UTF-8 CSV file"),
    ],
)
def test_a_malformed_file_is_named_with_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "truth.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_records(tmp_path / "truth.csv", TruthRow)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_bytes(b"arch,accuracy\n\xff\xfe,1\n")
    with pytest.raises(DataError, match="not a UTF-8 CSV file"):
        read_records(tmp_path / "truth.csv", TruthRow)


def test_an_integer_with_a_point_is_refused(tmp_path: Path) -> None:
    write_records(tmp_path / "s.csv", ScoreRow, [SCORE])
    (tmp_path / "s.csv").write_text((tmp_path / "s.csv").read_text().replace(",64,", ",64.0,"))
    with pytest.raises(DataError, match=r"line 2, column 'batch_size': '64.0', expected an integer"):
        read_records(tmp_path / "s.csv", ScoreRow)


def test_a_field_no_column_can_hold_is_an_error() -> None:
    @dataclass(frozen=True)
    class Odd:
        values: list[int]

    with pytest.raises(TypeError, match="field 'values'"):
        write_records(Path("never.csv"), Odd, [])


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "a.txt", "old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_text(tmp_path / "a.txt", "new")
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"] and (tmp_path / "a.txt").read_text() == "old"


def test_where_a_link_leads_is_written_and_what_is_no_file_is_written_into(tmp_path: Path) -> None:
    (tmp_path / "real.md").write_text("old")
    (tmp_path / "link.md").symlink_to(tmp_path / "real.md")
    write_text(tmp_path / "link.md", "new")
    assert (tmp_path / "link.md").is_symlink() and (tmp_path / "real.md").read_text() == "new"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_text(tmp_path / "pipe", "through")
    assert os.read(reader, 99) == b"through" and (tmp_path / "pipe").is_fifo()
    os.close(reader)


def test_packed_scores_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    run = measured_run()
    write_run(tmp_path, run)
    packed = gzip.compress((tmp_path / "scores.csv").read_bytes())
    (tmp_path / "scores.csv").unlink()
    (tmp_path / "scores.csv.gz").write_bytes(packed)
    assert read_run(tmp_path) == run
    for damaged in (packed[:-20], b"arch,value\n", b""):
        (tmp_path / "scores.csv.gz").write_bytes(damaged)
        with pytest.raises(DataError, match=r"scores.csv.gz"):
            read_run(tmp_path)


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path, measured_run())
    (tmp_path / "truth.csv.gz").write_bytes(gzip.compress((tmp_path / "truth.csv").read_bytes()))
    (tmp_path / "truth.csv").unlink()
    monkeypatch.setattr(csv_files, "MOST_UNPACKED", 100)
    with pytest.raises(DataError, match="unpacks to more than"):
        read_run(tmp_path)


@pytest.mark.parametrize("name", ["truth", "correlations"])
def test_two_rows_of_one_thing_are_refused(tmp_path: Path, name: str) -> None:
    write_run(tmp_path, measured_run())
    file = tmp_path / f"{name}.csv"
    file.write_text(file.read_text() + file.read_text().splitlines()[-1] + "\n")
    with pytest.raises(DataError, match=rf"{name}.csv: two rows of"):
        read_run(tmp_path)


def test_a_ranking_without_rows_is_nothing_to_show(tmp_path: Path) -> None:
    write_run(tmp_path, measured_run())
    file = tmp_path / "correlations.csv"
    file.write_text(file.read_text().splitlines()[0] + "\n")
    with pytest.raises(UsageError, match="nothing to show"):
        read_run(tmp_path)


def test_a_section_is_told_apart_from_those_of_the_ranking(tmp_path: Path) -> None:
    page = Page("t", (), (Section("scatter", "T"),))
    write_run(tmp_path, Run(MANIFEST, page=page))
    with pytest.raises(ValueError, match="two sections have the name 'scatter'"):
        write_run(tmp_path, replace(measured_run(), page=page))


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        read_run(tmp_path / "missing")
    with pytest.raises(UsageError, match=r"holds no manifest.json"):
        read_run(tmp_path)
    write_run(tmp_path, Run(MANIFEST))
    with pytest.raises(UsageError, match=r"neither rows in correlations.csv nor sections.json"):
        read_run(tmp_path)


def test_a_broken_manifest_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path, run_with_everything())
    content = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(DataError, match=r"manifest.json is not JSON"):
        read_run(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps(content | {"extra": 1}))
    with pytest.raises(DataError, match=r"does not describe a manifest .missing .., unknown .*; expected the keys"):
        read_run(tmp_path)


def test_a_section_cannot_read_outside_its_run(tmp_path: Path) -> None:
    write_run(tmp_path / "run", run_with_everything())
    (tmp_path / "secret.csv").write_text("x")
    described = json.loads((tmp_path / "run" / "sections.json").read_text())
    described["sections"][0]["name"] = "../secret"
    (tmp_path / "run" / "sections.json").write_text(json.dumps(described))
    with pytest.raises(DataError, match="expected a name of a-z"):
        read_run(tmp_path / "run")


@pytest.mark.parametrize("name", ["truth", "../x", "A b", ""])
def test_section_names_are_file_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a file of a run"):
        write_run(tmp_path, Run(MANIFEST, page=Page("t", (), (Section(name, "T"),))))


def test_a_second_run_into_the_folder_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    write_run(tmp_path, run_with_everything())
    bare = replace(run_with_everything(), scores=(), page=None)
    write_run(tmp_path, bare)
    assert read_run(tmp_path) == bare
