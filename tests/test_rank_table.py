"""The rank table: small samples against an independent reference, and the command on what data there are."""

from pathlib import Path

import numpy as np
import pytest
from files_support import rows_of
from scipy.stats import spearmanr
from tables_support import made_up_work, one_process, write_own_truth

from benchmarks import rank_table
from benchmarks.statistics.small_samples import _spearman, small_samples
from benchmarks.tables import rank
from diswot_errors import UsageError

rng = np.random.default_rng(0)


def test_spearman_of_rows_is_that_of_scipy_with_ties_and_gaps() -> None:
    x, y = rng.integers(0, 6, (4, 30)).astype(float), rng.integers(0, 4, (4, 30)).astype(float)
    assert _spearman(x, y) == pytest.approx([spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)])
    y[:, ::5] = np.nan
    keep = np.isfinite(y[0])
    assert _spearman(x, y) == pytest.approx([spearmanr(a[keep], b[keep]).statistic for a, b in zip(x, y, strict=True)])
    assert len(_spearman(np.ones((2, 5)), np.arange(10.0).reshape(2, 5))) == 0


def test_the_spread_of_fifty_cells_is_the_known_one() -> None:
    """(1 - rho^2) / sqrt(n - 1) for a normal pair."""
    rho = 0.6
    x = rng.normal(size=4000)
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=4000)
    found = small_samples(x, {"y": y}, tables=150)["y"]
    true = spearmanr(x, y).statistic
    assert found.mean.value == pytest.approx(true, abs=0.03)
    assert found.spread.value == pytest.approx((1 - true**2) / 7, rel=0.2)
    assert found.mean.low is not None and found.mean.high is not None
    assert found.mean.low < true < found.mean.high
    assert found.mean.high - found.mean.low == pytest.approx(2 * 1.96 * found.spread.value / np.sqrt(10), rel=0.35)


def test_small_samples_repeat_and_are_paired() -> None:
    x = rng.normal(size=60)
    first, second = (small_samples(x, {"a": x, "b": -x}, tables=20, seed=1) for _ in range(2))
    assert first == second
    assert first["a"].mean.value == pytest.approx(1.0) and first["b"].mean.value == pytest.approx(-1.0)
    gone = small_samples(x, {"a": np.full(60, np.nan)}, tables=20)["a"]
    assert gone.mean.value is None


def test_what_is_no_sample_is_refused() -> None:
    with pytest.raises(UsageError, match="same 3 or more"):
        small_samples([1.0, 2.0, 3.0], {"a": [1.0, 2.0]})
    with pytest.raises(UsageError, match="repeats"):
        small_samples([1.0, 2.0, 3.0], {"a": [1.0, 2.0, 3.0]}, repeats=1)


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("benchmarks.command.opened.score_job", made_up_work)
    monkeypatch.setattr("nb201_data.truth.measured.TABLES", tmp_path / "tables")
    monkeypatch.setattr(rank, "TABLES", 30)
    write_own_truth(tmp_path / "tables")
    return one_process(tmp_path)


def test_a_fresh_machine(
    tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Own accuracies are there, the benchmark's are not: the published numbers say what they need."""
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "nothing"))
    assert rank_table.main(arguments) == 0
    found = rows_of(tmp_path / "out" / "published.csv")
    assert len(found) == 16 and {row["verdict"] for row in found} == {"not-measured"}
    assert all("nb201_data" in row["verdict_detail"] for row in found)
    assert {row["verdict"] for row in rows_of(tmp_path / "out" / "spreads.csv")} == {"not-measured"}
    for place in (1, 2):
        rows = rows_of(tmp_path / "out" / f"truth-{place}.csv")
        assert {"params", "flops", "l2_norm", "diswot", "kd", "kd_released"} <= {row["proxy"] for row in rows}
        assert {row["scored"] for row in rows} == {"16"}
    assert "kd-nb201:lite:distilled" in (out := capsys.readouterr().out) and "kd-nb201:lite:vanilla" in out


def test_nothing_at_hand(tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "nothing"))
    monkeypatch.setattr("nb201_data.truth.measured.TABLES", tmp_path / "none")
    assert rank_table.main(arguments) == 0
    assert {row["verdict"] for row in rows_of(tmp_path / "out" / "published.csv")} == {"not-measured"}


def test_the_benchmark(reference_data: Path, tmp_path: Path, arguments: list[str]) -> None:
    assert rank_table.main([*arguments, "--sample", "20"]) == 0
    found = {row["row"]: row for row in rows_of(tmp_path / "out" / "published.csv")}
    assert found["KD"]["setting"].startswith("kd_released: nb201, default, 64 train images of embedded:10")
    assert found["KD, as plain kd"]["setting"].startswith("kd: nb201")
    assert found["DisWOT"]["setting"].startswith("diswot_released: nb201, gaussian")
    assert found["SNIP"]["setting"].startswith("snip: nb201, gaussian, 192 train images")
    assert found["params"]["published"] == "not printed"
    assert all(row["verdict"] == "other-setting" for name, row in found.items() if row["verdict"])
    assert found["DisWOT"]["n"] == "20" and found["DisWOT"]["published"] == "72.36±.02"
    spreads = {row["row"]: row for row in rows_of(tmp_path / "out" / "spreads.csv")}
    assert spreads["DisWOT"]["repeats"] == "5" and float(spreads["SNIP"]["sampling"]) > 0
