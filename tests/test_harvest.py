"""The harvest: a fair fixed order, a table that survives anything, shares that merge."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from distill_support import TINY, by_hand, teacher, trainer

from benchmarks import harvest
from benchmarks.distill import order, protocols, speed, table
from benchmarks.distill.table import Row
from diswot_errors import DataError, UsageError
from nb201_data.ground_truth import official_cell
from nb201_data.space import Cell

HARVESTED = replace(TINY, name="tiny", epochs=1)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A protocol of one epoch with a teacher on disk; the folder for tables."""
    monkeypatch.setitem(protocols.PROTOCOLS, "tiny", HARVESTED)
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "data" / "teachers"
    folder.mkdir(parents=True)
    torch.save(teacher().state_dict(), folder / "embedded:4_resnet20.pth")
    yield tmp_path


def _row(arch: str, seed: int = 0, top1: float = 50.0) -> Row:
    return Row(
        "nb201", arch, "c8n1k4r8", "embedded:4@8", "tiny", "resnet20", seed, 1, top1, top1, top1, top1, 1.0, 1.0, 2.0,
        "CPU", "2", "0", "2026-01-01",
    )  # fmt: skip


def test_the_order_is_fixed_fair_and_begins_with_the_authors_cells() -> None:
    cells = order.harvest_order()
    assert len(cells) == len(set(cells)) == 9445
    assert all(cell == cell.pruned() for cell in cells)
    assert set(cells[:14]) == {cell.pruned() for cell in order.authors_cells()}  # two of the 15 are the empty cell
    # after those, any stretch has convolutions like the whole
    mean = sum(cell.count("nor_conv_3x3") for cell in cells) / len(cells)
    first = cells[14:514]
    assert sum(cell.count("nor_conv_3x3") for cell in first) / len(first) == pytest.approx(mean, abs=0.15)


def test_the_authors_cells_are_those_of_their_indices(reference_data: Path) -> None:
    named = [str(official_cell(index)) for index in order.AUTHORS_INDICES]
    assert named == [str(cell) for cell in order.authors_cells()]


