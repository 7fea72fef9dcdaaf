"""The correlation command where something fails: one message and nothing written, or what was left out or kept."""

from pathlib import Path
from typing import Any

import pytest
import torch
from files_support import rows_of
from scoring_support import Command, write_truth

from benchmarks.command import opened
from benchmarks.correlation import main
from benchmarks.scoring import runner
from diswot_errors import DataError
from nb201_data.networks import build_resnet


def test_out_of_memory_is_told(correlation: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from benchmarks.scoring import scorer

    calls: list[int] = []

    def short(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return score(*arguments, **named)

    score = scorer.score
    monkeypatch.setattr(scorer, "score", short)
    code, out, _ = correlation("--proxies", "nwot")
    assert code == 0
    assert "Out of memory, and therefore left out: flops 1, nwot 1, params 1 scores." in out
    statistics = {row["proxy"]: row for row in rows_of(tmp_path / "run" / "correlations.csv")}
    assert statistics["nwot"]["left_out"] == "1" and statistics["nwot"]["reasons"] == "out-of-memory 1"


def test_ctrl_c_leaves_a_resumable_state(correlation: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    work, calls = runner.score_job, []

    def interrupted(job: runner.Job) -> Any:
        calls.append(job)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return work(job)

    monkeypatch.setattr(opened, "score_job", interrupted)
    code, _, err = correlation("--proxies", "nwot")
    assert code == 130
    assert "6 of 14 networks were scored and are kept" in err and "the same command goes on from there" in err
    monkeypatch.undo()
    _, out, _ = correlation("--proxies", "nwot", "--dry-run")
    assert "18 of them are in" in out


WRONG = [
    (["--proxies", "m_z"], "unknown proxy 'm_z'. Did you mean m_s"),
    (["--proxies", "zzz*"], "no proxy matches 'zzz*'"),
    (["--space", "nb202"], "unknown search space 'nb202'. Did you mean nb201?"),
    (["--space", "s0", "--ground-truth", "kd-nb201"], "contradict: that truth is about nb201"),
    (["--sample", "15"], "--sample 15: "),
    (["--sample", "3"], "--sample 3: expected at least 10"),
    (["--teacher", "resnet57"], "unknown teacher 'resnet57'. Did you mean resnet5"),
    (["--images", "embedded:20"], "embedded:20 has 20 classes, the networks of this ground truth have 10"),
    (["--images", "embedded@16"], "16 pixels, the networks of this ground truth take 8"),
    (["--images", "cifar11"], "no images 'cifar11'"),
    (["--device", "tpu7"], "unknown --device 'tpu7'"),
    (["--ground-truth", "kd-nb202"], "unknown ground truth 'kd-nb202'. Did you mean kd-nb201"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[" ".join(case[0]) for case in WRONG])
def test_wrong_use(correlation: Command, arguments: list[str], message: str, tmp_path: Path) -> None:
    code, out, err = correlation(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and message in err and "Traceback" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sample", "none"],
        ["--seeds", "0"],
        ["--precision", "fp8"],
        ["--frobnicate"],
    ],
)
def test_malformed_options(correlation: Command, arguments: list[str]) -> None:
    code, _, err = correlation(*arguments)
    assert code == 2 and err.startswith("error: ") and err.count("\n") == 1
    assert err.endswith("`python -m benchmarks.correlation --help` shows what there is\n")


def test_a_truth_that_covers_too_few(correlation: Command, tmp_path: Path) -> None:
    few = write_truth(tmp_path / "few.csv", n=9)
    code, _, err = correlation(ground_truth=str(few))
    assert code == 2 and "covers 9 networks: expected at least 10" in err


def test_a_teacher_of_other_classes(correlation: Command, tmp_path: Path) -> None:
    torch.save(build_resnet("resnet20", 100).state_dict(), tmp_path / "teacher.pth")
    code, _, err = correlation("--teacher-weights", str(tmp_path / "teacher.pth"))
    assert code == 2
    assert "does not fit resnet20 with the 10 classes of embedded:10@8: give a teacher trained on such images" in err


def test_a_batch_with_one_class(correlation: Command) -> None:
    seeds = "40"  # batches of two images: one of forty is bound to show one class only
    code, _, err = correlation("--batch-size", "2", "--seeds", seeds, "--proxies", "params")
    assert code == 2 and "a batch of 2 with one class" in err


def test_photographs_are_needed_for_what_is_not_released_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "empty"))
    given = ["--ground-truth", "kd-nb201", "--images", "cifar100", "--init", "kaiming", "--proxies", "nwot"]
    given += ["--store", str(tmp_path / "s.sqlite"), "--workers", "1"]
    assert main([*given, "--out", str(tmp_path / "released")]) == 0
    assert "900 of 900 scores are from the released tables" in capsys.readouterr().out
    for more in (["--no-tables"], ["--seeds", "2"], ["--no-tables", "--dry-run"]):
        with pytest.raises(DataError, match=r"cifar100/train: absent .*nb201_data fetch cifar100"):
            main([*given, *more, "--out", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()
