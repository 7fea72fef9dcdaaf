"""The pairs of a harvest: whose teacher and distiller, which runs and answers are known already."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from distill_support import HARVESTED, KD, trainer
from tables_support import pair_row

from benchmarks import harvest
from benchmarks.distill import protocols
from benchmarks.distill.trainer import Trainer
from benchmarks.engines import provenance
from benchmarks.engines.local import Local
from benchmarks.harvesting import order, reap, rows
from benchmarks.harvesting import pairs as pairs_module
from benchmarks.harvesting.pairs import PairTrainer, Recipe, lone_runs
from diswot_errors import DataError, UsageError
from nb201_data.ground_truth import load_ground_truth
from nb201_data.networks import build_resnet
from nb201_data.space import Cell
from nb201_data.truth import measured


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


def test_a_file_in_the_place_of_the_published_teacher_is_told_by_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
    assert Recipe(protocols.get_protocol("lite"), "kd").teacher == "resnet56"
    file = tmp_path / "teachers" / "cifar100_resnet56.pth"
    file.parent.mkdir()
    file.write_bytes(b"another")
    digits = hashlib.sha256(b"another").hexdigest()[:8]
    assert Recipe(protocols.get_protocol("lite"), "kd").teacher == f"resnet56:{digits}"


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
    jobs = reap.pending([], order.first(1), 1)
    reap.harvest(KD, jobs, tiny / "first.csv", reap.Machine("cpu", Local(1), 1))
    monkeypatch.setattr("benchmarks.distill.stream.predict", None)
    reap.harvest(KD, jobs, tiny / "second.csv", reap.Machine("cpu", Local(1), 1))
    first, second = rows.read_rows(tiny / "first.csv"), rows.read_rows(tiny / "second.csv")
    assert first[0].answer == second[0].answer


@pytest.mark.parametrize("distiller", ["kd", "diswot+"])
def test_a_lone_run_that_is_known_is_not_trained_and_changes_nothing(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, distiller: str
) -> None:
    recipe, jobs, machine = (
        Recipe(HARVESTED, distiller),
        reap.pending([], order.first(2), 1),
        reap.Machine("cpu", Local(1), 1),
    )
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
    here = replace(pair_row("x"), device=provenance.device_name("cpu"), torch=torch.__version__)
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
