"""The data card: every number in it comes from the rows."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, ttest_1samp

from benchmarks import data_card
from benchmarks.harvesting.agreement import ceiling
from benchmarks.harvesting.card import card
from benchmarks.harvesting.rows import PairRow, append
from diswot_errors import DataError, UsageError
from nb201_data.space import distinct_cells, sample

CELLS = [str(cell) for cell in sample(distinct_cells(), 40, 3)]


def _rows(noise: float, cells: int = 40, seeds: int = 1, repeated: int = 0) -> list[PairRow]:
    """True means spread with s.d. 5 around 50, distilled 2 points higher, runs with s.d. `noise`."""
    generator = np.random.default_rng(1)
    means = 50 + 5 * generator.standard_normal(cells)
    rows = []
    for seed in range(seeds):
        for i in range(cells if seed == 0 else repeated):
            alone, distilled = means[i] + noise * generator.standard_normal(2)
            base = PairRow(
                "nb201", CELLS[i], "c16n1k100r16", "cifar100@16", "lite", "resnet56", seed, 12, 0.0, 0.0, 0.0, 0.0, 1.0,
                1.0, 60.0, "CPU", "2.13", "0.1.0", "2026-01-01",
            )  # fmt: skip
            rows.append(replace(base, distilled_top1=float(distilled) + 2, vanilla_top1=float(alone)))
    return rows


def test_noise_and_ceiling_are_recovered() -> None:
    text = card("lite", _rows(2.0, seeds=3, repeated=40), "lite-all", [])
    line = next(
        line for line in text.splitlines() if line.startswith("| vanilla_top1 | 2.") or "| vanilla_top1 | 1." in line
    )
    noise, between, reliability, pearson, spearman, kendall = map(float, re.findall(r"[\d.]+", line.split("top1")[1]))
    assert noise == pytest.approx(2.0, abs=0.3) and between == pytest.approx(5.0, abs=1.2)
    assert reliability == pytest.approx(1 - noise**2 / between**2, abs=0.01)
    assert pearson == pytest.approx(reliability**0.5, abs=0.002)
    assert kendall < spearman < 1


def test_more_noise_lowers_the_ceiling() -> None:
    values = np.linspace(40, 60, 50)
    assert ceiling(values, 4.0) < ceiling(values, 1.0) < (1.0, 1.0)


def test_gains_are_counted() -> None:
    text = card("lite", _rows(0.0), "lite-all", [])
    assert "distillation helps 40 of 40 cells, by 2.00 points on average" in text
    assert "Kendall 1.000 [1.000, 1.000]" in text
    assert "No cell was repeated yet" in text


def test_the_rival_is_compared_on_the_common_cells(reference_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(reference_data))
    rows = _rows(1.0)
    text = card("lite", rows, "lite-all", rows[:12])
    assert "the first 12 cells" in text.replace("\n", " ")
    assert text.count("| lite-all | 12 | 200 |") == 1 and text.count("| lite | 12 | 12 |") == 1


def test_without_the_benchmark_the_card_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
    assert "Not computed:" in card("lite", _rows(1.0), "lite-all", [])


def test_an_empty_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows in"):
        data_card.main(["--table", str(tmp_path / "none.csv")])


def test_a_card_of_another_protocol_or_an_unknown_rival_is_refused(tmp_path: Path) -> None:
    append(tmp_path / "t.csv", _rows(1.0))
    for wrong, message in ((["--protocol", "small"], "holds pairs of the protocol lite"), (["--rival", "no"], "'no'")):
        with pytest.raises(UsageError, match=message):
            data_card.main(["--table", str(tmp_path / "t.csv"), *wrong])
    assert not (tmp_path / "t.md").exists()


def test_the_command_writes_beside_the_table(tmp_path: Path) -> None:
    append(tmp_path / "t.csv", _rows(1.0))
    assert data_card.main(["--table", str(tmp_path / "t.csv")]) == 0
    assert (tmp_path / "t.md").read_text().startswith("# kd-nb201, protocol lite")


def test_another_teacher_and_another_loss_are_sections(tmp_path: Path) -> None:
    rows = _rows(1.0, seeds=2, repeated=12)
    generator = np.random.default_rng(2)
    taught = [replace(row, teacher="resnet20") for row in rows[:20]]
    lost = [replace(row, distiller="review", distilled_top1=float(generator.uniform(30, 60))) for row in rows[:15]]
    append(tmp_path / "kd-nb201-lite.csv", rows)
    append(tmp_path / "kd-nb201-lite-resnet20.csv", taught)
    append(tmp_path / "kd-nb201-lite-review.csv", lost)
    assert data_card.main(["--table", str(tmp_path / "kd-nb201-lite.csv")]) == 0
    text = (tmp_path / "kd-nb201-lite.md").read_text()
    teacher, loss = text.split("## Does the order depend on ")[1:]
    assert teacher.startswith("the teacher?") and loss.startswith("the loss?")
    same = "| 20 | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] |"
    assert f"| kd from resnet56 and kd from resnet20 {same}" in teacher
    assert "the same in 20 of 20 cells" in teacher and "| two seeds of kd from resnet56 | 12 |" in teacher
    ours, theirs = [row.distilled_top1 for row in rows[:15]], [row.distilled_top1 for row in lost]
    found = re.search(r"kd from resnet56 and review from resnet56 \| 15 \| (-?[\d.]+) \[", loss)
    assert found and float(found[1]) == pytest.approx(kendalltau(ours, theirs)[0], abs=5e-4)
    more = np.subtract(theirs, ours)
    low, high = ttest_1samp(more, 0).confidence_interval(0.95)
    level = f"review from resnet56 reach {more.mean():.2f} [{low:.2f}, {high:.2f}] points more than by kd from resnet56"
    assert level in loss and f"more in {(more > 0).sum()} of 15 cells" in loss
    assert "may prefer other students" not in text
    (tmp_path / "kd-nb201-lite-review.csv").unlink()
    assert data_card.main(["--table", str(tmp_path / "kd-nb201-lite.csv")]) == 0
    assert "- One loss: another may prefer" in (tmp_path / "kd-nb201-lite.md").read_text()
    (tmp_path / "kd-nb201-lite-resnet20.csv").unlink()
    assert data_card.main(["--table", str(tmp_path / "kd-nb201-lite.csv")]) == 0
    assert "- One teacher and one loss: another may prefer" in (tmp_path / "kd-nb201-lite.md").read_text()


def test_a_dry_run_of_the_card_says_what_it_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append(tmp_path / "t.csv", _rows(1.0))
    append(tmp_path / "t-review.csv", [replace(row, distiller="review") for row in _rows(1.0, cells=4)])
    assert data_card.main(["--table", str(tmp_path / "t.csv"), "--dry-run"]) == 0
    assert "40 pairs, 4 of review from resnet56" in capsys.readouterr().out and not (tmp_path / "t.md").exists()