def test_a_harvest_resumes_and_does_nothing_twice(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tiny / "table.csv"
    command = ["--protocol", "tiny", "--table", str(file), "--workers", "1", "--device", "cpu"]
    assert harvest.main([*command, "--cells", "2"]) == 0
    first = file.read_text()
    with file.open("a") as out:
        out.write("nb201,|none~0|+|no")  # killed while writing
    assert harvest.main([*command, "--cells", "3"]) == 0
    assert file.read_text().startswith(first) and len(table.read_rows(file)) == 3
    assert harvest.main([*command, "--cells", "3"]) == 0
    assert "0 runs of tiny to do, 3 done" in capsys.readouterr().out
    row = table.read_rows(file)[2]
    assert (row.skeleton, row.images, row.epochs) == ("c8n1k4r8", "embedded:4@8", 1)
    alone = trainer("ce", HARVESTED, cell=row.arch)
    assert row.vanilla_loss == pytest.approx(alone.train_epoch().loss, abs=1e-6)
    top1, _, _ = by_hand(alone.student.network, row.images, alone.stream.test)
    assert row.vanilla_top1 == row.vanilla_best == pytest.approx(top1, abs=1e-4)


def test_worker_processes_measure_what_one_process_measures(tiny: Path) -> None:
    jobs = harvest.pending(HARVESTED, tiny / "none.csv", 2, 1)
    harvest.harvest(HARVESTED, jobs, tiny / "one.csv", "cpu", 1, 1)
    harvest.harvest(HARVESTED, jobs, tiny / "together.csv", "cpu", 1, 2)
    harvest.harvest(HARVESTED, jobs, tiny / "two.csv", "cpu", 2, 1)
    one, together, two = (
        sorted((row.arch, row.distilled_top1, row.vanilla_loss) for row in table.read_rows(tiny / f"{name}.csv"))
        for name in ("one", "together", "two")
    )
    assert one == together == two


def test_a_missing_teacher_is_told_by_the_workers(tiny: Path) -> None:
    (tiny / "data" / "teachers" / "embedded:4_resnet20.pth").unlink()
    jobs = harvest.pending(HARVESTED, tiny / "none.csv", 1, 1)
    with pytest.raises(DataError, match="no trained resnet20 for embedded:4"):
        harvest.harvest(HARVESTED, jobs, tiny / "table.csv", "cpu", 2, 1)


def test_repetitions_come_after_all_cells_had_their_first_run(tmp_path: Path) -> None:
    jobs = harvest.pending(HARVESTED, tmp_path / "none.csv", 3, 2)
    assert [seed for _, seed in jobs] == [0, 0, 0, 1, 1, 1]


def test_shares_are_disjoint_and_complete(tmp_path: Path) -> None:
    whole = harvest.pending(HARVESTED, tmp_path / "none.csv", 10, 1)
    shares = [harvest.pending(HARVESTED, tmp_path / "none.csv", 10, 1, (i, 3)) for i in (1, 2, 3)]
    assert sorted((job for share in shares for job in share), key=str) == sorted(whole, key=str)


@pytest.mark.parametrize("share", ["0/2", "3/2", "2", "a/b"])
def test_a_malformed_share_is_refused(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        harvest.main(["--share", share])
    assert f"'{share}': expected I/N" in capsys.readouterr().err


def test_tables_merge_once_and_contradictions_are_refused(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    table.append(a, [_row("x"), _row("y")])
    table.append(b, [_row("y"), _row("z")])
    assert table.merge(a, [b]) == 1
    assert [row.arch for row in table.read_rows(a)] == ["x", "y", "z"]
    table.append(c, [_row("z", top1=51.0)])
    with pytest.raises(DataError, match="both measured z, seed 0"):
        table.merge(a, [c])
    with pytest.raises(DataError, match="no table at"):
        table.merge(a, [tmp_path / "absent"])


def test_a_malformed_table_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    table.append(file, [_row("x")])
    good = file.read_text()
    file.write_text(good + good.splitlines()[1].replace(",50.0,", ",fifty,", 1) + "\n")
    with pytest.raises(DataError, match=r"table\.csv, line 3: could not convert string to float: 'fifty'"):
        table.read_rows(file)
    file.write_text("a,b\n")
    with pytest.raises(DataError, match="line 1: expected the columns space,arch"):
        table.read_rows(file)


def test_more_cells_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are 9445 distinct cells"):
        harvest.main(["--cells", "9446", "--dry-run", "--table", str(tmp_path / "t.csv")])


def test_dry_run_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert harvest.main(["--cells", "5", "--seeds", "2", "--dry-run", "--table", str(tmp_path / "t.csv")]) == 0
    assert "10 runs of lite to do" in capsys.readouterr().out and not (tmp_path / "t.csv").exists()


def test_the_empty_cell_is_one_of_the_authors() -> None:
    assert Cell(("none",) * 6) in order.harvest_order()[:14]


def test_cells_can_be_trained_alone_into_a_table_of_their_own(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tiny / "alone.csv"
    command = ["--protocol", "tiny", "--workers", "1", "--device", "cpu", "--cells", "1"]
    assert harvest.main([*command, "--alone", "--table", str(file)]) == 0
    assert harvest.main([*command, "--table", str(tiny / "pair.csv")]) == 0
    (alone,), (pair,) = table.read_rows(file), table.read_rows(tiny / "pair.csv")
    assert alone.distilled_top1 is None and alone.teacher == "" and pair.distilled_top1 is not None
    assert (alone.vanilla_top1, alone.vanilla_loss) == (pair.vanilla_top1, pair.vanilla_loss)
    assert "cells an hour" in capsys.readouterr().out
    assert table.table_path("x", alone=True) != table.table_path("x")


def test_training_operations_by_hand() -> None:
    row = replace(_row(str(Cell(("none",) * 6))), skeleton="c16n5k10r32", images="embedded:10@16", epochs=2)
    # no cell operation: 7.78304 million multiply-adds; 5,000 images, 2 epochs, a pair, 6 operations each
    assert speed.training_operations(row, replace(HARVESTED, per_class=0)) == 6 * 7_783_040 * 5_000 * 2 * 2
