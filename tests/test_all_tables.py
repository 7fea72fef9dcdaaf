"""All tables on one page: what the first paragraph says, what is missing, how it ends."""

from dataclasses import replace
from pathlib import Path

import pytest
from files_support import rows_of
from reports_support import MANIFEST
from tables_support import made_up_work, write_own_truth

import diswot_ending
from benchmarks import all_tables
from benchmarks.tables import parts, together
from diswot_errors import UsageError
from reports.published import published
from reports.records import Page, Run, read_run
from reports.schema import Claim, Column, Estimate, Section, Table, Verdict, VerdictKind
from reports.summary import first_paragraph
from reports.verdicts import Counterpart, comparison, section


def run_with(value: float) -> Run:
    """A part that measured FLOPs' Kendall, and one claim."""
    measured = {("flops", "kendall"): Counterpart(Estimate(value, value, value), 64, 1, "S0")}
    paper = published("correlation")
    compared = section("published", paper, comparison(paper, measured, "needs data"))
    claimed = Section("verdicts", "Verdicts", claims=(Claim("a claim", Verdict(VerdictKind.OPEN, "noise")),))
    return Run(replace(MANIFEST), page=Page("t", sections=(compared, claimed)))


def test_the_first_paragraph_says_what_reproduces_and_what_does_not() -> None:
    good, bad = (first_paragraph({"S0": run_with(value)}, {}) for value in (51.616, 60.0))
    assert good[0].startswith("Of 1 comparison with published numbers under the published settings (a number may meet ")
    assert "(S0: FLOPs kendall) and 0 do not" in good[0] and "17 were not measured" in good[0]
    assert "0 agree and 1 do not (S0: FLOPs kendall)" in bad[0]
    assert good[1] == "S0, 1 claim: 1 open."
    assert "checks of the printed numbers against one another" in good[2]


def test_claims_that_were_decided_are_named_where_they_are_few() -> None:
    kinds = (VerdictKind.HOLDS, VerdictKind.FAILS, VerdictKind.OPEN, *[VerdictKind.BETTER] * 4)
    made = tuple(Claim(name, Verdict(kind)) for name, kind in zip(("one", "two", "three", *"mmmm"), kinds, strict=True))
    run = Run(MANIFEST, page=Page("t", sections=(Section("a", "A", claims=made),)))
    assert first_paragraph({"T": run}, {})[1] == "T, 7 claims: 1 holds (one), 4 better, 1 fails (two), 1 open."


def test_a_long_table_stays_in_its_file() -> None:
    part = parts.PARTS[0]
    rows = tuple((str(i),) for i in range(together.LONG + 1))
    tables = {"x": Table((Column("a"),), rows), "y": Table((Column("a"),), rows[1:])}
    page = Page("t", sections=tuple(Section(name, name, table=table) for name, table in tables.items()))
    _, long, short = together.sections_of(part, Run(MANIFEST, page=page), "")
    assert long.table is None and long.note == "201 rows, in s0-table/x.csv." and long.level == 3
    assert short.table is not None and short.name == "s0-table-y"


def test_without_measurements_nothing_is_confirmed_or_refuted() -> None:
    lines = first_paragraph({}, {"rank_table": "needs data"})
    assert "confirms and refutes none" in lines[0] and lines[-1] == "rank_table was not made: needs data"


def test_parts_are_chosen_by_name() -> None:
    assert [part.command for part in parts.chosen("rank_table, best_student", "")] == [
        "rank_table",
        "best_student",
    ]
    assert "search_table" not in [part.command for part in parts.chosen(None, "search_table")]
    for only, skip in (("rank", ""), (None, "rank"), ("rank_table", "rank_table")):
        with pytest.raises(UsageError):
            parts.chosen(only, skip)


def test_what_is_said_of_scores_reaches_every_part() -> None:
    said = ["--no-tables", "--together", "3", "--time-limit", "7.0", "--memory-limit", "2.0", "--store", "s.sqlite"]
    for options, there in ((all_tables._parser().parse_args(said), True), (all_tables._parser().parse_args([]), False)):
        for part in parts.chosen("s0_table,init_ablation,search_table", ""):
            given = " ".join(part.arguments(options))
            assert all(word in given for word in said) == there and ("--no-tables" in given) == there


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("benchmarks.command.opened.score_job", made_up_work)
    monkeypatch.setattr("nb201_data.truth.measured.TABLES", tmp_path / "tables")
    monkeypatch.setattr("benchmarks.tables.rank.TABLES", 20)
    monkeypatch.setattr("benchmarks.scoring.measured.RESAMPLES", 50)
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "nothing"))
    write_own_truth(tmp_path / "tables", cells=12)
    start = ["--out", str(tmp_path / "out"), "--store", str(tmp_path / "s.sqlite"), "--workers", "1", "--replace"]
    return [*start, "--device", "cpu", "--seeds", "1"]


def test_a_fresh_machine(tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Own accuracies, no other data: every table is on the page, and what cannot be measured says what it needs."""
    only = "s0_table,rank_table,metric_ablation,best_student,search_table"
    assert all_tables.main([*arguments, "--only", only]) == 0
    out = capsys.readouterr().out
    assert "search_table ... not made:" in out and "search_table was not made:" in out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for title in ("Correlation comparison on S0", "Different metrics", "Search (Table 8)", "Rank table"):
        assert title in page
    assert "nb201_data fetch distillation" in page and "Made on cpu" not in page and "Made on CPU" in page
    run = read_run(tmp_path / "out")
    assert run.page is not None and run.page.lead[0].startswith("No published number was measured under its published")
    assert "setting that nobody could recover" in run.page.lead[0]
    names = [each.name for each in run.page.sections]
    assert {"s0-table-published", "rank-table-spreads", "best-student-verdicts", "contradictions"} <= set(names)
    assert len(rows_of(tmp_path / "out" / "s0-table-published.csv")) == 18
    assert (tmp_path / "out" / "metric-ablation" / "report.html").is_file()
    assert set(run.manifest.config) == set(only.split(",")) - {"search_table"}


def test_when_nothing_can_be_made_it_fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        diswot_ending.run(lambda _: all_tables.main([*arguments, "--only", "search_table"]))
    assert ended.value.code == 1 and "no table could be made" in capsys.readouterr().err


def test_wrong_use_of_a_part_is_wrong_use(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        diswot_ending.run(lambda _: all_tables.main([*arguments, "--only", "metric_ablation", "--images", "nothing"]))
    assert ended.value.code == 2
