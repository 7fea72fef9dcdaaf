"""The harvest: a fair fixed order, shares, a command that resumes and does nothing twice."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from distill_support import HARVESTED, KD, by_hand, trainer
from tables_support import pair_row

from benchmarks import harvest
from benchmarks.distill.protocols import get_protocol
from benchmarks.engines.local import Local
from benchmarks.harvesting import order, reap, rows, speed
from benchmarks.harvesting.pairs import Recipe
from diswot_errors import DataError, UsageError
from nb201_data.ground_truth import official_cell
from nb201_data.space import Cell


def test_the_order_is_fixed_fair_and_begins_with_the_authors_cells() -> None:
    cells = order.harvest_order()
    assert len(cells) == len(set(cells)) == 9445
    assert all(cell == cell.pruned() for cell in cells)
    assert set(cells[:14]) == {cell.pruned() for cell in order.authors_cells()}  # two of the 15 are the empty cell
    assert Cell(("none",) * 6) in cells[:14]
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
    assert file.read_text().startswith(first) and len(rows.read_rows(file)) == 3
    assert harvest.main([*command, "--cells", "3"]) == 0
    assert "0 runs of tiny to do, 3 done" in capsys.readouterr().out
    row = rows.read_rows(file)[2]
    assert (row.skeleton, row.images, row.epochs) == ("c8n1k4r8", "embedded:4@8", 1)
    alone = trainer("ce", HARVESTED, cell=row.arch)
    assert row.vanilla_loss == pytest.approx(alone.train_epoch().loss, abs=1e-6)
    top1, _, _ = by_hand(alone.student.network, row.images, alone.stream.test)
    assert row.vanilla_top1 == row.vanilla_best == pytest.approx(top1, abs=1e-4)


def test_worker_processes_measure_what_one_process_measures(tiny: Path) -> None:
    jobs = reap.pending([], order.first(2), 1)
    reap.harvest(KD, jobs, tiny / "one.csv", reap.Machine("cpu", Local(1), 1))
    reap.harvest(KD, jobs, tiny / "together.csv", reap.Machine("cpu", Local(1), 2))
    reap.harvest(KD, jobs, tiny / "two.csv", reap.Machine("cpu", Local(2), 1))
    one, together, two = (
        sorted((row.arch, row.distilled_top1, row.vanilla_loss) for row in rows.read_rows(tiny / f"{name}.csv"))
        for name in ("one", "together", "two")
    )
    assert one == together == two


def test_a_missing_teacher_is_told_by_the_workers(tiny: Path) -> None:
    (tiny / "data" / "teachers" / "embedded:4_resnet20.pth").unlink()
    jobs = reap.pending([], order.first(1), 1)
    with pytest.raises(DataError, match="no trained resnet20 for embedded:4"):
        reap.harvest(KD, jobs, tiny / "table.csv", reap.Machine("cpu", Local(2), 1))


def test_repetitions_come_after_all_cells_had_their_first_run() -> None:
    jobs = reap.pending([], order.first(3), 2)
    assert [seed for _, seed in jobs] == [0, 0, 0, 1, 1, 1]


def test_shares_are_disjoint_and_complete() -> None:
    whole = reap.pending([], order.first(10), 1)
    shares = [reap.pending([], order.first(10), 1, (i, 3)) for i in (1, 2, 3)]
    assert sorted((job for share in shares for job in share), key=str) == sorted(whole, key=str)


@pytest.mark.parametrize("share", ["0/2", "3/2", "2", "a/b"])
def test_a_malformed_share_is_refused(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        harvest.main(["--share", share])
    assert f"'{share}': expected I/N" in capsys.readouterr().err


def test_more_cells_than_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are 9445 distinct cells"):
        harvest.main(["--cells", "9446", "--dry-run", "--table", str(tmp_path / "t.csv")])


def test_dry_run_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert harvest.main(["--cells", "5", "--seeds", "2", "--dry-run", "--table", str(tmp_path / "t.csv")]) == 0
    assert "10 runs of lite to do" in capsys.readouterr().out and not (tmp_path / "t.csv").exists()


def test_a_dry_run_merges_nothing_and_knows_another_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = (str(cell) for cell in order.first(2))
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    rows.append(a, [replace(pair_row(x), protocol="lite", teacher="resnet56")])
    rows.append(b, [replace(pair_row(y), protocol="lite", teacher="resnet56")])
    assert harvest.main(["--table", str(a), "--merge", str(b), "--dry-run"]) == 0
    assert f"1 new row for {a}" in capsys.readouterr().out and len(rows.read_rows(a)) == 1
    with pytest.raises(UsageError, match=r"holds pairs of lite \(kd by resnet56\), not of lite \(kd by resnet20\)"):
        harvest.main(["--table", str(a), "--teacher", "resnet20", "--dry-run"])


@pytest.mark.parametrize(
    "given", [["--distiller", "review"], ["--teacher-weights", "t.pth"], ["--teacher", "resnet20"]]
)
def test_runs_alone_have_no_teacher(given: list[str]) -> None:
    with pytest.raises(UsageError, match=f"{given[0]} {given[1]} is about teaching, which --alone leaves out"):
        harvest.main(["--alone", *given, "--dry-run"])


def test_another_teachers_weights_have_a_table_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "t.pth").write_bytes(b"weights")
    digits = hashlib.sha256(b"weights").hexdigest()[:8]
    recipe = Recipe(get_protocol("lite"), "kd", tmp_path / "t.pth")
    assert recipe.teacher == f"resnet56:{digits}"
    assert rows.table_path("lite", "kd", f"resnet56-{digits}").name == f"kd-nb201-lite-resnet56-{digits}.csv"


def test_cells_can_be_trained_alone_into_a_table_of_their_own(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tiny / "alone.csv"
    command = ["--protocol", "tiny", "--workers", "1", "--device", "cpu", "--cells", "1"]
    assert harvest.main([*command, "--alone", "--table", str(file)]) == 0
    assert harvest.main([*command, "--table", str(tiny / "pair.csv")]) == 0
    (alone,), (pair,) = rows.read_rows(file), rows.read_rows(tiny / "pair.csv")
    assert alone.distilled_top1 is None and alone.teacher == "" and pair.distilled_top1 is not None
    assert (alone.vanilla_top1, alone.vanilla_loss) == (pair.vanilla_top1, pair.vanilla_loss)
    assert "cells an hour" in capsys.readouterr().out


def test_training_operations_by_hand() -> None:
    row = replace(pair_row(str(Cell(("none",) * 6))), skeleton="c16n5k10r32", images="embedded:10@16", epochs=2)
    # no cell operation: 7.78304 million multiply-adds; 5,000 images, 2 epochs, a pair, 6 operations each
    assert speed.training_operations(row, per_class=0) == 6 * 7_783_040 * 5_000 * 2 * 2


def test_a_second_harvest_on_a_table_is_told_that_another_is_at_work(tiny: Path) -> None:
    file = tiny / "table.csv"
    command = ["--protocol", "tiny", "--table", str(file), "--workers", "1", "--device", "cpu", "--cells", "1"]
    with rows.growing(file), pytest.raises(DataError, match=r"another harvest is at work on .*table\.csv"):
        harvest.main(command)
    with rows.growing(file), pytest.raises(DataError, match="another harvest"):
        rows.merge(file, [])
    assert harvest.main(command) == 0 and harvest.main(command) == 0
    assert len(file.read_text().splitlines()) == 2
