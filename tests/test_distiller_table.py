"""The table of distillers: published gains, paired differences, the protocol that fits, the command."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distill_support import CELL, TINY
from files_support import rows_of
from scipy.stats import ttest_rel

import diswot_ending
from benchmarks import distiller_table
from benchmarks.distill import budget, jobs
from benchmarks.distill.protocols import on_images
from benchmarks.distill.trainer import EpochResult
from benchmarks.tables import distillers
from nb201_data.networks import build_resnet

OTHER = "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"


def test_published_gains_are_differences_of_what_is_printed() -> None:
    number = distillers.published_gain("resnet34", "diswot")
    assert number is not None and number.value == pytest.approx(72.08 - 70.66) and number.step == pytest.approx(0.02)
    assert "training recipe" in number.unknown
    assert distillers.published_gain("resnet34", "kd") is None
    assert distillers.published_gain("resnet34", "review") is None  # printed with ResNet50 alone
    assert distillers.published_gain("resnet50", "review") is not None


def test_paired_differences_have_the_t_interval_of_scipy() -> None:
    first, second = [70.1, 70.9, 69.8, 70.4], [69.0, 70.5, 69.9, 69.2]
    found, expected = distillers.paired(first, second), ttest_rel(first, second).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.value == pytest.approx(np.mean(np.subtract(first, second)))
    assert distillers.paired([1.0], [0.5]).low is None


def test_claims_need_an_interval_that_leaves_zero_out() -> None:
    top1 = {
        "ce": [50.0, 50.1, 50.2],
        "kd": [60.0, 60.1, 59.9],
        "diswot+": [58.0, 58.1, 58.0],
        "fitnet": [58.5, 57.5, 58.0],
    }
    kinds = {each.claim: each.verdict.kind for each in distillers.claims("net", top1)}
    assert kinds == {
        "net: diswot+ against ce": "better",
        "net: diswot+ against kd": "worse",
        "net: diswot+ against fitnet": "open",
    }


def test_a_teacher_worse_than_its_student_leaves_a_claim_open() -> None:
    def runs(top1: float) -> list[list[EpochResult]]:
        return [[EpochResult(1, 1.0, top1 + seed / 10, 90.0, 1.0, 2.0)] for seed in range(3)]

    plan = jobs.distillation(CELL, "kd,eskd,diswot", 3, None, TINY, "cpu")
    histories = {"kd": runs(34.0), "eskd": runs(18.0), "diswot": runs(34.5)}
    section = distillers.student_section(plan, histories, {"kd": 68.8, "eskd": 17.5, "diswot": 68.8}, 1)
    of_kd, of_eskd = section.claims
    assert of_kd.verdict.kind == "better"
    assert of_eskd.verdict.kind == "open"
    assert of_eskd.verdict.detail.startswith("eskd: its teacher, 17.50 %, is worse than its student, 18.10 %")
    rows = {row[0]: dict(zip((c.name for c in section.table.columns), row, strict=True)) for row in section.table.rows}
    assert rows["eskd"]["teacher_top1"] == 17.5 and "worse than its student" in rows["eskd"]["verdict"].detail
    assert "worse" not in rows["diswot"]["verdict"].detail


def test_images_keep_the_resolution_of_the_protocol() -> None:
    lite = next(each for each in budget.LADDER if each.name == "lite")
    assert on_images(lite, "embedded").images == "embedded@16"
    assert on_images(lite, "cifar10@8").images == "cifar10@8"
    assert on_images(budget.LADDER[0], "cifar10").images == "cifar10"
    assert on_images(lite, None) == lite


def test_multiply_adds_of_the_runs() -> None:
    """kd: 3 passes of the student over the training images of each epoch, one over the test images; the teacher once
    to learn (3), once to answer, once over the test images; no second answer for a second student."""
    protocol = replace(TINY, images="embedded:4@8", per_class=32, epochs=3)
    plan = jobs.distillation(CELL, "kd", 2, None, protocol, "cpu")
    student = budget.macs(jobs.student_of(plan).build(), 8)
    teacher = budget.macs(build_resnet("resnet20", 4), 32)
    from nb201_data.images import load_images

    tests = len(load_images("embedded:4@8").test_y)
    runs = 2 * student * (3 * 3 * 128 + 3 * tests)
    prepared = teacher * (3 * 128 * (3 + 1) + tests)
    assert budget.multiply_adds([plan]) == pytest.approx(runs + prepared)
    assert budget.multiply_adds([plan, plan]) == pytest.approx(2 * runs + prepared)
    assert budget.macs(build_resnet("resnet20", 10), 32) == pytest.approx(40.8e6, rel=0.02)


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    long, short = replace(TINY, name="long", epochs=10_000_000), replace(TINY, epochs=1)
    monkeypatch.setattr(budget, "LADDER", (long, short))
    return [
        *("--images", "embedded:4", "--student", CELL, "--student", OTHER, "--distiller", "kd,diswot+"),
        *("--seeds", "2", "--device", "cpu", "--workers", "1", "--out", str(tmp_path / "out")),
    ]


def test_the_command(tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert distiller_table.main(arguments) == 0
    first = capsys.readouterr().out
    assert "Protocol tiny, the longest that fits into --minutes 20" in first
    assert first.count("teacher-resnet20: epoch 1/1") == 1  # both students have one teacher
    rows = {row["distiller"]: row for row in rows_of(tmp_path / "out" / "student-1.csv")}
    assert set(rows) == {"kd", "diswot+"} and rows["kd"]["gain"] == "" and rows["diswot+"]["gain_low"] != ""
    sections = json.loads((tmp_path / "out" / "sections.json").read_text(encoding="utf-8"))["sections"]
    assert [each["claims"][0]["claim"].split(": ")[-1] for each in sections] == ["diswot+ against kd"] * 2
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["command"][-2:] == ["--protocol", "tiny"] and "painted" in manifest["notes"][1]["text"]
    assert distiller_table.main(arguments) == 0  # what was begun goes on under its protocol: nothing is trained
    second = capsys.readouterr().out
    assert "Protocol tiny:" in second and "epoch 1/1" not in second


def test_a_dry_run_trains_nothing(tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert distiller_table.main([*arguments, "--dry-run", "--minutes", "1"]) == 0
    assert "about" in capsys.readouterr().out and not (tmp_path / "out").exists()


def test_an_unknown_protocol_is_wrong_use(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        diswot_ending.run(lambda _: distiller_table.main([*arguments, "--protocol", "nothing"]))
    assert ended.value.code == 2 and "unknown protocol 'nothing'. Expected one of" in capsys.readouterr().err
