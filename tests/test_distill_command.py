"""The distill command: its names, its folders, its table; who teaches."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from distill_support import CELL, TINY

from benchmarks.distill import __main__ as command
from benchmarks.distill import examined, jobs, protocols
from benchmarks.distill.beside import beside_published
from benchmarks.distill.page import result_table
from benchmarks.distill.stream import Stream
from benchmarks.distill.students import parse_student
from benchmarks.distill.teaching import School
from benchmarks.distill.trainer import EpochResult, accuracy
from benchmarks.engines.local import Local
from diswot_errors import DataError, UsageError
from nb201_data.images import load_images
from nb201_data.networks import build_resnet
from proxies.distillation import losses
from proxies.inits import initialise
from reports.records import read_run


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setitem(protocols.PROTOCOLS, "tiny", replace(TINY, epochs=2))


def test_two_distillers_two_seeds_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--student",
        CELL,
        "--distiller",
        "ce,diswot+",
        "--protocol",
        "tiny",
        "--seeds",
        "2",
        "--device",
        "cpu",
    ]
    arguments += ["--out", str(tmp_path / "run"), "--workers", "1"]
    assert command.main(arguments) == 0
    first = capsys.readouterr().out
    assert "teacher-resnet20: epoch 2/2" in first and "diswot+ seed 1: epoch 2/2" in first
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<script" not in page.partition("<main")[2].partition("</main>")[0] and "Training curves" in page
    run = read_run(tmp_path / "run")
    assert run.page is not None and run.manifest.config["protocol"]["epochs"] == 2
    table = run.page.sections[0].table
    assert table is not None and [row[0] for row in table.rows] == ["ce", "diswot+"]
    assert (tmp_path / "run" / "diswot-plus-seed1" / "student.pth").is_file()
    assert command.main(arguments) == 0  # everything is on disk: nothing is trained, the table is the same
    second = capsys.readouterr().out
    assert "epoch 2/2" not in second and first.endswith(second)


@pytest.mark.slow
def test_two_workers_train_what_one_trains(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Trained, early and assistant teachers included, each made once and before the students."""
    plan = jobs.distillation(CELL, "kd,eskd,atkd,diswot+", 1, None, replace(TINY, epochs=1, learning_rate=0.02), "cpu")
    one, two = (jobs.run(replace(plan, out=tmp_path / str(workers)), Local(workers)) for workers in (1, 2))
    for name in plan.distillers:
        results = [[(each.loss, each.top1) for each in histories[name][0]] for histories in (one, two)]
        assert results[0] == results[1]
    said = capfd.readouterr().out
    for role in ("teacher-resnet20", "early-resnet20", "assistant-resnet20"):
        assert said.count(f"{role}: epoch 1/1") == 2


def test_a_changed_setting_does_not_continue_another_run(tmp_path: Path) -> None:
    arguments = ["--student", CELL, "--distiller", "ce", "--protocol", "tiny", "--out", str(tmp_path / "run")]
    arguments += ["--workers", "1", "--device", "cpu"]
    command.main([*arguments, "--epochs", "1"])
    with pytest.raises(UsageError, match="epochs: 1 there, 2 now"):
        command.main(arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--distiller", "diswott"], "Did you mean diswot"),
        (["--distiller", ","], "names nothing"),
        (["--teacher", "resnet19"], "unknown teacher 'resnet19'"),
        (["--protocol", "shorter"], "Did you mean short"),
        (["--images", "cifar"], "cifar10"),
        (["--student", "vgg"], "unknown student 'vgg'"),
        (["--student", "s0:346"], "three depths"),
        (["--student", "|none~0|"], "malformed cell at character"),
    ],
)
def test_wrong_names_are_refused_before_anything_is_computed(change: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        command.main(["--student", CELL, "--protocol", "tiny", "--out", str(tmp_path / "run"), *change])
    assert refused.value.exit_code == 2  # type: ignore[attr-defined]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [(["--teacher-weights", "none.pth"], "no weights at none.pth"), (["--images", "cifar10@16"], "cifar10")],
)
def test_a_dry_run_says_what_is_not_there(
    more: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=said):
        command.main(["--student", "resnet20", "--protocol", "tiny", "--dry-run", *more])


def test_a_folder_is_named_by_what_its_runs_share_and_more_of_them_go_on_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--student", CELL, "--distiller", "ce", "--protocol", "tiny", "--epochs", "1", "--device", "cpu"]
    arguments += ["--workers", "1"]
    assert command.main([*arguments, "--dry-run"]) == 0
    assert re.search(r"by ce, 1 seed each, 1 epochs .*: about \d+ (s|min|h) with 1 worker", capsys.readouterr().out)
    assert not (tmp_path / "runs").exists()
    assert command.main(arguments) == 0 and command.main([*arguments, "--seeds", "2"]) == 0
    assert capsys.readouterr().out.count("epoch 1/1") == 2  # one run each time: the first is there
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"distill-nb201-.*-tiny-[0-9a-f]{8}", folder.name)
    assert command.main([*arguments, "--precision", "bf16", "--dry-run"]) == 0
    with pytest.raises(UsageError, match=r"precision: \"fp32\" there, \"bf16\" now"):
        command.main([*arguments, "--precision", "bf16", "--out", str(folder)])


