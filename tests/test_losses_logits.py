"""Losses on logits against sums written out in numpy."""

import math

import numpy as np
import pytest
import torch
from losses_support import Shown, double, labels

from diswot_errors import UsageError
from proxies.distillation.dkd import dkd
from proxies.distillation.dml import dml
from proxies.distillation.logits import ce, kd
from proxies.distillation.losses import get
from proxies.distillation.one import one
from proxies.distillation.standardised import kd_ls, standardise


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


def decoupled(student: np.ndarray, teacher: np.ndarray, y: np.ndarray, beta: float, t: float) -> float:
    """DKD image by image, with the target's share and the other classes' shares written out."""
    total = 0.0
    for z_s, z_t, label in zip(student, teacher, y, strict=True):
        p, q = (softmax(z[None] / t)[0] for z in (z_s, z_t))
        shares = [np.array([x[label], 1 - x[label]]) for x in (p, q)]
        others = [np.delete(x, label) / (1 - x[label]) for x in (p, q)]
        for weight, (own, target) in ((1, shares), (beta, others)):
            total += weight * t**2 * float((target * np.log(target / own)).sum())
    return total / len(student)


@pytest.mark.parametrize("temperature", [2.0, 4.0])
def test_dkd_against_the_shares_written_out(temperature):
    student, teacher, y = double(6, 5, seed=1), double(6, 5, seed=2), labels()
    arrays = student.detach().numpy(), teacher.detach().numpy(), y.numpy()
    assert dkd(student, teacher, y, 1, 8, temperature).item() == pytest.approx(decoupled(*arrays, 8, temperature))
    assert dkd(student, teacher, y).item() == pytest.approx(decoupled(*arrays, 2, 4.0))  # the defaults
    torch.autograd.gradcheck(lambda s, t: dkd(s, t, y), (student, teacher))


def test_dkd_with_the_weights_that_make_it_kd():
    """KL splits: KL(p^T || p^S) = KL(b^T || b^S) + (1 - p_y^T) KL(q^T || q^S). One image, beta its 1 - p_y^T."""
    student, teacher, y = double(1, 5, seed=1), double(1, 5, seed=2), torch.tensor([3])
    beta = 1 - (teacher / 4).softmax(1)[0, 3].item()
    torch.testing.assert_close(dkd(student, teacher, y, 1, beta, 4.0), kd(student, teacher))


def test_dkd_of_saturated_logits_is_finite():
    student = torch.tensor([[1e4, 0.0, 1.0]], requires_grad=True)
    value = dkd(student, torch.tensor([[0.0, 1e4, 1.0]]), torch.tensor([0]))
    value.backward()
    assert value.isfinite() and student.grad.isfinite().all()


def test_standardised_logits_have_mean_zero_and_deviation_one():
    logits = 7 * double(4, 5, seed=1).detach() + 3
    z = logits.numpy()
    expected = (z - z.mean(1, keepdims=True)) / (z.std(1, ddof=1, keepdims=True) + 1e-7)
    np.testing.assert_allclose(standardise(logits).numpy(), expected)
    assert torch.equal(standardise(torch.full((2, 5), 3.0)), torch.zeros(2, 5))


def test_standardised_losses_are_those_of_standardised_logits_at_two():
    student, teacher, y = double(6, 5, seed=1).detach(), double(6, 5, seed=2).detach(), labels()
    u_s, u_t = ((z - z.mean(1, keepdims=True)) / z.std(1, ddof=1, keepdims=True)
                for z in (student.numpy(), teacher.numpy()))  # fmt: skip
    assert kd_ls(student, teacher).item() == pytest.approx(4 * kl(softmax(u_t / 2), softmax(u_s / 2)), rel=1e-6)
    shown = [Shown((), z, z, z, ()) for z in (student, teacher)]
    assert get("dkd_ls")(*shown, y).item() == pytest.approx(decoupled(u_s, u_t, y.numpy(), 2, 2.0), rel=1e-6)
    torch.testing.assert_close(kd_ls(3 * student + 1, teacher), kd_ls(student, teacher))  # no scale, no shift
