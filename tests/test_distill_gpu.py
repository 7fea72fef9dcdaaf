"""On a GPU: captured steps train like plain ones, and trainers that take turns do not touch each other."""

import pytest
import torch
from distill_support import CELL, TINY, teacher

from benchmarks.distill.graph import WARM_UP, StepRunner
from benchmarks.distill.stream import Stream
from benchmarks.distill.trainer import Trainer, train_together
from nb201_data.networks import build_network
from proxies.distillation import losses
from proxies.inits import initialise


def test_without_capture_every_step_runs_as_it_is() -> None:
    seen: list[float] = []

    def step(x: torch.Tensor) -> torch.Tensor:
        seen.append(x.item())
        return x

    runner = StepRunner(step, torch.device("cpu"), capture=True)
    for i in range(2 * WARM_UP):
        with runner.on_stream():
            runner(torch.tensor(float(i)))
    runner.end()
    assert seen == [float(i) for i in range(2 * WARM_UP)]


def _trainer(loss: str, seed: int, capture: bool) -> Trainer:
    device = torch.device("cuda")
    teaching = teacher()
    stream = Stream(TINY.images, TINY.padding, device, teaching, TINY.per_class)
    student = build_network(CELL, 4, TINY.channels, TINY.cells_per_stage)
    initialise(student, "kaiming", seed)
    made = Trainer(student, losses.get(loss), TINY, stream, seed, teaching)
    made._runner.capture = made._runner.capture and capture
    return made


@pytest.mark.gpu
@pytest.mark.parametrize("loss", ["ce", "kd", "dkd"])
def test_captured_steps_train_like_plain_ones(loss: str) -> None:
    plain, captured = _trainer(loss, 0, capture=False), _trainer(loss, 0, capture=True)
    for _ in range(3):
        a, b = plain.train_epoch(), captured.train_epoch()
        assert a.loss == pytest.approx(b.loss, rel=1e-2)
    assert captured._runner.graph is not None and plain._runner.graph is None


@pytest.mark.gpu
def test_answers_are_prepared_before_any_training() -> None:
    """As the workers of a harvest do: the teacher is where the images are."""
    stream = Stream(TINY.images, TINY.padding, torch.device("cuda"), teacher(), TINY.per_class)
    stream.prepare(0)
    assert stream.epoch(0).teacher_logits is not None


@pytest.mark.gpu
def test_trainers_on_streams_of_their_own_do_not_touch_each_other() -> None:
    alone = [_trainer("kd", 0, capture=True), _trainer("ce", 1, capture=True)]
    results = [each.train_epoch() for each in alone]
    together = train_together([_trainer("kd", 0, capture=True), _trainer("ce", 1, capture=True)])
    for a, b in zip(results, together, strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-2)
