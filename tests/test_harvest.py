"""The harvest: a fair fixed order, a table that survives anything, shares that merge."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from distill_support import TINY, by_hand, teacher, trainer

from benchmarks import harvest
from benchmarks.distill import protocols
from benchmarks.distill.trainer import Trainer
from benchmarks.engines import provenance
from benchmarks.engines.local import Local
from benchmarks.harvesting import order, reap, rows, speed
from benchmarks.harvesting import pairs as pairs_module
from benchmarks.harvesting.pairs import PairTrainer, Recipe, lone_runs
from benchmarks.harvesting.rows import PairRow
from diswot_errors import DataError, UsageError
from nb201_data.ground_truth import load_ground_truth, official_cell
from nb201_data.networks import build_resnet
from nb201_data.space import Cell
from nb201_data.truth import measured

HARVESTED = replace(TINY, name="tiny", epochs=1)
KD = Recipe(HARVESTED, "kd")


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


def _row(arch: str, seed: int = 0, top1: float = 50.0) -> PairRow:
    return PairRow(
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
    jobs = reap.pending([], 2, 1)
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
    jobs = reap.pending([], 1, 1)
    with pytest.raises(DataError, match="no trained resnet20 for embedded:4"):
        reap.harvest(KD, jobs, tiny / "table.csv", reap.Machine("cpu", Local(2), 1))


def test_repetitions_come_after_all_cells_had_their_first_run() -> None:
    jobs = reap.pending([], 3, 2)
    assert [seed for _, seed in jobs] == [0, 0, 0, 1, 1, 1]


def test_shares_are_disjoint_and_complete() -> None:
    whole = reap.pending([], 10, 1)
    shares = [reap.pending([], 10, 1, (i, 3)) for i in (1, 2, 3)]
    assert sorted((job for share in shares for job in share), key=str) == sorted(whole, key=str)


@pytest.mark.parametrize("share", ["0/2", "3/2", "2", "a/b"])
def test_a_malformed_share_is_refused(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        harvest.main(["--share", share])
    assert f"'{share}': expected I/N" in capsys.readouterr().err


def test_tables_merge_once_and_contradictions_are_refused(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    rows.append(a, [_row("x"), _row("y")])
    rows.append(b, [_row("y"), _row("z")])
    assert rows.merge(a, [b]) == 1
    assert [row.arch for row in rows.read_rows(a)] == ["x", "y", "z"]
    rows.append(c, [_row("z", top1=51.0)])
    with pytest.raises(DataError, match="both measured z, seed 0"):
        rows.merge(a, [c])
    with pytest.raises(DataError, match="no table at"):
        rows.merge(a, [tmp_path / "absent"])


def test_a_malformed_table_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    rows.append(file, [_row("x")])
    good = file.read_text()
    file.write_text(good + good.splitlines()[1].replace(",50.0,", ",fifty,", 1) + "\n")
    with pytest.raises(DataError, match=r"table\.csv, line 3, column 'distilled_top1': 'fifty', expected a number"):
        rows.read_rows(file)
    file.write_text("a,b\n")
    with pytest.raises(DataError, match="line 1: unknown column 'a'"):
        rows.read_rows(file)


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
    (alone,), (pair,) = rows.read_rows(file), rows.read_rows(tiny / "pair.csv")
    assert alone.distilled_top1 is None and alone.teacher == "" and pair.distilled_top1 is not None
    assert (alone.vanilla_top1, alone.vanilla_loss) == (pair.vanilla_top1, pair.vanilla_loss)
    assert "cells an hour" in capsys.readouterr().out


def test_training_operations_by_hand() -> None:
    row = replace(_row(str(Cell(("none",) * 6))), skeleton="c16n5k10r32", images="embedded:10@16", epochs=2)
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


def test_rows_that_two_harvests_wrote_are_there_once_unless_they_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "table.csv"
    slower = replace(_row("x"), seconds=9.0, date="2026-01-02")
    rows.append(file, [_row("x"), _row("y"), slower, _row("z")])
    assert [row.arch for row in rows.read_rows(file)] == ["x", "y", "z"]
    with rows.growing(file) as found:
        assert [row.arch for row in found] == ["x", "y", "z"] and found[0].seconds == 2.0
    assert file.read_text().count("\n") == 4 and "1 rows were there twice" in capsys.readouterr().out
    rows.append(file, [_row("x", top1=51.0)])
    with pytest.raises(DataError, match=r"line 5, column 'arch': x, seed 0 is there already.*delete the wrong row"):
        rows.read_rows(file)


def test_a_table_cut_anywhere_is_healed(tmp_path: Path) -> None:
    file, distilled = tmp_path / "table.csv", replace(_row("x"), distiller="review")
    for row in (_row("x"), distilled):
        file.unlink(missing_ok=True)
        rows.append(file, [row, replace(row, arch="y")])
        whole = file.read_bytes()
        for length in range(0, len(whole), 7):
            file.write_bytes(whole[:length])
            there = {each.arch for each in rows.read_rows(file)}
            assert there == {arch for arch, end in (("x", 2), ("y", 3)) if whole[:length].count(b"\n") >= end}
            rows.append(file, [each for each in (row, replace(row, arch="y")) if each.arch not in there])
            assert file.read_bytes() == whole


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe\x00table", "byte 1 is not UTF-8"),
        (b"no table at all", "unknown column 'no table at all'"),
        (",".join(rows.PLAIN).encode() + b"\n" + b"x" * 200_000 + b"\n", "field larger than field limit"),
    ],
)
def test_a_file_of_another_kind_is_one_message_and_stays(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message), rows.growing(file):
        pass
    assert file.read_bytes() == content


def test_a_full_disk_leaves_the_table_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "table.csv"
    rows.append(file, [_row("x")])
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(DataError, match=r"cannot write .*table\.csv: No space left on device; free some space"):
            rows.append(file, [_row("y")])
    assert file.read_bytes() == before


def test_another_teacher_and_another_distiller_have_tables_of_their_own(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rows, "TABLES", tiny)
    monkeypatch.setattr(measured, "TABLES", tiny)
    monkeypatch.setitem(protocols.PROTOCOLS, "tiny", replace(HARVESTED, teacher="resnet32"))
    weights = tiny / "data" / "teachers" / "embedded:4_resnet20.pth"
    torch.save(build_resnet("resnet32", 4).state_dict(), weights.with_name("embedded:4_resnet32.pth"))
    command = ["--protocol", "tiny", "--workers", "1", "--device", "cpu", "--cells", "3", "--share", "3/3"]
    for change in ([], ["--teacher", "resnet20"], ["--distiller", "diswot+"]):
        assert harvest.main([*command, *change]) == 0
    plain, taught, other = (
        rows.read_rows(tiny / f"kd-nb201-tiny{name}.csv") for name in ("", "-resnet20", "-diswot-plus")
    )
    assert [each[0].kind[1:] for each in (plain, taught, other)] == [
        ("resnet32", "kd"),
        ("resnet20", "kd"),
        ("resnet32", "diswot+"),
    ]
    assert plain[0].vanilla_loss == taught[0].vanilla_loss == other[0].vanilla_loss
    assert capsys.readouterr().out.count("1 of them have their lone run in") == 2
    assert len({each[0].distilled_loss for each in (plain, taught, other)}) == 3
    assert "distiller" not in (tiny / "kd-nb201-tiny.csv").read_text()
    truth = load_ground_truth("kd-nb201:tiny-diswot-plus:distilled")
    assert "distilled from resnet32 by diswot+" in truth.note
    assert load_ground_truth("kd-nb201:tiny-resnet20").teacher == "resnet20"
    with pytest.raises(UsageError, match=r"holds pairs of tiny \(kd by resnet32\), not of tiny \(review by resnet32\)"):
        harvest.main([*command, "--distiller", "review", "--table", str(tiny / "kd-nb201-tiny.csv")])
    with pytest.raises(UsageError, match="eskd has no trained teacher, which a harvest needs: expected one of at, cc"):
        harvest.main([*command, "--distiller", "eskd"])


def test_a_teacher_of_ones_own_is_told_by_its_hash(tiny: Path) -> None:
    source = tiny / "data" / "teachers" / "embedded:4_resnet20.pth"
    weights = source.rename(tiny / "mine.pth")
    command = ["--protocol", "tiny", "--workers", "1", "--device", "cpu", "--cells", "1"]
    with pytest.raises(DataError, match=r"no trained resnet20 for embedded:4.*--teacher-weights"):
        harvest.main([*command, "--table", str(tiny / "t.csv")])
    assert harvest.main([*command, "--table", str(tiny / "t.csv"), "--teacher-weights", str(weights)]) == 0
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert rows.read_rows(tiny / "t.csv")[0].teacher == f"resnet20:{digest[:8]}"


def test_answers_on_disk_are_not_computed_again(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = reap.pending([], 1, 1)
    reap.harvest(KD, jobs, tiny / "first.csv", reap.Machine("cpu", Local(1), 1))
    monkeypatch.setattr("benchmarks.distill.stream.predict", None)
    reap.harvest(KD, jobs, tiny / "second.csv", reap.Machine("cpu", Local(1), 1))
    first, second = rows.read_rows(tiny / "first.csv"), rows.read_rows(tiny / "second.csv")
    assert first[0].answer == second[0].answer


@pytest.mark.parametrize("distiller", ["kd", "diswot+"])
def test_a_lone_run_that_is_known_is_not_trained_and_changes_nothing(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, distiller: str
) -> None:
    recipe, jobs, machine = Recipe(HARVESTED, distiller), reap.pending([], 2, 1), reap.Machine("cpu", Local(1), 1)
    reap.harvest(recipe, jobs, tiny / "pairs.csv", machine)
    pairs = rows.read_rows(tiny / "pairs.csv")
    trained, made = list[str](), PairTrainer._trainer

    def noted(self: PairTrainer, cell: Cell, seed: int, loss: str) -> Trainer:
        trained.append(loss)
        return made(self, cell, seed, loss)

    monkeypatch.setattr(PairTrainer, "_trainer", noted)
    reap.harvest(recipe, jobs, tiny / "taught.csv", machine, {pairs[1].key: pairs[1]})
    assert trained == [distiller, "ce", distiller]
    assert [row.answer for row in rows.read_rows(tiny / "taught.csv")] == [row.answer for row in pairs]


def test_lone_runs_are_taken_from_rows_of_this_device_and_torch_only(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "TABLES", tiny)
    here = replace(_row("x"), device=provenance.device_name("cpu"), torch=torch.__version__)
    others = replace(here, arch="y", torch="1.0"), replace(here, arch="z", device="another"), replace(here, seed=1)
    rows.append(tiny / "kd-nb201-tiny.csv", [here, *others])
    assert list(lone_runs(KD, "cpu")) == [("x", 0), ("x", 1)]
    assert lone_runs(Recipe(HARVESTED, ""), "cpu") == {}


def test_the_teachers_maps_are_kept_where_the_loss_looks_at_no_others(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {name: Recipe(HARVESTED, name).keeps_last for name in ("kd", "diswot+", "sp", "crd", "ickd", "at", "review")}
    assert kept == {name: name in ("diswot+", "sp", "crd", "ickd") for name in kept}
    assert not KD.beside and not Recipe(HARVESTED, "sp").beside and Recipe(HARVESTED, "review").beside
    last = trainer("sp", HARVESTED, with_last=True).stream.epoch(0).teacher_last
    assert last is not None and len(last) == 4 * 32
    monkeypatch.setattr(pairs_module, "KEPT_ON_DISK", 2 * last.numel())  # one epoch of it
    assert Recipe(HARVESTED, "sp").keeps_last
    assert not Recipe(replace(HARVESTED, epochs=2), "sp").keeps_last
