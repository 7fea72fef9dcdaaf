"""The training loop: exact resume, independence of neighbours, who learns what."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from distill_support import CELL, TINY, by_hand, same, trainer

from benchmarks.distill import checkpointed
from benchmarks.distill.protocols import PROTOCOLS, get_protocol
from benchmarks.distill.stream import Stream, first_of_each_class, rows
from benchmarks.distill.trainer import EpochResult, Trainer, accuracy, train_together
from diswot_errors import DataError, UsageError
from nb201_data.images import load_images
from nb201_data.networks import build_network
from nb201_data.teachers import trained_teacher
from proxies.distillation import losses
from proxies.distillation.ofd import batch_norm_margin
from proxies.distillation.published import WarmUp
from proxies.inits import initialise


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


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


@pytest.mark.parametrize("loss", [*losses.names(), "kd+crd", "dkd+review"])
def test_every_loss_trains(loss: str) -> None:
    made = trainer(loss, replace(TINY, epochs=1))
    before = [p.detach().clone() for p in made.student.network.parameters()]
    result = made.train_epoch()
    assert math.isfinite(result.loss)
    names = [name for name, _ in made.student.network.named_parameters()]
    same = [torch.equal(a, b) for a, b in zip(before, made.student.network.parameters(), strict=True)]
    idle = {name for name, stayed in zip(names, same, strict=True) if stayed}
    through = losses.get(loss).predict is not None  # then the teacher's classifier answers
    assert idle == ({"classifier.weight", "classifier.bias"} if through else set())
    tested = by_hand(made.answering, TINY.images, made.stream.test)
    assert (result.top1, result.top5, result.test_loss) == pytest.approx(tested, rel=1e-5)


@pytest.mark.parametrize("loss", ["dkd", "dkd_ls", "simkd", "kd+at"])
def test_a_student_learns(loss: str) -> None:
    """Over three epochs of four batches an objective falls whose target stays (CRD's memories move)."""
    made = trainer(loss)
    losses_of = [made.train_epoch().loss for _ in range(3)]
    assert losses_of[-1] < 0.95 * losses_of[0]


def test_a_weight_that_grows_does_so_epoch_by_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a step that was captured with the weight of one epoch is captured anew for the next."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(WarmUp, "share", lambda self, epoch, epochs: asked.append((epoch, epochs)) or 1.0)
    growing, constant = trainer("dkd"), trainer("kd")
    for made in (growing, constant):
        made.train_epoch()
        made._runner.graph = captured = object()  # type: ignore[assignment]
        next(made.steps())
        assert (made._runner.graph is captured) == (made is constant)
    assert sorted(set(asked)) == [(0, 3), (1, 3)]


def test_the_margins_are_those_of_the_teachers_batch_norms() -> None:
    made = trainer("ofd")
    assert made.teacher is not None
    for place, norm in enumerate(made.teacher.norms):
        with torch.no_grad():
            norm.bias.fill_(0.5 * place)
    made = Trainer(made.student.network, made.loss, TINY, made.stream, 0, made.teacher)
    expected = [batch_norm_margin(norm.weight, norm.bias) for norm in made.teacher.norms]  # type: ignore[union-attr]
    assert all(map(torch.equal, made.student.head.margins, expected))  # type: ignore[union-attr,arg-type]


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


def test_top_five_of_more_than_five_classes() -> None:
    """Of an untrained network whose batch norms have seen the images, so that it does not always say the same."""
    stream = Stream("embedded:12@8", 0, torch.device("cpu"))
    network = initialise(build_network(CELL, 12, 8, 1), "kaiming", 0)
    network.train()(load_images("embedded:12@8").normalise(stream.test[0]))
    found = accuracy(network, stream)
    assert found == pytest.approx(by_hand(network, "embedded:12@8", stream.test), rel=1e-5)
    assert 0 < found[0] < found[1] < 100


def test_taking_turns_changes_nothing() -> None:
    alone = [trainer("kd"), trainer("ce", seed=1)]
    for each in alone:
        each.train_epoch()
    together = [trainer("kd"), trainer("ce", seed=1)]
    train_together(together)
    assert all(same(a, b) for a, b in zip(alone, together, strict=True))


def test_two_seeds_differ_and_one_seed_repeats() -> None:
    runs = [trainer("ce", seed=seed) for seed in (0, 0, 1)]
    for run in runs:
        run.train_epoch()
    assert same(runs[0], runs[1]) and not same(runs[0], runs[2])


def test_only_a_peer_learns_beside_the_student() -> None:
    for loss, learns in (("fitnet", False), ("dml", True)):
        made = trainer(loss)
        assert made.teacher is not None
        before = {k: v.clone() for k, v in made.teacher.state_dict().items()}
        made.train_epoch()
        assert learns != all(torch.equal(before[k], v) for k, v in made.teacher.state_dict().items())


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
    file.write_bytes(_flipped(whole, 8 * 500 + 3))
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
    for damaged in (_flipped(whole, 8 * 500 + 3), _flipped(whole, 11), whole[:-1], b"", b"something else"):
        file.write_bytes(damaged)
        again = trainer("kd").stream.epoch(0).teacher_logits
        assert again is not None and torch.equal(first, again) and file.read_bytes() == whole
        assert f"warning: {file} is " in capsys.readouterr().err
    monkeypatch.setattr("benchmarks.distill.stream.predict", None)  # nobody is asked again
    again = trainer("kd").stream.epoch(0).teacher_logits
    assert again is not None and torch.equal(first, again)


def _flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


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
    for damaged in (content[:1000], _flipped(content, 4 * len(content)), b"something else"):
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


def test_schedules() -> None:
    steps = get_protocol("repdistiller")
    assert [round(steps.rate(epoch * 10, 10), 8) for epoch in (0, 149, 150, 180, 239)] == [
        0.05,
        0.05,
        0.005,
        0.0005,
        5e-5,
    ]
    assert get_protocol("authors90").rate(90 * 196 - 1, 196) == 0.1  # decay epochs that are never reached
    one = get_protocol("lite")
    rates = [one.rate(step, 97) for step in range(12 * 97)]
    assert max(rates) == pytest.approx(0.3, rel=0.01) and rates.index(max(rates)) == pytest.approx(0.2 * 12 * 97, abs=2)
    assert 0 < rates[-1] < 1e-3
    cosine = replace(one, schedule="cosine")
    assert cosine.rate(6 * 97, 97) == pytest.approx(0.15, rel=0.01)


def test_a_shorter_run_has_the_schedule_scaled_and_says_so() -> None:
    whole = get_protocol("repdistiller")
    short = whole.lasting(24)
    assert short.milestones == (15, 18, 21) and "24 of its 240 epochs" in short.note
    for epoch in range(24):
        assert short.rate(epoch * 10, 10) == whole.rate(epoch * 100, 10)
    odd = whole.lasting(3)  # the rate falls within an epoch
    assert [odd.rate(step, 8) for step in (14, 15, 18, 21)] == pytest.approx([0.05, 0.005, 5e-4, 5e-5])
    assert whole.lasting(240) is whole and get_protocol("lite").lasting(3).teacher_epochs == 36


def test_teachers_keep_their_own_schedule() -> None:
    assert get_protocol("repdistiller").lasting(6).of_teachers().milestones == (150, 180, 210)
    assert get_protocol("small").of_teachers().epochs == 24 and get_protocol("glance").of_teachers().epochs == 3


def test_protocols_are_named_by_themselves_and_unknown_ones_refused() -> None:
    assert all(name == protocol.name for name, protocol in PROTOCOLS.items())
    with pytest.raises(UsageError, match="Did you mean lite"):
        get_protocol("lita")


def test_first_of_each_class() -> None:
    y = torch.tensor([1, 0, 1, 0, 1, 0])
    assert first_of_each_class(y, 2).tolist() == [0, 1, 2, 3]
    with pytest.raises(UsageError, match="4 images of each class"):
        first_of_each_class(y, 4)


def test_too_few_images_for_a_batch() -> None:
    with pytest.raises(DataError, match="make no batch of 512"):
        trainer("ce", replace(TINY, batch_size=512)).train_epoch()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "top1"), [("resnet20", 68.83), ("resnet56", 72.61)])
def test_the_reference_teachers_reach_their_accuracy(
    name: str, top1: float, reference_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(reference_data))
    classes = load_images("cifar100").classes
    teacher = trained_teacher(name, "cifar100", classes)
    measured, _, _ = accuracy(teacher, Stream("cifar100", 4, torch.device("cpu")))
    assert round(measured, 2) == top1


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
