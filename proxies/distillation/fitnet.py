"""FitNet: the hint, position by position."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from proxies.authors import DISWOT_LOSSES
from proxies.distillation.heads import Regressor
from proxies.distillation.numerics import full_precision, require_equal, same_resolution
from proxies.distillation.published import repdistiller
from proxies.distillation.record import Context, FeaturesLike, HeadSetup
from proxies.distillation.registry import distiller

SETTING = repdistiller(
    "-b 100", 1.0, 100, "hint: the end of stage 2", "a larger map is average-pooled (theirs by a strided convolution)"
)


@full_precision
def fitnet(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared error between two maps (B, C, H, W) or two pooled features (B, C). Romero et al. 2015."""
    require_equal("channels", student.shape[1], teacher.shape[1], "train with a regressor (the loss's head)")
    if student.dim() == 4:
        student, teacher = same_resolution(student, teacher)
    return F.mse_loss(student, teacher)


def hint_stage(features: FeaturesLike) -> Tensor:
    """FitNet's hint: the middle stage."""
    return features.stages[len(features.stages) // 2]


def make_regressor(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """FitNet: always, as in the paper; the widths of the hint stages, and a ReLU as the teacher's map has one."""
    return nn.Sequential(Regressor(hint_stage(student).shape[1], hint_stage(teacher).shape[1]), nn.ReLU())


@distiller(
    "fitnet",
    needs=["stages"],
    paper="Romero et al. 2015",
    weight=100,
    head=make_regressor,
    published=SETTING,
    authors=DISWOT_LOSSES,
)
def fitnet_term(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    """mean (f^S - f^T)^2 between the maps of the middle stage, without regressor; equal widths only."""
    hint = hint_stage(student)
    return fitnet(hint if head is None else head(hint), hint_stage(teacher))
