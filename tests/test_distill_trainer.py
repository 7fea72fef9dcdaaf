"""The training loop: every loss trains and is tested by hand, neighbours change nothing, who learns what."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from distill_support import CELL, TINY, by_hand, same, teacher, trainer
from torch import nn

from benchmarks.distill.stream import Stream
from benchmarks.distill.trainer import Trainer, accuracy, train_together
from diswot_errors import UsageError
from nb201_data.images import load_images
from nb201_data.networks import build_network
from nb201_data.teachers import trained_teacher
from proxies.distillation import losses
from proxies.distillation.ofd import batch_norm_margin
from proxies.distillation.published import WarmUp
from proxies.inits import initialise

pytestmark = pytest.mark.usefixtures("cache")


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


class Foreign(nn.Module):
    """A classifier of somebody else's, which draws by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.out = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.body(x))


def _foreign(loss: str, seed: int = 0) -> Trainer:
    record, cpu = losses.get(loss), torch.device("cpu")
    stream = Stream(TINY.images, TINY.padding, cpu, teacher(), TINY.per_class)
    student = initialise(Foreign(), "kaiming", seed)
    return Trainer(student, record, TINY, stream, seed, teacher() if record.teacher else None)


@pytest.mark.parametrize("loss", ["ce", "kd", "dkd", "dml", "kd+dkd"])
def test_any_network_learns_from_answers_and_what_it_draws_is_its_seeds(loss: str) -> None:
    made = [_foreign(loss) for _ in range(3)]
    torch.manual_seed(5)
    one = [made[0].train_epoch().loss for _ in range(2)]
    two = [result.loss for result in train_together(made[1:])]
    assert two == [one[0]] * 2 and math.isfinite(one[1])
    assert made[2].train_epoch().loss == one[1]
    resumed = _foreign(loss)
    resumed.load(made[1].state())
    assert resumed.train_epoch().loss == one[1] != _foreign(loss, 1).train_epoch().loss


@pytest.mark.parametrize("loss", ["fitnet", "at", "kd+at", "crd"])
def test_a_loss_that_looks_inside_needs_a_network_that_shows_it(loss: str) -> None:
    with pytest.raises(UsageError, match=r"looks inside the student, and Foreign shows its logits only"):
        _foreign(loss)
