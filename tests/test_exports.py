"""What lies beside a page: LaTeX, CSV, Parquet, SVG, the comparison and the list of runs, the data dictionary."""

import re
import sys
from dataclasses import fields, replace
from math import sqrt
from pathlib import Path
from xml.etree import ElementTree

import pytest
from files_support import rows_of
from reports_support import HOSTILE, measured_run

from diswot_ending import code_of
from diswot_errors import DataError, UsageError
from reports import exports, load_run
from reports.__main__ import main
from reports.comparing import change, compared
from reports.dictionary import dictionary
from reports.exports import as_latex, in_latex, standalone
from reports.records import TABLES, Page, write_run
from reports.schema import COEFFICIENTS, Column, Estimate, Manifest, Section, Table, Verdict, VerdictKind

ROOT = Path(__file__).parents[1]


def test_latex_sets_what_the_table_says() -> None:
    columns = (Column("name"), Column("rho", "estimate", 2, "ρ"), Column("v", "verdict"))
    text = as_latex(Table(columns, (("[a_b]", Estimate(-0.5, -0.61, -0.4), Verdict(VerdictKind.WORSE)),)))
    assert r"{[}a\_b{]} & $-$0.50 {[}$-$0.61, $-$0.40{]} & worse \\" in text
    assert r"\begin{tabular}{lrl}" in text and r"name & $\rho$ & v \\" in text


@pytest.mark.parametrize("text", [HOSTILE, r"\input{/etc/passwd}", "a & b % c $x$ #1 ~^ {}", "line\nbreak"])
def test_no_text_is_a_command_of_latex(text: str) -> None:
    words = "backslash|asciitilde|asciicircum|less|greater|bar"
    plain = re.sub(rf"\\text(?:{words})\{{\}}|\\[&%$#_{{}}]|\{{[\[\]]\}}", "", in_latex(text))
    assert not re.search(r"[\\&%$#_{}~^\n]", plain)


def test_every_table_and_figure_is_written(tmp_path: Path) -> None:
    write_run(tmp_path / "run", measured_run())
    for name in ("latex", "csv", "svg"):
        assert main([str(tmp_path / "run"), f"--{name}", str(tmp_path / name)]) == 0
    assert {path.stem for path in (tmp_path / "latex").iterdir()} >= {"proxies", "left-out", "glossary", "repeat"}
    rows = rows_of(tmp_path / "csv" / "proxies.csv")
    best = next(row for row in measured_run().correlations if row.proxy == rows[0]["proxy"])
    assert float(rows[0]["spearman"]) == best.spearman.value and rows[0]["verdict"] in ("better", "not-told-apart", "")
    drawings = list((tmp_path / "svg").iterdir())
    assert len(drawings) == 1 + 4 + 5 + 1 + 1
    for path in drawings:
        root = ElementTree.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg" and "var(" not in path.read_text()


def test_figures_for_the_web_follow_light_and_dark(tmp_path: Path) -> None:
    write_run(tmp_path / "run", measured_run())
    assert main([str(tmp_path / "run"), "--svg", str(tmp_path / "svg"), "--web-svg", str(tmp_path / "web")]) == 0
    drawings = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "web").iterdir()}
    assert drawings.keys() == {path.name for path in (tmp_path / "svg").iterdir()}
    assert all(text.count("prefers-color-scheme: dark") == 1 and "var(--ink" in text for text in drawings.values())


def test_a_standalone_drawing_has_colours() -> None:
    assert 'fill="#1f6feb"' in standalone('<svg><rect fill="#040404"/></svg>')


def test_parquet_holds_all_digits_or_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = measured_run()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(UsageError, match=r"pip install 'diswot-bench\[parquet\]'"):
            exports.parquet(run, tmp_path)
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install .[parquet]")
    write_run(tmp_path / "run", run)
    assert main([str(tmp_path / "run"), "--parquet", str(tmp_path / "out")]) == 0
    found = parquet.read_table(tmp_path / "out" / "records.scores.parquet").to_pylist()
    assert [row["value"] for row in found] == [row.value for row in run.scores]
    assert {path.stem for path in (tmp_path / "out").iterdir()} >= {"proxies", "records.truth", "records.correlations"}
    ranked = parquet.read_table(tmp_path / "out" / "proxies.parquet").to_pylist()
    best = next(row for row in run.correlations if row.proxy == ranked[0]["proxy"])
    assert (ranked[0]["spearman"], ranked[0]["spearman_low"]) == (best.spearman.value, best.spearman.low)


