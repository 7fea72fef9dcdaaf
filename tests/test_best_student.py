"""The claim about the best student, and how often noise alone would make it."""

import json
from pathlib import Path

import numpy as np
import pytest
from files_support import rows_of

from benchmarks import best_student
from benchmarks.statistics.noise import pooled
from benchmarks.statistics.same_order import (
    SameOrder,
    disagreement,
    regret_of_alone,
    residual_noise,
    same_order,
)
from benchmarks.tables.one_order import Level, judged, load_case
from diswot_errors import UsageError

rng = np.random.default_rng(1)
QUALITY = np.sort(rng.normal(60, 3, 50))


def test_two_networks_swap_as_often_as_the_normal_law_says() -> None:
    """With a gap d at the top and noise s in both columns, each names the wrong one with p = Phi(-d / (s sqrt 2))."""
    columns = np.array([0.0, 50.0, 51.0])
    made = same_order(columns, columns, 0.5, 0.5, draws=20_000)
    p = 0.0786  # Phi(-1 / (0.5 sqrt 2)) = Phi(-sqrt 2)
    assert made.swap == pytest.approx(2 * p * (1 - p), abs=0.01)


def test_without_noise_one_order_never_swaps() -> None:
    made = same_order(QUALITY, 2 * QUALITY - 50, 1e-6, 1e-6, draws=200)
    assert (made.swap, made.regret, made.kendall) == (0.0, 1.0, 1.0), "a regret of 0 or more is always there"


def test_more_noise_makes_more_swaps_and_less_agreement() -> None:
    low, high = (same_order(QUALITY, QUALITY, s, s, draws=1000) for s in (0.1, 2.0))
    assert low.swap < high.swap and low.kendall > high.kendall


def test_a_true_reversal_is_beyond_noise() -> None:
    reversed_order = QUALITY[::-1].copy()
    made = same_order(QUALITY, reversed_order, 0.2, 0.2, draws=500)
    assert regret_of_alone(QUALITY, reversed_order) == np.ptp(QUALITY)
    assert made.regret == 0.0


def test_the_null_model_gives_back_the_noise_that_made_the_columns() -> None:
    noise = 0.4
    alone, distilled = QUALITY + noise * rng.normal(size=50), 5 + 1.5 * QUALITY + noise * rng.normal(size=50)
    assert residual_noise(alone, distilled) == pytest.approx(noise, rel=0.25)


def test_draws_repeat_to_the_bit() -> None:
    first, second = (same_order(QUALITY, QUALITY, 1.0, 1.0, draws=700, seed=3) for _ in range(2))
    assert first == second
    assert first != same_order(QUALITY, QUALITY, 1.0, 1.0, draws=700, seed=4)


def test_noise_of_repeated_runs_is_the_pooled_deviation() -> None:
    noise = pooled([[1.0, 3.0], [10.0, 12.0, 14.0], [5.0]])
    assert noise is not None and noise.deviation == pytest.approx(np.sqrt((2 + 8) / 3))
    assert pooled([[1.0], [2.0]]) is None


def test_disagreement_of_two_runs() -> None:
    runs = {"a": {0: 9.0, 1: 1.0, 2: 9.0}, "b": {0: 5.0, 1: 5.0, 2: 5.0, 3: 9.0}}
    assert disagreement(runs) == pytest.approx(2 / 3)
    assert disagreement({"a": {0: 1.0}, "b": {0: 2.0}}) is None


@pytest.mark.parametrize(
    ("alone", "distilled", "message"),
    [([1.0, 2.0], [1.0, 2.0], "3 or more"), ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], "equal")],
)
def test_columns_without_an_order_are_refused(alone: list[float], distilled: list[float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        same_order(alone, distilled, 0.1, 0.1)


@pytest.mark.parametrize(
    ("regret", "found", "kind", "detail"),
    [
        (0.0, [("assumed", 0.9, 0.9)], "fails", "one network"),
        (0.4, [("assumed", 0.7, 0.3), ("largest", 0.8, 0.5)], "open", "noise alone swaps in 70 %"),
        (0.4, [("assumed", 0.7, 0.01), ("largest", 0.8, 0.5)], "open", "beyond the assumed"),
        (0.4, [("assumed", 0.7, 0.01), ("largest", 0.8, 0.04)], "holds", "beyond noise"),
        (0.4, [("repeated runs", 0.7, 0.01)], "holds", "beyond noise"),
    ],
)
def test_verdicts(regret: float, found: list[tuple[str, float, float]], kind: str, detail: str) -> None:
    levels = [Level(source, (0.2, 0.2), SameOrder(swap, rare, 0.9)) for source, swap, rare in found]
    verdict = judged(regret, levels)
    assert verdict.kind == kind and detail in verdict.detail


def test_a_fresh_machine_gets_a_page_that_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("nb201_data.truth.measured.TABLES", tmp_path / "tables")
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "nothing"))
    assert best_student.main(["--out", str(tmp_path / "out"), "--draws", "50"]) == 0
    found = rows_of(tmp_path / "out" / "best-student.csv")
    assert len(found) == 8 and {row["verdict"] for row in found} == {"not-measured"}
    why = [row["verdict_detail"] for row in found]
    assert sum("fetch distillation" in text for text in why) == 7 and "harvest" in why[0]
    assert "fetch distillation" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "not measured" in capsys.readouterr().out


def test_published_tables(reference_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nb201_data.truth.measured.TABLES", tmp_path / "tables")
    assert best_student.main(["--out", str(tmp_path / "out"), "--draws", "400"]) == 0
    found = {(row["truth"], row["noise_from"]): row for row in rows_of(tmp_path / "out" / "best-student.csv")}
    s0 = found["s0", "assumed"]
    assert (s0["best_alone"], s0["best_distilled"], s0["n"]) == ("777", "557", "64")
    assert float(s0["regret"]) == pytest.approx(0.42)
    assert s0["verdict"] == "open" and "noise alone swaps in" in s0["verdict_detail"]
    assert found["vit:pit:flowers", "assumed"]["verdict"] == "fails"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["config"]["draws"] == 400 and manifest["versions"]["numpy"]


def test_repeated_runs_of_ones_own_table(tmp_path: Path) -> None:
    arch = "|nor_conv_3x3~0|+|none~0|none~1|+|{}~0|{}~1|{}~2|"
    names = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
    lines = ["space,arch,accuracy,seed,images,split,epochs,teacher,protocol,skeleton"]
    for i, a in enumerate(names):
        for j, b in enumerate(names):
            for seed in range(2):
                accuracy = 50 + 2 * i + j / 2 + seed / 10
                lines.append(f"nb201,{arch.format(a, b, b)},{accuracy},{seed},cifar100,test,1,,mine,c16n5k100r32")
    for file in ("a.csv", "b.csv"):
        (tmp_path / file).write_text("\n".join(lines), encoding="utf-8")
    case = load_case(str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))
    repeated = case.repeated()
    assert repeated and repeated[0] == pytest.approx(0.1 / np.sqrt(2)) and set(case.runs()) == {2}


def test_a_noise_that_is_no_noise_is_wrong_use() -> None:
    with pytest.raises((UsageError, SystemExit)) as error:
        best_student.main(["--noise", "-1"])
    assert getattr(error.value, "exit_code", getattr(error.value, "code", None)) == 2