def test_another_teacher_does_not_continue_a_run(tmp_path: Path) -> None:
    weights = [tmp_path / "a.pth", tmp_path / "b.pth"]
    for seed, file in enumerate(weights):
        network = build_resnet("resnet20", 4)
        initialise(network, "kaiming", seed)
        torch.save(network.state_dict(), file)
    protocol = replace(TINY, epochs=1)
    first = jobs.distillation(CELL, "kd", 1, weights[0], protocol, "cpu")
    jobs.run(replace(first, out=tmp_path / "run"), Local(1))
    with pytest.raises(UsageError, match=r"taught by: \"sha256:.* there"):
        jobs.run(replace(first, out=tmp_path / "run", teacher_weights=weights[1]), Local(1))


def test_students_by_all_their_names() -> None:
    for text, parameters in (("s0:111", 83_892), ("resnet20", 278_324), (f"nb201:{CELL}", None), (CELL, None)):
        student = parse_student(text, replace(TINY, channels=16), 100, 32)
        assert student.name in (text, f"nb201:{CELL}")
        if parameters is not None:
            assert sum(p.numel() for p in student.build().parameters()) == parameters


@pytest.mark.slow
def test_every_kind_of_teacher(tmp_path: Path) -> None:
    said: list[str] = []
    school = School(None, 4, replace(TINY, epochs=3, teacher="resnet56"), tmp_path, "cpu")
    quick = replace(school, protocol=replace(school.protocol, teacher="resnet20"))
    assert quick.teacher_for(losses.get("ce"), said.append) is None
    trained = quick.teacher_for(losses.get("kd"), said.append)
    assert said[-1].startswith("teacher-resnet20: epoch 3/3")
    early = quick.teacher_for(losses.get("eskd"), said.append)
    assert said[-1].startswith("early-resnet20: epoch 1/1")
    peer = quick.teacher_for(losses.get("dml"), said.append)
    assistant = quick.teacher_for(losses.get("atkd"), said.append)
    assert said[-1].startswith("assistant-resnet20: epoch 3/3")
    weights = [n.state_dict()["fc.weight"] for n in (trained, early, peer, assistant) if n is not None]
    assert len(weights) == 4 and not any(torch.equal(a, b) for i, a in enumerate(weights) for b in weights[:i])
    before = len(said)
    again = quick.teacher_for(losses.get("kd"), said.append)
    assert len(said) == before and again is not None and torch.equal(again.state_dict()["fc.weight"], weights[0])


@pytest.mark.slow
def test_an_early_teacher_is_stopped_at_a_third_of_its_own_schedule(tmp_path: Path) -> None:
    said: list[str] = []
    school = School(None, 4, replace(TINY, epochs=1, teacher_epochs=4, per_class=8), tmp_path, "cpu")
    early = school.teacher_for(losses.get("eskd"), said.append)
    assert [line.partition(",")[0] for line in said] == ["early-resnet20: epoch 1/2", "early-resnet20: epoch 2/2"]
    school.teacher_for(losses.get("kd"), said.append)
    assert said[-1].startswith("teacher-resnet20: epoch 4/4")
    stream = Stream(school.images, 0, torch.device("cpu"))
    assert early is not None and school.top1(losses.get("eskd"), said.append) == accuracy(early, stream)[0]
    assert school.top1(losses.get("ce"), said.append) is None and school.top1(losses.get("dml"), said.append) is None


def test_what_a_teacher_reaches_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = build_resnet("resnet20", 4)
    first = examined.top1(teacher, "embedded:4@8", torch.device("cpu"))
    (file,) = (tmp_path / "cache" / "diswot-bench" / "teacher-top1").iterdir()
    with monkeypatch.context() as patched:
        patched.setattr(examined, "accuracy", None)  # nobody is asked again
        assert examined.top1(teacher, "embedded:4@8", torch.device("cpu")) == first
    file.write_bytes(file.read_bytes()[:-1])
    assert examined.top1(teacher, "embedded:4@8", torch.device("cpu")) == first


