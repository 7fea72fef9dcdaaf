"""Training by hand: one step, the order of images, the numbers of the recipes."""

from dataclasses import replace

import pytest
import torch
from distill_support import TINY, trainer

from benchmarks.distill.protocols import PROTOCOLS, get_protocol
from benchmarks.distill.stream import every_nth_of_each_class
from benchmarks.distill.teaching import School
from proxies.distillation import losses

pytestmark = pytest.mark.usefixtures("cache")


def test_each_epoch_has_an_order_and_an_augmentation_of_its_own() -> None:
    stream = trainer("ce").stream
    orders = [stream.order(seed, epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert all(torch.equal(each.sort().values, torch.arange(len(stream))) for each in orders)
    assert not any(torch.equal(a, b) for i, a in enumerate(orders) for b in orders[:i])
    assert torch.equal(stream.order(0, 1), orders[1])
    assert not torch.equal(stream.epoch(0).x, stream.epoch(1).x) and torch.equal(stream.epoch(0).y, stream.epoch(1).y)


def test_one_step_is_sgd_with_decay_and_momentum() -> None:
    """Against the written out update: g' = g + d w, m = mu m + g', nesterov: w -= rate (g' + mu m)."""
    protocol = replace(TINY, momentum=0.8, weight_decay=0.1, nesterov=True)
    learner = trainer("ce", protocol).student
    weight = next(learner.network.parameters())
    w, m = weight.detach().clone(), torch.zeros_like(weight)
    for rate in (0.5, 0.25):
        learner.set_rate(rate)
        learner.step((weight * 3).sum())
        g = 3 + 0.1 * w
        m = 0.8 * m + g
        w = w - rate * (g + 0.8 * m)
        assert torch.allclose(weight, w)


def test_the_temperature_of_the_kd_term_is_that_of_the_protocol() -> None:
    cold, warm = (trainer("diswot+", replace(TINY, temperature=t, epochs=1)).train_epoch().loss for t in (1.0, 8.0))
    assert cold != warm


def test_every_nth_of_each_class_is_held_out() -> None:
    y = torch.tensor([0, 1, 0, 0, 1, 1, 0, 1])
    assert every_nth_of_each_class(y, 2).nonzero()[:, 0].tolist() == [2, 4, 6, 7]


def test_the_last_epochs_are_tested() -> None:
    lite = get_protocol("lite")
    assert [epoch for epoch in range(1, 13) if lite.tests(epoch)] == [11, 12]
    assert all(get_protocol("repdistiller").tests(epoch) for epoch in range(1, 241))


def test_the_numbers_of_the_recipes() -> None:
    """Batch, rate, momentum, decay, temperature: RepDistiller's as its paper has them, the harvest's by its card."""
    numbers = {
        name: (p.batch_size, p.learning_rate, p.momentum, p.nesterov, p.weight_decay, p.temperature)
        for name, p in PROTOCOLS.items()
    }
    assert numbers["repdistiller"] == (64, 0.05, 0.9, False, 5e-4, 4.0)
    assert numbers["lite"] == (128, 0.3, 0.9, True, 5e-4, 4.0)


def test_the_assistant_is_nearest_to_the_geometric_mean(tmp_path, monkeypatch) -> None:
    """Parameters of 20, 32, 44, 56, 110 with 100 classes: .278, .473, .667, .862, 1.737 million.
    20 and 110: sqrt is .695, ResNet-44; their mean, 1.01, would be ResNet-56."""
    taken = []
    monkeypatch.setattr(School, "_trained", lambda self, say: None)
    monkeypatch.setattr(School, "_train", lambda self, name, *rest: taken.append((name, rest[3])))
    School(None, 100, replace(TINY, teacher="resnet110"), tmp_path, "cpu").teacher_for(losses.get("atkd"), print)
    School(None, 100, replace(TINY, teacher="resnet56", teacher_epochs=240), tmp_path, "cpu").teacher_for(
        losses.get("eskd"), print
    )
    assert taken == [("resnet44", None), ("resnet56", 80)]
