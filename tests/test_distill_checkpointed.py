"""Runs with checkpoints: exact resume, also from a damaged one, and folders of other runs."""

from pathlib import Path

import pytest
import torch
from distill_support import same, trainer
from files_support import flipped

from benchmarks.distill import checkpointed
from benchmarks.distill.trainer import EpochResult
from diswot_errors import DataError, UsageError

pytestmark = pytest.mark.usefixtures("cache")


@pytest.mark.parametrize("loss", ["kd", "crd", "dml", "diswot+", "dkd", "simkd", "kd+crd"])
def test_resumed_training_ends_bit_equal(loss: str, tmp_path: Path) -> None:
    whole = trainer(loss)
    checkpointed.train(whole, tmp_path / "whole", {"run": 1})
    checkpointed.train(trainer(loss), tmp_path / "cut", {"run": 1}, until=1)
    resumed = trainer(loss)
    history = checkpointed.train(resumed, tmp_path / "cut", {"run": 1})
    assert same(whole, resumed)
    assert [result.epoch for result in history] == [1, 2, 3]
    assert (tmp_path / "cut" / "curve.csv").read_text().count("\n") == 4


def test_a_student_that_answers_through_its_head_leaves_both(tmp_path: Path) -> None:
    made = trainer("simkd")
    (last,) = checkpointed.train(made, tmp_path, {}, until=1)
    again = trainer("simkd", seed=1)
    for module, file in ((again.student.network, "student.pth"), (again.student.head, "head.pth")):
        assert module is not None
        module.load_state_dict(torch.load(tmp_path / file, weights_only=True))
    assert again.test()[0] == last.top1
    checkpointed.train(trainer("kd"), tmp_path / "kd", {}, until=1)
    assert not (tmp_path / "kd" / "head.pth").exists()


def test_a_loss_that_is_no_number_stops_with_the_last_checkpoint(tmp_path: Path) -> None:
    made = trainer("ce")
    checkpointed.train(made, tmp_path, {}, until=1)
    for parameter in made.student.network.parameters():
        parameter.data.fill_(float("nan"))
    with pytest.raises(DataError, match=r"loss became nan in epoch 2.*last good checkpoint is .*checkpoint\.pt"):
        _train_on(made, tmp_path)


def _train_on(made, folder: Path) -> None:  # type: ignore[no-untyped-def]
    """Go on without loading the checkpoint again."""
    made.load, load = lambda state: None, made.load
    try:
        checkpointed.train(made, folder, {})
    finally:
        made.load = load


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    checkpointed.train(trainer("ce"), tmp_path, {"seed": 0}, until=1)
    with pytest.raises(UsageError, match="seed: 0 there, 1 now"):
        checkpointed.train(trainer("ce"), tmp_path, {"seed": 1}, until=1)


@pytest.mark.parametrize("epochs", [1, 2])
def test_from_a_damaged_checkpoint_the_run_goes_on_one_epoch_before(
    epochs: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = trainer("ce")
    checkpointed.train(whole, tmp_path / "whole", {})
    checkpointed.train(trainer("ce"), tmp_path / "hit", {}, until=epochs)
    file = tmp_path / "hit" / "checkpoint.pt"
    content = file.read_bytes()
    for damaged in (content[:1000], flipped(content, 4 * len(content)), b"something else"):
        file.write_bytes(damaged)
        seen: list[EpochResult] = []
        resumed = trainer("ce")
        checkpointed.train(resumed, tmp_path / "hit", {}, until=epochs, report=seen.append)
        assert [each.epoch for each in seen] == [epochs]
        assert f"warning: {file} is " in capsys.readouterr().err
    resumed = trainer("ce")
    checkpointed.train(resumed, tmp_path / "hit", {})
    assert same(whole, resumed)


def test_only_a_run_of_these_settings_that_reached_its_end_is_finished(tmp_path: Path) -> None:
    made = trainer("ce")
    history = checkpointed.train(made, tmp_path, {"seed": 0}, until=2)
    done = checkpointed.finished(tmp_path, {"seed": 0}, 2)
    assert done is not None and done.history[1].loss == history[1].loss
    assert all(torch.equal(done.weights[k], v) for k, v in made.student.network.state_dict().items())
    assert checkpointed.finished(tmp_path, {"seed": 0}, 3) is None
    assert checkpointed.finished(tmp_path, {"seed": 1}, 2) is None
