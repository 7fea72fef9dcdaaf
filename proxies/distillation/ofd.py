"""Overhaul of feature distillation: only what the teacher's ReLU would let pass."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from diswot_errors import UsageError
from proxies.distillation.heads import Regressor, paired_widths
from proxies.distillation.numerics import Maps, full_precision, same_resolution
from proxies.distillation.published import Published
from proxies.distillation.record import Context, FeaturesLike, HeadSetup
from proxies.distillation.registry import distiller

SETTING = Published(
    "OFD, CIFAR-100/distiller.py: 200 epochs, batch 128, rate .1 with Nesterov, x .1 at 100 and 150",
    *(1.0, 0.0, 1e-3),
    inside="stages 1/4, 1/2, 1; margin -3 |gamma| where a channel is negative in less than .1 % of cases",
    accuracy="median of the last epochs of 5 runs",
    differs="the teacher is in evaluation mode (theirs stays in training mode)",
)


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


class StageRegressors(nn.Module):
    """One regressor a stage, drawn from N(0, 2 / C_out); with OFD's margins (C_i,) as buffers."""

    def __init__(self, student: list[int], teacher: list[int], margins: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.regressors = nn.ModuleList(Regressor(s, t) for s, t in zip(student, teacher, strict=True))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, math.sqrt(2 / module.out_channels))
        for index, margin in enumerate(margins):
            self.register_buffer(f"margin{index}", margin.detach().float().clone())

    @property
    def margins(self) -> list[Tensor]:
        """The margins, one (C_i,) per stage."""
        return [self.get_buffer(f"margin{index}") for index in range(len(self.regressors))]

    def forward(self, stages: tuple[Tensor, ...]) -> list[Tensor]:
        """The student's maps at the teacher's widths."""
        return [regressor(x) for regressor, x in zip(self.regressors, stages, strict=True)]


def batch_norm_margin(weight: Tensor, bias: Tensor) -> Tensor:
    """OFD's margin E[x | x < 0] of x ~ N(bias, weight^2), per channel (C,): of the batch norm that ends a stage.

    bias - |weight| phi(b)/Phi(-b), b = bias/|weight|; where a channel is practically never negative, -3 |weight|.
    """
    sigma = weight.detach().double().abs()
    ratio = bias.detach().double() / sigma.clamp_min(1e-12)
    tail = torch.special.ndtr(-ratio)
    density = (-ratio.square() / 2).exp() / math.sqrt(2 * math.pi)
    margin = bias.double() - sigma * density / tail.clamp_min(1e-12)
    return torch.where(tail > 1e-3, margin, -3 * sigma).to(weight.dtype)


def measured_margin(x: Tensor) -> Tensor:
    """The same margin measured: mean of the negative values of each channel of (B, C, H, W), 0 where there are none."""
    x = x.detach().float()
    negative = x < 0
    return torch.where(negative, x, 0).sum((0, 2, 3)) / negative.sum((0, 2, 3)).clamp_min(1)


def make_overhaul(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """OFD: margins from the setup, else measured on the teacher's example features."""
    student_widths, teacher_widths = paired_widths(student.before, teacher.before)
    margins = setup.margins or tuple(measured_margin(x) for x in teacher.before)
    if [len(margin) for margin in margins] != teacher_widths:
        raise UsageError(f"margins have widths {[len(m) for m in margins]}; expected the teacher's {teacher_widths}")
    return StageRegressors(student_widths, teacher_widths, margins)


@distiller(
    "ofd",
    needs=["before"],
    paper="Heo et al. 2019",
    weight=1e-3,
    head=make_overhaul,
    head_required=True,
    published=SETTING,
)
def ofd_term(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    """The term of `ofd` on the maps before the last ReLU of each stage, with the head's regressors and margins."""
    assert isinstance(head, StageRegressors)
    return ofd(head(student.before), teacher.before, head.margins)