def test_the_recipe_of_repdistiller_stands_beside_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measured here: two runs of each, of three tested epochs. Printed: KD 70.66 (last), DKD 71.97 (best)."""
    monkeypatch.setattr("benchmarks.distill.jobs.load_images", lambda name, *split: load_images("embedded:4"))
    recipe = protocols.get_protocol("repdistiller")
    runs = {
        name: [[EpochResult(i + 1, 1.0, top1 + seed, 90.0, 1.0, 2.0) for i, top1 in enumerate(tops)] for seed in (0, 1)]
        for name, tops in {"kd": (60.0, 71.0, 70.0), "dkd": (60.0, 72.0, 71.0)}.items()
    }
    teachers = {"kd": 72.61, "dkd": 72.61}
    plan = jobs.distillation("resnet20", "kd,dkd", 2, None, recipe, "cpu")
    (section,) = beside_published(plan, runs, teachers)
    assert section.table is not None
    rows = {(row[0], row[1]): row for row in section.table.rows}
    kd, dkd = rows["KD", "last"], rows["DKD", "best"]
    assert (kd[2], kd[3].value, dkd[2], dkd[3].value) == ("70.66", 70.5, "71.97", 72.5)  # type: ignore[union-attr]
    assert kd[7].kind == "other-setting" and "teacher of 72.61 %" in kd[7].detail  # type: ignore[union-attr]
    assert rows["kd", "best"][2] == "not printed" and rows["CRD", "last"][7].kind == "not-measured"  # type: ignore[union-attr]
    (short,) = beside_published(replace(plan, protocol=recipe.lasting(12)), runs, teachers)
    assert "12 of 240 epochs" in next(row for row in short.table.rows if row[0] == "KD")[7].detail  # type: ignore[union-attr]
    assert beside_published(replace(plan, protocol=protocols.get_protocol("tiny")), runs, teachers) == ()


def test_the_table_pairs_seeds() -> None:
    def run(top1: float) -> list[EpochResult]:
        return [EpochResult(1, 1.0, float("nan"), float("nan"), 1.0, 2.0), EpochResult(2, 1.0, top1, 90.0, 1.0, 2.0)]

    table = result_table({"ce": [run(50.0), run(60.0)], "kd": [run(51.0), run(61.0)]}, {"ce": None, "kd": 72.0})
    alone, kd = (dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows)
    assert kd["gain"].value == 1.0 and kd["gain"].spread == 0.0 and kd["seconds"] == 4.0  # type: ignore[union-attr]
    assert alone["top1"].value == 55.0 and kd["teacher_top1"] == 72.0  # type: ignore[union-attr]
    assert kd["best_top1"].value is None  # type: ignore[union-attr]  # one epoch was tested: that is the last


def test_best_and_last_epoch_stand_apart() -> None:
    runs = [[EpochResult(i + 1, 1.0, top1, 90.0, 1.0, 2.0) for i, top1 in enumerate(tops)]
            for tops in ((50.0, 53.0, 52.0), (40.0, 48.0, 44.0))]  # fmt: skip
    table = result_table({"kd": runs}, {})
    row = dict(zip((column.name for column in table.columns), table.rows[0], strict=True))
    assert row["top1"].value == 48.0 and row["best_top1"].value == 50.5  # type: ignore[union-attr]


def test_list_needs_no_student(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        command.main(["--list"])
    out = capsys.readouterr().out
    assert all(name in out for name in [*losses.names(), *protocols.PROTOCOLS])


def test_at_a_shell_errors_are_one_line_and_help_is_quick() -> None:
    call = [sys.executable, "-m", "benchmarks.distill", "--student", "vgg", "--images", "embedded"]
    done = subprocess.run(call, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 2 and done.stderr.startswith("error: unknown student 'vgg'")
    assert "Traceback" not in done.stderr
    code = "import sys; from benchmarks.distill import __main__; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_plans_drop_repeated_names() -> None:
    plan = jobs.distillation(CELL, "kd, ce,kd", 1, None, protocols.get_protocol("tiny"), "cpu")
    assert plan.distillers == ("kd", "ce")


def test_one_student_in_two_spellings_is_one_run(tmp_path: Path) -> None:
    arguments = ["--distiller", "ce", "--protocol", "tiny", "--epochs", "1", "--out", str(tmp_path / "run")]
    arguments += ["--workers", "1", "--device", "cpu"]
    command.main([*arguments, "--student", f"nb201:{CELL}"])
    command.main([*arguments, "--student", CELL])


@pytest.mark.parametrize("distillers", ["ce", "eskd", "dml,ce"])
def test_weights_that_nobody_learns_from_are_refused(tmp_path: Path, distillers: str) -> None:
    (tmp_path / "t.pth").write_bytes(b"no weights at all")
    arguments = ["--student", CELL, "--protocol", "tiny", "--teacher-weights", str(tmp_path / "t.pth"), "--dry-run"]
    with pytest.raises(UsageError, match=r"--teacher-weights .* is for distillers that learn from a trained teacher"):
        command.main([*arguments, "--distiller", distillers])


def test_epochs_of_a_teacher_that_is_not_trained_are_refused(tmp_path: Path) -> None:
    torch.save(build_resnet("resnet20", 4).state_dict(), tmp_path / "t.pth")
    arguments = ["--student", CELL, "--protocol", "tiny", "--teacher-epochs", "2", "--dry-run"]
    given = [*arguments, "--teacher-weights", str(tmp_path / "t.pth")]
    for wrong in ([*arguments, "--distiller", "ce"], [*given, "--distiller", "ce,kd"]):
        with pytest.raises(UsageError, match="--teacher-epochs 2 is for teachers that are trained here"):
            command.main(wrong)
    command.main([*arguments, "--distiller", "kd"])
    command.main([*given, "--distiller", "kd,atkd"])
