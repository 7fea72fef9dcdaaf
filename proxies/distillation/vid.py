"""Variational information distillation: how much of the teacher's maps can be told from the student's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from proxies.distillation.heads import as_weights, paired_widths
from proxies.distillation.numerics import Maps, full_precision, same_resolution
from proxies.distillation.published import repdistiller
from proxies.distillation.record import Context, FeaturesLike, HeadSetup
from proxies.distillation.registry import distiller

VARIANCE_START, VARIANCE_FLOOR = 5.0, 1e-5
SETTING = repdistiller("-b 1", 1.0, 1, "variance 5 at the start, at least 1e-5")


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


class VariationalHead(nn.Module):
    """VID: per stage a predictor of the teacher's map (three 1x1 convolutions) and one variance per channel."""

    def __init__(self, student: list[int], teacher: list[int]) -> None:
        super().__init__()
        self.predictors = nn.ModuleList(self._predictor(s, t) for s, t in zip(student, teacher, strict=True))
        start = math.log(math.expm1(VARIANCE_START - VARIANCE_FLOOR))
        self.raw_variances = nn.ParameterList(nn.Parameter(torch.full((t,), start)) for t in teacher)

    @staticmethod
    def _predictor(student: int, teacher: int) -> nn.Sequential:
        widths = [student, teacher, teacher, teacher]
        layers: list[nn.Module] = []
        for width_in, width_out in pairwise(widths):
            layers += [nn.Conv2d(width_in, width_out, 1, bias=False), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    def forward(self, stages: tuple[Tensor, ...]) -> tuple[list[Tensor], list[Tensor]]:
        """Predicted means (B, C_i, H_i, W_i) and variances (C_i,), variance = softplus(raw) + 1e-5."""
        means = [predict(as_weights(x, self)) for predict, x in zip(self.predictors, stages, strict=True)]
        return means, [F.softplus(raw) + VARIANCE_FLOOR for raw in self.raw_variances]


def make_variational(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """VID."""
    return VariationalHead(*paired_widths(student.stages, teacher.stages))


@distiller(
    "vid", needs=["stages"], paper="Ahn et al. 2019", head=make_variational, head_required=True, published=SETTING
)
def vid_term(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    """The term of `vid`, with the head's means and variances."""
    assert head is not None
    means, variances = head(student.stages)
    return vid(means, teacher.stages, variances)