def test_columns_of_parquet_have_the_type_of_their_kind(tmp_path: Path) -> None:
    """Also where nothing stands in them, or where a text column holds numbers: files of two runs fit together."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install .[parquet]")
    columns = (
        *(Column("name"), Column("count", "integer"), Column("number", "number")),
        *(Column("rho", "estimate"), Column("v", "verdict"), Column("printed")),
    )
    rows = (("a", None, 1, Estimate(), None, 0.5), ("b", 3, None, None, Verdict(VerdictKind.WORSE, "why"), "x"))
    page = Page("t", sections=(Section("mixed", "Mixed", table=Table(columns, rows)),))
    exports.parquet(replace(measured_run(), page=page, formulas=()), tmp_path)
    table = parquet.read_table(tmp_path / "mixed.parquet")
    kinds = {field.name: str(field.type) for field in table.schema}
    numbers = dict.fromkeys(("number", "rho", "rho_low", "rho_high", "rho_spread"), "double")
    assert kinds == {"count": "int64", **numbers, **dict.fromkeys(("name", "v", "v_detail", "printed"), "string")}
    assert table.to_pydict()["printed"] == ["0.5", "x"] and table.to_pydict()["v"] == [None, "worse"]
    truth = parquet.read_table(tmp_path / "records.correlations.parquet").schema
    assert str(truth.field("scored").type) == "int64" and str(truth.field("kendall_minus_flops_low").type) == "double"


def test_pdf_without_a_browser_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"chromium.* on the PATH; --svg"):
        exports.pdf(measured_run(), tmp_path)


def test_a_run_as_frames(tmp_path: Path) -> None:
    run = measured_run()
    write_run(tmp_path, run)
    found = load_run(tmp_path)
    assert len(found.scores) == len(run.scores) and found.manifest == run.manifest
    assert found.truth.accuracy.tolist() == [row.accuracy for row in run.truth]
    assert found.tables["proxies"].spearman_low.notna().sum() == 4 and set(found.tables) >= {"proxies", "left-out"}


def test_a_change_has_the_interval_of_two_independent_estimates() -> None:
    moved = change(Estimate(0.5, 0.4, 0.55), Estimate(0.8, 0.7, 0.9))
    assert moved.value == pytest.approx(0.3)
    assert moved.low == pytest.approx(0.3 - sqrt(0.1**2 + 0.05**2)) and moved.high == pytest.approx(0.3 + sqrt(0.02))
    assert change(Estimate(), Estimate(0.5)) == Estimate() and change(Estimate(0.5), Estimate(0.5)).low is None


def test_two_runs_beside_one_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = measured_run()
    fallen = {each: Estimate(-0.9, -0.95, -0.85) for each in COEFFICIENTS}
    rows = [replace(row, **fallen) if row.proxy == "good" else row for row in run.correlations if row.proxy != "flat"]
    other = replace(
        run, manifest=replace(run.manifest, images="cifar100", config={"sample": 90}), correlations=tuple(rows)
    )
    for name, one in (("a", run), ("b", other)):
        write_run(tmp_path / name, one)
    made = compared(tmp_path / "a", tmp_path / "b")
    assert made.answer == ("Of 4 proxies in both runs 1 rank otherwise beyond noise: good.", "3 settings differ.")
    assert [section.name for section in made.sections] == ["settings", "compared", "alone"]  # settings first
    assert made.sections[2].table is not None and made.sections[2].table.rows == (("flat", "first"),)
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--html", str(tmp_path / "c.html")]) == 0
    assert "config sample" in (tmp_path / "c.html").read_text()
    same = compared(tmp_path / "a", tmp_path / "a")
    assert same.answer[1] == "All settings are the same." and ": " not in same.answer[0]
    assert (
        code_of(main, ["compare", str(tmp_path / "a"), str(tmp_path / "none")]) == 2
        and "none" in capsys.readouterr().err
    )


def test_all_runs_below_a_folder(tmp_path: Path) -> None:
    write_run(tmp_path / "x" / "one", measured_run())
    (tmp_path / "x" / "one" / "report.html").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("[]")
    assert main(["index", str(tmp_path)]) == 0
    text = (tmp_path / "index.html").read_text()
    assert 'href="x/one/report.html"' in text and "Runs that cannot be read" in text and "does not describe" in text
    assert code_of(main, ["index", str(tmp_path / "x" / "none")]) == 2


def test_the_data_dictionary_is_that_of_the_records() -> None:
    text = dictionary()
    for kind in (Manifest, *TABLES.values()):
        assert all(f"| `{field.name}` |" in text for field in fields(kind))
    assert all(f"| `{kind.value}` |" in text for kind in VerdictKind)
    there = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert there == text, "python -m reports dictionary docs/data.md"
