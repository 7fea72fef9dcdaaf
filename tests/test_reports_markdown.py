"""The page as Markdown: the same words and numbers as the HTML, nothing in them taken for markup."""

import re
from pathlib import Path

import pytest
from reports_support import MANIFEST

from diswot_errors import UsageError
from reports.__main__ import main
from reports.markdown import escaped, render
from reports.records import Page, Run, write_run
from reports.schema import Claim, Column, Estimate, Section, Table, Verdict, VerdictKind

CLAIM = Claim("a claim", Verdict(VerdictKind.OPEN, "noise"))
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|"
HOSTILE = "<script>alert(1)</script> [a](javascript:b) *c* _d_\n# e & | g ` h"


def made_run(folder: Path) -> Path:
    columns = (Column("arch"), Column("rho", "estimate", 2), Column("verdict", "verdict"))
    estimate = Estimate(0.714, 0.61, 0.806, 0.02)
    rows = ((CELL, estimate, Verdict(VerdictKind.WITHIN)), (HOSTILE, None, None), ("in `co_de|x`", None, None))
    table = Table(columns, rows)
    sections = (
        Section("first", HOSTILE, (HOSTILE,), table, claims=(CLAIM,), note="end"),
        Section("runs", "Every run", table=table),
    )
    write_run(folder, Run(MANIFEST, page=Page("Title", ("A lead.",), sections)))
    return folder


def test_what_the_page_says(tmp_path: Path) -> None:
    text = render(made_run(tmp_path), tmp_path / "page.md", without=["run*"]).read_text(encoding="utf-8")
    line = "truth kd-nb201 · 16-32-64 · embedded images · 2 seeds"
    assert text.startswith(f"# Title\n\nA lead.\n\nnb201 · {line}\n\n## ") and "Every run" not in text
    assert "- a claim: **open** (noise)" in text and "\n\nend\n\n## " in text
    assert "python -m benchmarks.correlation" in text  # how to repeat it
    assert "| 0.71 ±0.02 [0.61, 0.81] |".replace("[", r"\[").replace("]", r"\]") in text
    assert "| --: |" in text


def test_columns_stay_columns_and_nothing_becomes_markup(tmp_path: Path) -> None:
    text = render(made_run(tmp_path), tmp_path / "page.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")][:5]
    assert [len(re.split(r"(?<!\\)\|", row)) for row in rows] == [5] * 5  # three columns, whatever stands in them
    assert rows[4].startswith(r"| in `co_de\|x` |")
    assert "<script" not in text and not re.search(r"(?<!\\)]\(", text) and "\n# e" not in text


def test_code_is_left_alone() -> None:
    assert escaped("run `python -m nb201_data` a_b `odd") == r"run `python -m nb201_data` a\_b \`odd"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made_run(tmp_path / "run")
    assert main([str(run), "--markdown", str(tmp_path / "p.md"), "--without", "runs, first"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "p.md")
    assert "Every run" not in (tmp_path / "p.md").read_text() and not (run / "report.html").exists()
    with pytest.raises(UsageError, match=r"--without run-\*: this page has first, runs"):
        render(run, tmp_path / "p.md", without=["run-*"])
    with pytest.raises(SystemExit) as ended:
        main([str(run), "--without", "runs"])
    assert ended.value.code == 2
