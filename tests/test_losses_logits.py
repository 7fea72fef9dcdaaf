"""Losses on logits against sums written out in numpy."""

import math

import numpy as np
import pytest
import torch
from losses_support import double, labels

from diswot_errors import UsageError
from proxies.distillation.dml import dml
from proxies.distillation.logits import ce, kd
from proxies.distillation.one import one


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def kl(p: np.ndarray, q: np.ndarray) -> float:
    return float((p * np.log(p / q)).sum() / len(p))


def test_ce_of_two_worked_samples():
    logits = torch.tensor([[0.0, 0.0], [math.log(3.0), 0.0]])
    assert ce(logits, torch.tensor([1, 0])).item() == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_kd_is_the_scaled_divergence_from_teacher_to_student(temperature):
    student, teacher = double(4, 5, seed=1), double(4, 5, seed=2)
    s, t = (softmax(z.detach().numpy() / temperature) for z in (student, teacher))
    assert kd(student, teacher, temperature).item() == pytest.approx(temperature**2 * kl(t, s))
    assert kd(student, teacher, temperature).item() != pytest.approx(temperature**2 * kl(s, t), rel=1e-3)


def test_kd_default_temperature_is_four_and_saturated_logits_stay_finite():
    student, teacher = double(4, 5, seed=1), double(4, 5, seed=2)
    assert kd(student, teacher) == kd(student, teacher, 4.0)
    wide = torch.tensor([[1e4, 0.0]], requires_grad=True)
    value = kd(wide, wide.detach().flip(1))
    value.backward()
    assert value.isfinite() and wide.grad.isfinite().all()


def test_kd_refuses_another_number_of_classes():
    with pytest.raises(UsageError, match="numbers of classes differ: student 5, teacher 10"):
        kd(torch.zeros(2, 5), torch.zeros(2, 10))


def test_kd_gradient_in_both_arguments():
    torch.autograd.gradcheck(kd, (double(3, 4, seed=1), double(3, 4, seed=2)))


def test_dml_moves_its_first_argument_only():
    own, peer = double(4, 5, seed=1), double(4, 5, seed=2)
    value = dml(own, peer)
    assert value.item() == pytest.approx(kl(softmax(peer.detach().numpy()), softmax(own.detach().numpy())))
    own_gradient, peer_gradient = torch.autograd.grad(value, (own, peer), allow_unused=True)
    assert own_gradient.abs().sum() > 0 and peer_gradient is None


def test_one_against_the_sum_written_out():
    branches = [double(6, 5, seed=i) for i in range(3)]
    gates = double(6, 3, seed=9).softmax(1)
    g, zs, y = gates.detach().numpy(), [b.detach().numpy() for b in branches], labels().numpy()
    ensemble = sum(g[:, [i]] * zs[i] for i in range(3))
    expected = -np.log(softmax(ensemble)[np.arange(6), y]).mean()
    for z in zs:
        expected += -np.log(softmax(z)[np.arange(6), y]).mean() + 9 * kl(softmax(ensemble / 3), softmax(z / 3))
    assert one(branches, gates, labels()).item() == pytest.approx(expected)


def test_one_trains_the_gate_through_the_ensemble_cross_entropy_only():
    branches = [double(6, 5, seed=i) for i in range(2)]
    raw = double(6, 2, seed=9)
    (from_one,) = torch.autograd.grad(one(branches, raw.softmax(1), labels()), raw)
    gates = raw.softmax(1)
    ensemble = sum(gates[:, [i]] * branches[i] for i in range(2))
    (from_ce,) = torch.autograd.grad(torch.nn.functional.cross_entropy(ensemble, labels()), raw)
    torch.testing.assert_close(from_one, from_ce)
