"""The images of a training and the answers of its teacher to them, which are kept while they are whole."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from distill_support import TINY, trainer
from files_support import flipped

from benchmarks.distill.stream import Stream, first_of_each_class, rows
from diswot_errors import DataError, UsageError
from nb201_data.images import load_images

pytestmark = pytest.mark.usefixtures("cache")


def test_cached_answers_are_the_teachers() -> None:
    made = trainer("kd")
    epoch = made.stream.epoch(0, beside=True)
    assert epoch.teacher_logits is not None and epoch.teacher_x is not None and made.teacher is not None
    with torch.no_grad():
        direct = made.teacher(made.stream.whole.normalise(epoch.teacher_x))
    assert torch.allclose(epoch.teacher_logits.float(), direct, atol=2e-2, rtol=2e-3)


@pytest.mark.parametrize("loss", ["diswot+", "sp", "cc", "rkd", "pkt", "crd", "ickd"])
def test_from_maps_that_are_kept_a_student_learns_what_it_learns_beside_the_teacher(loss: str) -> None:
    one_step = replace(TINY, per_class=8)
    kept, beside = trainer(loss, one_step, with_last=True), trainer(loss, one_step)
    assert kept.cached and kept.teacher is not None and beside.beside and not beside.cached
    epoch = kept.stream.epoch(0, beside=True)
    assert epoch.teacher_last is not None and epoch.teacher_x is not None
    with torch.no_grad():
        direct = kept.teacher.eval().forward_features(kept.stream.whole.normalise(epoch.teacher_x)).last
    assert torch.equal(epoch.teacher_last, direct.half())
    assert kept.train_epoch().loss == pytest.approx(beside.train_epoch().loss, rel=2e-3)


def test_maps_on_disk_are_those_that_the_teacher_gave(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = trainer("sp", with_last=True).stream
    first = stream.epoch(0).teacher_last
    assert first is not None and first.is_contiguous(memory_format=torch.channels_last)
    file = stream._file(0, "-last")
    whole = file.read_bytes()
    file.write_bytes(flipped(whole, 8 * 500 + 3))
    again = trainer("sp", with_last=True).stream.epoch(0).teacher_last
    assert again is not None and torch.equal(first, again) and file.read_bytes() == whole
    assert f"warning: {file} is " in capsys.readouterr().err
    monkeypatch.setattr("benchmarks.distill.stream.predict", None)  # nobody is asked again
    stored = trainer("sp", with_last=True).stream.epoch(0)
    logits = trainer("kd").stream.epoch(0).teacher_logits
    assert stored.teacher_last is not None and torch.equal(first, stored.teacher_last)
    assert stored.teacher_logits is not None and logits is not None and torch.equal(stored.teacher_logits, logits)


def test_answers_on_disk_are_taken_while_they_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = trainer("kd").stream.epoch(0).teacher_logits
    (file,) = (tmp_path / "cache" / "diswot-bench" / "teacher-logits").iterdir()
    whole = file.read_bytes()
    assert first is not None
    for damaged in (flipped(whole, 8 * 500 + 3), flipped(whole, 11), whole[:-1], b"", b"something else"):
        file.write_bytes(damaged)
        again = trainer("kd").stream.epoch(0).teacher_logits
        assert again is not None and torch.equal(first, again) and file.read_bytes() == whole
        assert f"warning: {file} is " in capsys.readouterr().err
    monkeypatch.setattr("benchmarks.distill.stream.predict", None)  # nobody is asked again
    again = trainer("kd").stream.epoch(0).teacher_logits
    assert again is not None and torch.equal(first, again)


def test_answers_belong_to_images_and_weights() -> None:
    stream, other = trainer("kd").stream, trainer("kd").stream
    assert stream._file(0) == other._file(0) != stream._file(1)
    other._x[0, 0, 0, 0] ^= 1
    assert other.teacher is not None and stream._key != other._teacher_key(other.teacher)


def test_rows_are_the_images_at_these_positions() -> None:
    x = torch.arange(5 * 3 * 4 * 2).view(5, 3, 4, 2).contiguous(memory_format=torch.channels_last)
    chosen = torch.tensor([3, 0, 3])
    assert torch.equal(rows(x, chosen), x[chosen])
    assert rows(x, chosen).is_contiguous(memory_format=torch.channels_last)


def test_the_student_sees_what_the_teacher_sees_but_smaller() -> None:
    epoch = trainer("kd").stream.epoch(1, beside=True)
    assert epoch.teacher_x is not None and trainer("kd").stream.epoch(1).teacher_x is None
    blocks = epoch.teacher_x.float().unflatten(3, (8, 4)).unflatten(2, (8, 4)).mean((3, 5))
    assert (blocks - epoch.x.float()).abs().max() <= 0.5


def test_first_of_each_class() -> None:
    y = torch.tensor([1, 0, 1, 0, 1, 0])
    assert first_of_each_class(y, 2).tolist() == [0, 1, 2, 3]
    with pytest.raises(UsageError, match="4 images of each class"):
        first_of_each_class(y, 4)


def test_too_few_images_for_a_batch() -> None:
    with pytest.raises(DataError, match="make no batch of 512"):
        trainer("ce", replace(TINY, batch_size=512)).train_epoch()


def test_held_out_images_stand_in_for_the_test_images() -> None:
    whole = Stream("embedded:4@8", 4, torch.device("cpu"), per_class=32)
    kept = Stream("embedded:4@8", 4, torch.device("cpu"), per_class=32, held_out=4)
    x, y = kept.test
    assert len(kept) == 96 and y.bincount().tolist() == [8] * 4 and x.shape == (32, 3, 8, 8)
    assert sorted([*kept.labels.tolist(), *y.tolist()]) == sorted(whole.labels.tolist())
    small = load_images("embedded:4@8").train_x
    known = {image.numpy().tobytes() for image in small}
    official = {image.numpy().tobytes() for image in whole.test[0]}
    held = {image.numpy().tobytes() for image in x}
    assert held <= known and not held & official
