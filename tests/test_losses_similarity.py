"""The DisWOT terms: the paper's form against Grad-CAM by autograd, the released forms against literal matrices."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from losses_support import double, labels

from diswot_errors import UsageError
from proxies.distillation import released
from proxies.distillation.ickd import ickd
from proxies.distillation.similarity import diswot_terms, m_r, m_s
from proxies.distillation.sp import sp

Y = labels()


def head_of(weight: torch.Tensor):
    """Global average pooling and a linear layer, as a function of the map."""
    return lambda maps: maps.mean((2, 3)) @ weight.T + 0.3


def grad_cam(maps: torch.Tensor, weight: torch.Tensor) -> np.ndarray:
    """Textbook Grad-CAM maps before the sum over channels: autograd of z_y, averaged over positions, times A."""
    leaf = maps.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(head_of(weight)(leaf)[torch.arange(len(Y)), Y].sum(), leaf)
    return (gradient.mean((2, 3), keepdim=True) * leaf).detach().numpy()


def unit(g: np.ndarray) -> np.ndarray:
    return g / np.linalg.norm(g)


def pair(student_width=4, teacher_width=4, student_size=3, teacher_size=3):
    maps = (
        double(6, student_width, student_size, student_size, seed=1),
        double(6, teacher_width, teacher_size, teacher_size, seed=2),
    )
    return *maps, double(5, student_width, seed=3), double(5, teacher_width, seed=4)


@pytest.mark.parametrize("teacher_size", [3, 5])
def test_m_s_channel_form_against_literal_grad_cam(teacher_size):
    student, teacher, w_s, w_t = pair(teacher_size=teacher_size)
    grams = []
    for maps, weight in ((student, w_s), (teacher, w_t)):
        g = grad_cam(maps, weight).transpose(1, 0, 2, 3).reshape(4, -1)
        grams.append(unit(g @ g.T))
    expected = np.linalg.norm(grams[1] - grams[0])
    assert m_s(student, teacher, w_s, w_t, Y).item() == pytest.approx(expected)


def test_m_s_worked_by_hand():
    # one sample of class 0, two channels, one position: G = (w_c A_c), Gram rank one
    student, teacher = torch.tensor([[1.0, 1.0]]).view(1, 2, 1, 1), torch.tensor([[1.0, 0.0]]).view(1, 2, 1, 1)
    weight = torch.tensor([[1.0, 1.0], [5.0, 5.0]])
    # G^S = 1/2 [[1, 1], [1, 1]], G^T = [[1, 0], [0, 0]]: difference 1/2 everywhere
    assert m_s(student, teacher, weight, weight, torch.tensor([0])).item() == pytest.approx(1.0)


@pytest.mark.parametrize("widths", [(4, 7), (4, 4)])
def test_m_s_class_form_against_a_loop(widths):
    student, teacher, w_s, w_t = pair(*widths, student_size=2, teacher_size=4)
    present = sorted(set(Y.tolist()))
    grams = []
    for maps, weight in ((student, w_s), (teacher, w_t)):
        heat = grad_cam(maps, weight).sum(1)
        if heat.shape[1] == 4:
            heat = heat.reshape(6, 2, 2, 2, 2).mean((2, 4))
        means = np.stack([heat[Y.numpy() == k].mean(0).ravel() for k in present])
        grams.append(unit(means @ means.T))
    expected = np.linalg.norm(grams[1] - grams[0])
    assert m_s(student, teacher, w_s, w_t, Y, form="class").item() == pytest.approx(expected)
    auto = m_s(student, teacher, w_s, w_t, Y)
    assert (auto.item() == pytest.approx(expected)) == (widths == (4, 7))


def test_m_r_against_numpy_for_different_networks():
    student, teacher = double(6, 4, 3, 3, seed=1), double(6, 7, 2, 2, seed=2)
    a_s, a_t = (
        unit(f.reshape(6, -1) @ f.reshape(6, -1).T) for f in (student.detach().numpy(), teacher.detach().numpy())
    )
    assert m_r(student, teacher).item() == pytest.approx(np.linalg.norm(a_t - a_s))


def test_m_r_worked_by_hand():
    student = torch.tensor([[1.0], [1.0]]).view(2, 1, 1, 1)  # A^S = 1/2 everywhere
    teacher = torch.eye(2).view(2, 2, 1, 1)  # A^T = I / sqrt 2
    expected = np.sqrt(2 * (1 / np.sqrt(2) - 0.5) ** 2 + 2 * 0.25)
    assert m_r(student, teacher).item() == pytest.approx(expected)


def test_both_terms_are_symmetric_distances_free_of_scale():
    student, teacher, w_s, w_t = pair()
    torch.testing.assert_close(m_s(student, teacher, w_s, w_t, Y), m_s(teacher, student, w_t, w_s, Y))
    torch.testing.assert_close(m_s(1e3 * student, teacher, 7 * w_s, w_t, Y), m_s(student, teacher, w_s, w_t, Y))
    torch.testing.assert_close(m_r(student, teacher), m_r(teacher, student))
    torch.testing.assert_close(m_r(1e3 * student, teacher), m_r(student, teacher))
    assert m_s(student, student, w_s, w_s, Y) == 0 and m_r(student, student) == 0


def test_channel_order_matters_to_m_s_and_not_to_m_r():
    student, teacher, w_s, w_t = pair()
    order = [2, 0, 3, 1]
    moved = m_s(student[:, order], teacher, w_s[:, order], w_t, Y)
    assert abs(moved - m_s(student, teacher, w_s, w_t, Y)) > 1e-3
    torch.testing.assert_close(
        m_s(student[:, order], teacher[:, order], w_s[:, order], w_t[:, order], Y), m_s(student, teacher, w_s, w_t, Y)
    )
    torch.testing.assert_close(m_r(student[:, order], teacher), m_r(student, teacher))
    torch.testing.assert_close(
        m_s(student[:, order], teacher, w_s[:, order], w_t, Y, form="class"),
        m_s(student, teacher, w_s, w_t, Y, form="class"),
    )


def test_no_overflow_and_no_underflow_in_single_precision():
    student, teacher, w_s, w_t = (x.float() for x in pair())
    for scale in (1e25, 1e-25):
        torch.testing.assert_close(
            m_s(scale * student, teacher, w_s, w_t, Y), m_s(student, teacher, w_s, w_t, Y), rtol=1e-4, atol=1e-6
        )
        torch.testing.assert_close(m_r(scale * student, teacher), m_r(student, teacher), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("teacher_width", [3, 4])
def test_diswot_terms_reach_both_networks_features_with_the_true_gradient(teacher_width):
    student, teacher, w_s, w_t = pair(3, teacher_width, 2, 2)
    torch.autograd.gradcheck(lambda *x: 1e3 * diswot_terms(*x, Y), (student, teacher, w_s, w_t))
    for gradient in torch.autograd.grad(diswot_terms(student, teacher, w_s, w_t, Y), (student, teacher, w_s, w_t)):
        assert gradient.abs().sum() > 0


def test_diswot_terms_weigh_by_the_squared_sides():
    student, teacher, w_s, w_t = pair()
    expected = m_s(student, teacher, w_s, w_t, Y) / 16 + m_r(student, teacher) / 36
    torch.testing.assert_close(diswot_terms(student, teacher, w_s, w_t, Y), expected)
    student, teacher, w_s, w_t = pair(4, 7)  # class form: four classes in the batch
    expected = m_s(student, teacher, w_s, w_t, Y) / 16 + m_r(student, teacher) / 36
    torch.testing.assert_close(diswot_terms(student, teacher, w_s, w_t, Y), expected)


def test_gradient_at_equality_is_zero_not_nan():
    student, _, w_s, _ = pair()
    (gradient,) = torch.autograd.grad(diswot_terms(student, student.detach(), w_s, w_s.detach(), Y), student)
    assert torch.equal(gradient, torch.zeros_like(gradient))


def test_refusals_name_the_reason():
    student, teacher, w_s, w_t = pair(4, 7)
    with pytest.raises(UsageError, match="student has 4 channels, teacher 7; use the class form"):
        m_s(student, teacher, w_s, w_t, Y, form="channel")
    with pytest.raises(UsageError, match="one class only"):
        m_s(student, teacher, w_s, w_t, torch.ones_like(Y))
    with pytest.raises(UsageError, match="classifier reads 7 channels, the last map has 4"):
        m_s(student, teacher, w_t, w_t, Y)
    with pytest.raises(UsageError, match="unknown form of M_s 'classes'"):
        m_s(student, teacher, w_s, w_t, Y, form="classes")


def classifier_gradients() -> tuple[torch.Tensor, torch.Tensor]:
    student, teacher, w_s, w_t = pair(student_size=3, teacher_size=2)
    return tuple(
        released.classifier_gradient(head_of(w)(maps), maps.mean((2, 3)), Y)
        for maps, w in ((student, w_s), (teacher, w_t))
    )


def test_the_classifier_gradient_equals_autograd():
    maps, _, weight, _ = pair()
    (expected,) = torch.autograd.grad(F.cross_entropy(head_of(weight)(maps), Y), weight)
    torch.testing.assert_close(released.classifier_gradient(head_of(weight)(maps), maps.mean((2, 3)), Y), expected)


def literal_ickd(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """(b, c, n): per item the c x c Gram with unit rows; sum of squares / (b c), as the released class computes it."""
    grams = [F.normalize(x @ x.mT, dim=2) for x in (student, teacher)]
    return (grams[1] - grams[0]).square().sum() / (student.shape[0] * student.shape[1])


def literal_sp(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """(b, n): the b x b Gram with unit rows; sum of squares / b^2."""
    grams = [F.normalize(x @ x.T, dim=1) for x in (student, teacher)]
    return (grams[1] - grams[0]).square().sum() / student.shape[0] ** 2


def test_m_s_gradient_equals_the_literal_matrices_and_the_closed_formula():
    student, teacher = classifier_gradients()
    value = released.m_s_gradient(student, teacher)
    torch.testing.assert_close(value, literal_ickd(student.unsqueeze(2), teacher.unsqueeze(2)))
    cosine = F.cosine_similarity(student, teacher, dim=1)
    agreement = (student.sign() * teacher.sign()).mean(1)
    torch.testing.assert_close(value, 2 / 5 * (1 - cosine * agreement).sum())
    torch.testing.assert_close(value, ickd(student.unsqueeze(2), teacher.unsqueeze(2)))


def test_m_s_gradient_follows_the_literal_form_through_dead_channels_and_saturation():
    student, teacher = (x.detach().clone() for x in classifier_gradients())
    student[:, 1], teacher[2] = 0, 0  # a dead channel; a class without any gradient
    student[3] *= 1e-7  # |g_i||g| around the floor of 1e-12 of the normalisation
    student[4] *= 1e-9
    value = released.m_s_gradient(student, teacher)
    torch.testing.assert_close(value, literal_ickd(student.unsqueeze(2), teacher.unsqueeze(2)))


def test_m_r_readme_is_similarity_preserving_over_samples():
    student, teacher = double(6, 4, 3, 3, seed=1), double(6, 7, 2, 2, seed=2)
    torch.testing.assert_close(
        released.m_r_readme(student, teacher), literal_sp(student.flatten(1), teacher.flatten(1))
    )


def test_m_r_pooled_is_the_first_image_as_channels():
    student, teacher = double(6, 4, seed=1), double(6, 4, seed=2)
    value = released.m_r_pooled(student, teacher)
    torch.testing.assert_close(value, literal_sp(student[0].view(4, 1), teacher[0].view(4, 1)))
    torch.testing.assert_close(value, released.m_r_pooled(student[:1], teacher[:1]))
    positive = released.m_r_pooled(student.abs(), teacher.abs())
    cosine = F.cosine_similarity(student[0].abs(), teacher[0].abs(), dim=0)
    torch.testing.assert_close(positive, 2 / 4 * (1 - cosine))


def test_m_r_map_is_the_first_image_as_channels():
    student, teacher = double(6, 4, 3, 3, seed=1), double(6, 4, 3, 3, seed=2)
    value = released.m_r_map(student, teacher)
    torch.testing.assert_close(value, literal_sp(student[0].flatten(1), teacher[0].flatten(1)))
    torch.testing.assert_close(value, sp(student[0], teacher[0]))


def test_rows_map_is_the_first_image_with_channels_as_samples():
    student, teacher = double(6, 4, 3, 3, seed=1), double(6, 4, 3, 3, seed=2)
    torch.testing.assert_close(released.rows_map(student, teacher), literal_ickd(student[0], teacher[0]))


@pytest.mark.parametrize("function", [released.m_s_gradient, released.m_r_pooled, released.m_r_map, released.rows_map])
def test_released_forms_refuse_different_widths(function):
    shape = (5, 4) if function in (released.m_s_gradient, released.m_r_pooled) else (5, 4, 3, 3)
    with pytest.raises(UsageError, match="channels differ: student 4, teacher 6"):
        function(double(*shape), double(5, 6, *shape[2:]))
