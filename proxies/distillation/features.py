"""Losses on feature maps, position by position: FitNet, AT, NST, VID, OFD, ReviewKD's pyramid.

Maps are (B, C, H, W). Resolutions may differ (the larger is average-pooled); where a formula needs equal widths, a
trained head (`heads`) brings the student to the teacher's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from diswot_errors import UsageError
from proxies.distillation.numerics import NORM_FLOOR, directions, full_precision, require_equal, same_resolution

Maps = Sequence[Tensor]
PYRAMID = (4, 2, 1)  # resolutions of ReviewKD's hierarchical context loss below the full one


@full_precision
def fitnet(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared error between two maps (B, C, H, W) or two pooled features (B, C). Romero et al. 2015."""
    require_equal("channels", student.shape[1], teacher.shape[1], "train with a regressor (the loss's head)")
    if student.dim() == 4:
        student, teacher = same_resolution(student, teacher)
    return F.mse_loss(student, teacher)


@full_precision
def at(student: Maps, teacher: Maps) -> Tensor:
    """Attention transfer: sum over stages of mean((q_S - q_T)^2), q = direction of mean_c f_c^2 over positions.

    Zagoruyko and Komodakis 2017; any two widths.
    """
    return _over_stages(_attention_distance, student, teacher)


def _attention_distance(student: Tensor, teacher: Tensor) -> Tensor:
    student, teacher = same_resolution(student, teacher)
    return (_attention(student) - _attention(teacher)).square().mean()


def _attention(x: Tensor) -> Tensor:
    return directions(x.square().mean(1).flatten(1), 1)


@full_precision
def nst(student: Maps, teacher: Maps) -> Tensor:
    """Neuron selectivity transfer, polynomial kernel: sum over stages of the squared maximum mean discrepancy

    E k(t, t') + E k(s, s') - 2 E k(s, t), k(a, b) = (a . b)^2, over pairs of channels, each of unit length over space.
    Huang and Wang 2017; any two widths.
    """
    return _over_stages(_selectivity_distance, student, teacher)


def _selectivity_distance(student: Tensor, teacher: Tensor) -> Tensor:
    student, teacher = same_resolution(student, teacher)
    s, t = student.flatten(2), teacher.flatten(2)
    # all cosines from products of the maps themselves: unit channels would cost more passes over them than the products
    ss, tt, st = s @ s.mT, t @ t.mT, s @ t.mT
    over_s, over_t = _inverse_lengths(ss), _inverse_lengths(tt)
    return _kernel(tt, over_t, over_t) + _kernel(ss, over_s, over_s) - 2 * _kernel(st, over_s, over_t)


def _inverse_lengths(gram: Tensor) -> Tensor:
    """1/|a_i| from a . a (B, C, C); a dead channel gets 0."""
    square = gram.diagonal(dim1=1, dim2=2)
    return torch.where(square <= NORM_FLOOR**2, torch.zeros_like(square), square.clamp_min(NORM_FLOOR**2).rsqrt())


def _kernel(products: Tensor, over_a: Tensor, over_b: Tensor) -> Tensor:
    return (products * over_a.unsqueeze(2) * over_b.unsqueeze(1)).square().mean()


@full_precision
def vid(means: Maps, teacher: Maps, variances: Sequence[Tensor]) -> Tensor:
    """Variational information: sum over stages of mean(((t - m)^2 / v + log v) / 2), v (C,) one variance per channel.

    Ahn et al. 2019; `means` are what the head predicts of the teacher's maps from the student's.
    """
    total = means[0].new_zeros(())
    for mean, target, variance in zip(means, teacher, variances, strict=True):
        mean, target = same_resolution(mean, target)
        v = variance.view(1, -1, 1, 1)
        total = total + ((target - mean).square() / v + v.log()).mean() / 2
    return total


@full_precision
def ofd(student: Maps, teacher: Maps, margins: Sequence[Tensor]) -> Tensor:
    """Overhaul of feature distillation: margin ReLU and partial L2, summed per sample, stage i of n halved n-1-i times.

    target = max(t, m), m (C,) the negative margin of each channel; a position counts where s > target or target > 0.
    Heo et al. 2019; `student` are maps already brought to the teacher's widths.
    """
    total, last = student[0].new_zeros(()), len(student) - 1
    for index, (s, t, margin) in enumerate(zip(student, teacher, margins, strict=True)):
        s, t = same_resolution(s, t)
        target = torch.maximum(t, margin.view(1, -1, 1, 1))
        counted = (s > target) | (target > 0)
        total = total + torch.where(counted, (s - target).square(), 0).sum() / 2 ** (last - index)
    return total / student[0].shape[0]


@full_precision
def hcl(student: Maps, teacher: Maps) -> Tensor:
    """ReviewKD's hierarchical context loss: MSE of the maps and of their 4, 2, 1 pyramids, halved at each level.

    Per stage the weights 1, 1/2, 1/4, ... are brought to sum one; stages are summed. Chen et al. 2021.
    """
    return _over_stages(_pyramid_distance, student, teacher)


def _pyramid_distance(student: Tensor, teacher: Tensor) -> Tensor:
    total, weight, weights = F.mse_loss(student, teacher), 1.0, 1.0
    for size in PYRAMID:
        if size < student.shape[2]:
            weight /= 2
            pooled = F.adaptive_avg_pool2d(student, size), F.adaptive_avg_pool2d(teacher, size)
            total, weights = total + weight * F.mse_loss(*pooled), weights + weight
    return total / weights


def _over_stages(distance: Callable[[Tensor, Tensor], Tensor], student: Maps, teacher: Maps) -> Tensor:
    if len(student) != len(teacher) or not student:
        raise UsageError(
            f"student has {len(student)} stages, teacher {len(teacher)}; "
            "a loss over stages compares them one by one: take networks with the same number (at least one)"
        )
    return torch.stack([distance(s, t) for s, t in zip(student, teacher, strict=True)]).sum()
