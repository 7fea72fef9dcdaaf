"""The S0 table: the authors' networks row by row, exact rows exact, and a page on a machine without data."""

from pathlib import Path

import pytest
from files_support import rows_of
from tables_support import made_up_work, one_process

import diswot_ending
from benchmarks import s0_table
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.statistics.runs import repetition
from benchmarks.tables import beside, groups
from benchmarks.tables.groups import Group
from reports.schema import Estimate, VerdictKind


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("benchmarks.command.opened.score_job", made_up_work)
    monkeypatch.chdir(tmp_path)
    return one_process(tmp_path)


def test_without_the_accuracies_every_number_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "nothing"))
    assert s0_table.main([*arguments, "--dry-run"]) == 0 and not (tmp_path / "out").exists()
    told = capsys.readouterr().out
    assert "Left out: " in told and told.endswith("Nothing is to be scored.\n")
    assert s0_table.main(arguments) == 0
    found = rows_of(tmp_path / "out" / "published.csv")
    assert len(found) == 18 and {row["verdict"] for row in found} == {"not-measured"}
    assert all("fetch distillation" in row["verdict_detail"] for row in found)
    assert "Nothing was measured" in capsys.readouterr().out
    assert "51.61" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_all_64_networks(reference_data: Path, tmp_path: Path, arguments: list[str]) -> None:
    assert s0_table.main([*arguments, "--seeds", "2"]) == 0
    found = {(row["row"], row["column"]): row for row in rows_of(tmp_path / "out" / "published.csv")}
    expected = {"kendall": (51.616, 87.289), "spearman": (72.926, 96.788), "pearson": (76.406, 88.626)}
    for column, (flops, params) in expected.items():
        assert found["FLOPs", column]["verdict"] == "within"
        assert float(found["FLOPs", column]["measured"]) == pytest.approx(flops, abs=1e-3)
        assert float(found["params", column]["measured"]) == pytest.approx(params, abs=1e-3)
    assert found["params", "kendall"]["published"] == "not printed"
    snip = found["SNIP", "kendall"]
    assert snip["verdict"] == "other-setting" and "images embedded:100" in snip["verdict_detail"]
    assert snip["setting"].startswith("s0-plain, gaussian, 192 test images") and snip["seeds"] == "2"
    assert found["DisWOT", "kendall"]["setting"].startswith("s0, gaussian, 128 train images")
    assert found["DisWOT, as diswot_released_s0", "pearson"]["verdict"] == "setting-unknown"
    for family in ("s0-plain", "s0"):
        rows = {row["proxy"] for row in rows_of(tmp_path / "out" / f"family-{family}.csv")}
        assert {"params", "l2_norm", "synflow", "flops", "diswot", "nwot"} <= rows


def test_the_real_images_give_verdicts(reference_data: Path, tmp_path: Path, arguments: list[str]) -> None:
    assert s0_table.main([*arguments, "--seeds", "2", "--images", "cifar100"]) == 0
    found = {(row["row"], row["column"]): row for row in rows_of(tmp_path / "out" / "published.csv")}
    assert {found[name, "kendall"]["verdict"] for name in ("SNIP", "NWOT", "Fisher", "Grad_Norm")} <= {
        "within",
        "outside",
    }


def test_a_changed_published_number_changes_the_verdict_of_the_command(
    reference_data: Path, tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from reports import published
    from reports.printed import table

    changed = table("correlation", "t", "s", "s", "kendall", {"flops: FLOPs": "51.63"})
    monkeypatch.setitem(published.TABLES, "correlation", changed)
    assert s0_table.main([*arguments, "--seeds", "1"]) == 0
    assert rows_of(tmp_path / "out" / "published.csv")[0]["verdict"] == "outside"


def test_a_part_of_the_networks_is_another_setting(reference_data: Path, tmp_path: Path, arguments: list[str]) -> None:
    assert s0_table.main([*arguments, "--sample", "12", "--batch-size", "4", "--seeds", "1"]) == 0
    found = {(row["row"], row["column"]): row for row in rows_of(tmp_path / "out" / "published.csv")}
    assert "12 of 64 networks" in found["FLOPs", "kendall"]["verdict_detail"]
    assert "--seeds" in found["NWOT", "kendall"]["verdict_detail"]  # one seed has no interval


def test_images_asked_for_by_name_must_be_there(
    reference_data: Path, tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "distillation").symlink_to(reference_data / "distillation")
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    with pytest.raises(SystemExit) as ended:
        diswot_ending.run(lambda _: s0_table.main([*arguments, "--images", "cifar100"]))
    assert ended.value.code == 1


def test_a_repetition_is_wider_than_the_mean() -> None:
    """mean +- t s sqrt(1/k + 1/m) with t_(.975, 2) = 4.3027."""
    found = repetition(Estimate(50.0, spread=2.0), 3, 10)
    assert found.high == pytest.approx(50 + 4.30265 * 2 * (1 / 3 + 1 / 10) ** 0.5, abs=1e-4)
    assert found.low == pytest.approx(100 - (found.high or 0))
    assert repetition(Estimate(50.0), 1, 10).low is None
    wide = repetition(Estimate(50.0, spread=60.0), 2, 1)
    assert (wide.low, wide.high) == (-100.0, 100.0)


def test_published_beside_a_correlation_run(reference_data: Path) -> None:
    import argparse

    options = argparse.Namespace(
        **{"sample": "all", "sample_seed": 0, "batch_size": None, "split": None, "images": "embedded", "seeds": 2},
        **{"teacher": "resnet20", "teacher_weights": None, "device": "cpu", "precision": "fp32"},
    )
    study = groups.study_of(options, "s0", "s0:kd", Group((), 64, "train"))
    (section,) = beside.published_on(Measured(Ask(study, ()), {}))
    assert section.table is not None
    kinds = [row[7].kind for row in section.table.rows[:4]]  # type: ignore[union-attr]
    assert kinds == [VerdictKind.WITHIN] * 3 + [VerdictKind.NOT_MEASURED]
    other = groups.study_of(options, None, "s0:vanilla", Group((), 64, "train"))
    assert beside.published_on(Measured(Ask(other, ()), {})) == []


def test_the_correlation_command_shows_the_published_table_on_s0(
    reference_data: Path, tmp_path: Path, arguments: list[str]
) -> None:
    from benchmarks import correlation

    assert correlation.main([*arguments, "--space", "s0", "--proxies", "nwot,snip,diswot", "--seeds", "2"]) == 0
    found = {(row["row"], row["column"]): row for row in rows_of(tmp_path / "out" / "published.csv")}
    assert found["FLOPs", "pearson"]["verdict"] == "within"
    assert "networks with residual connections" in found["NWOT", "kendall"]["verdict_detail"]
    assert found["Fisher", "kendall"]["verdict_detail"] == "not among the proxies of this run"
    assert found["params", "kendall"]["published"] == "not printed"
    assert "Published setting" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
