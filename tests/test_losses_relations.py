"""Losses on relations against naive loops, and what must not change them."""

import numpy as np
import pytest
import torch
from losses_support import double

from diswot_errors import UsageError
from proxies.distillation.losses import cc, ickd, pkt, rkd, sp


def array(x: torch.Tensor) -> np.ndarray:
    return x.detach().numpy()


def unit_rows(g: np.ndarray) -> np.ndarray:
    return g / np.linalg.norm(g, axis=1, keepdims=True)


def huber(a: float) -> float:
    return 0.5 * a * a if abs(a) < 1 else abs(a) - 0.5


def test_sp_worked_by_hand():
    # student Gram [[1, 1], [1, 2]], teacher the identity
    student, teacher = torch.tensor([[1.0, 0.0], [1.0, 1.0]]), torch.eye(2)
    first = (1 / np.sqrt(2) - 1) ** 2 + 1 / 2
    second = 1 / 5 + (2 / np.sqrt(5) - 1) ** 2
    assert sp(student, teacher).item() == pytest.approx((first + second) / 4)


def test_sp_against_numpy():
    student, teacher = double(4, 3, 2, 2, seed=1), double(4, 5, 3, 3, seed=2)
    s, t = (unit_rows(f.reshape(4, -1) @ f.reshape(4, -1).T) for f in (array(student), array(teacher)))
    assert sp(student, teacher).item() == pytest.approx(((s - t) ** 2).sum() / 16)


def relational(student: np.ndarray, teacher: np.ndarray) -> float:
    def parts(x):
        n = len(x)
        d = np.array([[np.linalg.norm(a - b) for b in x] for a in x])
        angle = np.zeros((n, n, n))
        for i in range(n):
            for j in range(n):
                for k in range(n):
                    a, b = x[j] - x[i], x[k] - x[i]
                    if i not in (j, k):
                        angle[i, j, k] = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        return d / d[d > 0].mean(), angle

    (d_s, a_s), (d_t, a_t) = parts(student), parts(teacher)
    distance = np.mean([huber(v) for v in (d_s - d_t).ravel()])
    return 25 * distance + 50 * np.mean([huber(v) for v in (a_s - a_t).ravel()])


def test_rkd_against_a_loop():
    student, teacher = double(5, 3, seed=1), double(5, 7, seed=2)
    assert rkd(student, teacher).item() == pytest.approx(relational(array(student), array(teacher)))


def test_rkd_ignores_translation_rotation_and_scale():
    student, teacher = double(5, 3, seed=1), double(5, 3, seed=2)
    rotation, _ = torch.linalg.qr(double(3, 3, seed=3))
    torch.testing.assert_close(rkd(2.5 * student @ rotation + 4, teacher), rkd(student, teacher))


def test_pkt_against_numpy():
    student, teacher = double(4, 3, seed=1), double(4, 6, seed=2)

    def probabilities(x):
        similarity = (unit_rows(x) @ unit_rows(x).T + 1) / 2
        return similarity / similarity.sum(1, keepdims=True)

    p_s, p_t = probabilities(array(student)), probabilities(array(teacher))
    expected = (p_t * np.log((p_t + 1e-7) / (p_s + 1e-7))).mean()
    assert pkt(student, teacher).item() == pytest.approx(expected)
    torch.testing.assert_close(pkt(3 * student, teacher), pkt(student, teacher))


def test_cc_worked_by_hand():
    student = torch.tensor([[1.0, 0.0], [0.0, 3.0], [2.0, -1.0]])
    teacher = torch.tensor([[0.0, 2.0], [0.0, 0.0], [0.0, 0.0]])
    # |d| = (1, 2), (0, 3), (2, 1): products 6 and 3
    assert cc(student, teacher).item() == pytest.approx(4.5)
    with pytest.raises(UsageError, match="batch of at least 2, got 1"):
        cc(student[:1], teacher[:1])


def test_ickd_against_a_loop():
    student, teacher = double(3, 4, 2, 2, seed=1), double(3, 4, 3, 3, seed=2)
    expected = 0.0
    for n in range(3):
        s, t = (f[n].reshape(4, -1) for f in (array(student), array(teacher)))
        expected += ((unit_rows(s @ s.T) - unit_rows(t @ t.T)) ** 2).sum()
    assert ickd(student, teacher).item() == pytest.approx(expected / (3 * 4))
    with pytest.raises(UsageError, match="channels differ: student 4, teacher 5"):
        ickd(student, double(3, 5, 2, 2))


@pytest.mark.parametrize("function", [sp, rkd, pkt])
def test_sample_relations_ignore_the_order_of_channels_and_allow_any_width(function):
    student, teacher = double(5, 6, seed=1), double(5, 4, seed=2)
    torch.testing.assert_close(function(student[:, [3, 1, 0, 2, 5, 4]], teacher), function(student, teacher))


def test_ickd_sees_the_order_of_channels():
    student, teacher = double(3, 4, 2, 2, seed=1), double(3, 4, 2, 2, seed=2)
    order = [3, 0, 1, 2]
    torch.testing.assert_close(ickd(student[:, order], teacher[:, order]), ickd(student, teacher))
    assert abs(ickd(student[:, order], teacher) - ickd(student, teacher)) > 1e-3


@pytest.mark.parametrize("function", [sp, rkd, pkt, cc])
def test_gradients(function):
    torch.autograd.gradcheck(function, (double(4, 3, seed=1), double(4, 3, seed=2)))


def test_ickd_gradient():
    torch.autograd.gradcheck(ickd, (double(2, 3, 2, 2, seed=1), double(2, 3, 2, 2, seed=2)))


def test_sp_does_not_overflow_on_huge_features():
    student, teacher = double(4, 3, seed=1).float(), double(4, 3, seed=2).float()
    torch.testing.assert_close(sp(student * 1e25, teacher * 1e-25), sp(student, teacher), rtol=1e-4, atol=1e-6)
