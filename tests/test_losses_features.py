"""Losses on maps against naive loops."""

import numpy as np
import pytest
import torch
from losses_support import double

from diswot_errors import UsageError
from proxies.distillation.losses import at, fitnet, hcl, nst, ofd, vid


def array(x: torch.Tensor) -> np.ndarray:
    return x.detach().numpy()


def test_fitnet_is_the_mean_squared_error_and_pools_the_larger_map():
    student, teacher = double(2, 3, 4, 4, seed=1), double(2, 3, 2, 2, seed=2)
    pooled = array(student).reshape(2, 3, 2, 2, 2, 2).mean((3, 5))
    assert fitnet(student, teacher).item() == pytest.approx(((pooled - array(teacher)) ** 2).mean())
    assert fitnet(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 4.0]])).item() == 2.0
    with pytest.raises(UsageError, match="channels differ: student 3, teacher 5"):
        fitnet(student, double(2, 5, 2, 2))


def test_at_against_a_loop():
    student = [double(2, 3, 4, 4, seed=1), double(2, 5, 2, 2, seed=2)]
    teacher = [double(2, 7, 4, 4, seed=3), double(2, 2, 2, 2, seed=4)]
    expected = 0.0
    for s, t in zip(map(array, student), map(array, teacher), strict=True):
        terms = []
        for n in range(2):
            q_s, q_t = ((f[n] ** 2).mean(0).ravel() for f in (s, t))
            terms.append((q_s / np.linalg.norm(q_s) - q_t / np.linalg.norm(q_t)) ** 2)
        expected += np.mean(terms)
    assert at(student, teacher).item() == pytest.approx(expected)


def test_at_ignores_scale_sign_and_order_of_channels():
    student, teacher = [double(2, 3, 4, 4, seed=1)], [double(2, 3, 4, 4, seed=2)]
    changed = [-7 * student[0][:, [2, 0, 1]]]
    torch.testing.assert_close(at(changed, teacher), at(student, teacher))


def discrepancy(s: np.ndarray, t: np.ndarray) -> float:
    """NST over all pairs of channels, written out."""
    unit = [[[c.ravel() / np.linalg.norm(c) for c in sample] for sample in x] for x in (s, t)]

    def mean_kernel(a, b):
        return np.mean([[(x @ y) ** 2 for x in a[n] for y in b[n]] for n in range(len(a))])

    u_s, u_t = unit
    return mean_kernel(u_t, u_t) + mean_kernel(u_s, u_s) - 2 * mean_kernel(u_s, u_t)


@pytest.mark.parametrize("size", [1, 2, 3])  # channels more and fewer than positions
def test_nst_against_a_loop(size):
    student, teacher = double(2, 3, size, size, seed=1), double(2, 5, size, size, seed=2)
    assert nst([student], [teacher]).item() == pytest.approx(discrepancy(array(student), array(teacher)), abs=1e-12)


def test_nst_over_stages_is_a_sum_and_never_negative():
    maps = [double(3, 4, 3, 3, seed=i) for i in range(4)]
    total = nst(maps[:2], maps[2:])
    torch.testing.assert_close(total, nst(maps[:1], maps[2:3]) + nst(maps[1:2], maps[3:]))
    assert total > 0


def test_vid_is_the_gaussian_likelihood():
    mean, target, variance = (
        double(2, 3, 2, 2, seed=1),
        double(2, 3, 2, 2, seed=2),
        torch.tensor([0.5, 1.0, 4.0]).double(),
    )
    gaussian = torch.distributions.Normal(mean, variance.sqrt().view(1, 3, 1, 1))
    expected = -(gaussian.log_prob(target) + 0.5 * np.log(2 * np.pi)).mean()
    torch.testing.assert_close(vid([mean], [target], [variance]), expected)


def test_ofd_worked_by_hand():
    # margin -1. teacher 2: counts, (s-2)^2. teacher -0.5, student -2: below it, nothing. student 1: (1+0.5)^2.
    # teacher -3 is lifted to -1: student 0 gives 1, student -2 nothing.
    teacher = torch.tensor([2.0, -0.5, -0.5, -3.0, -3.0, 0.0]).view(1, 1, 2, 3)
    student = torch.tensor([0.0, -2.0, 1.0, 0.0, -2.0, 5.0]).view(1, 1, 2, 3)
    margin = [torch.tensor([-1.0])]
    assert ofd([student], [teacher], margin).item() == pytest.approx(4 + 0 + 2.25 + 1 + 0 + 25)
    two_stages = ofd([student, student[..., :1]], [teacher, teacher[..., :1]], margin * 2)
    assert two_stages.item() == pytest.approx(32.25 / 2 + (4 + 1))  # of two stages the first counts half
    batch = ofd([student.repeat(4, 1, 1, 1)], [teacher.repeat(4, 1, 1, 1)], margin)
    assert batch.item() == pytest.approx(32.25)


def test_hcl_against_the_written_out_pyramid():
    student, teacher = double(2, 3, 8, 8, seed=1), double(2, 3, 8, 8, seed=2)
    s, t = array(student), array(teacher)

    def error(size):
        block = 8 // size
        s_pool, t_pool = (x.reshape(2, 3, size, block, size, block).mean((3, 5)) for x in (s, t))
        return ((s_pool - t_pool) ** 2).mean()

    expected = (error(8) + error(4) / 2 + error(2) / 4 + error(1) / 8) / (1 + 1 / 2 + 1 / 4 + 1 / 8)
    assert hcl([student], [teacher]).item() == pytest.approx(expected)
    point_s, point_t = student[:, :, :1, :1], teacher[:, :, :1, :1]
    torch.testing.assert_close(hcl([point_s], [point_t]), fitnet(point_s, point_t))


def test_stages_are_paired_or_refused():
    with pytest.raises(UsageError, match="student has 1 stages, teacher 2"):
        at([double(2, 3, 4, 4)], [double(2, 3, 4, 4)] * 2)
    with pytest.raises(UsageError, match="student has 0 stages"):
        nst([], [])


@pytest.mark.parametrize(
    "function",
    [fitnet, lambda s, t: at([s], [t]), lambda s, t: nst([s], [t]), lambda s, t: hcl([s], [t])],
    ids=["fitnet", "at", "nst", "hcl"],
)
def test_gradients(function):
    torch.autograd.gradcheck(function, (double(2, 3, 3, 3, seed=1), double(2, 3, 3, 3, seed=2)))
