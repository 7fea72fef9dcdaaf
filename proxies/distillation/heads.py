"""Trained companions of some losses: regressors, embeddings, branches. Part of the training, thrown away after it.

Each is built from example features of both networks (only shapes are read, and for OFD the teacher's negative values).
A head that only bridges widths is left out where the widths are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diswot_errors import UsageError
from proxies.distillation.contrast import ContrastHead
from proxies.distillation.record import FeaturesLike, HeadSetup

VARIANCE_START, VARIANCE_FLOOR = 5.0, 1e-5
REVIEW_WIDTH = 64
EMBEDDING_WIDTH = 128
ONE_BRANCHES = 3


def convolution(width_in: int, width_out: int, size: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, then batch norm."""
    conv = nn.Conv2d(width_in, width_out, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width_out))


def _as_weights(x: Tensor, module: nn.Module) -> Tensor:
    return x.to(next(module.parameters()).dtype)


class Regressor(nn.Module):
    """Student's map to the teacher's width: 1x1 convolution and batch norm, no ReLU (a teacher's map may be signed)."""

    def __init__(self, student_width: int, teacher_width: int) -> None:
        super().__init__()
        self.layers = convolution(student_width, teacher_width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_S, H, W) -> (B, C_T, H, W)."""
        return self.layers(_as_weights(x, self))


class StageRegressors(nn.Module):
    """One regressor a stage; with OFD's margins (C_i,) as buffers."""

    def __init__(self, student: list[int], teacher: list[int], margins: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.regressors = nn.ModuleList(Regressor(s, t) for s, t in zip(student, teacher, strict=True))
        for index, margin in enumerate(margins):
            self.register_buffer(f"margin{index}", margin.detach().float().clone())

    @property
    def margins(self) -> list[Tensor]:
        """The margins, one (C_i,) per stage."""
        return [self.get_buffer(f"margin{index}") for index in range(len(self.regressors))]

    def forward(self, stages: tuple[Tensor, ...]) -> list[Tensor]:
        """The student's stages at the teacher's widths."""
        return [regressor(x) for regressor, x in zip(self.regressors, stages, strict=True)]


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
        means = [predict(_as_weights(x, self)) for predict, x in zip(self.predictors, stages, strict=True)]
        return means, [F.softplus(raw) + VARIANCE_FLOOR for raw in self.raw_variances]


class Embeddings(nn.Module):
    """CC: both networks' pooled features to one width by a linear layer each."""

    def __init__(self, student_width: int, teacher_width: int, width: int = EMBEDDING_WIDTH) -> None:
        super().__init__()
        self.student, self.teacher = nn.Linear(student_width, width), nn.Linear(teacher_width, width)

    def forward(self, student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C_S), (B, C_T) -> (B, width) each."""
        return self.student(_as_weights(student, self)), self.teacher(_as_weights(teacher, self))


class Fusion(nn.Module):
    """ReviewKD's attention-based fusion of one stage with what came down from the deeper ones."""

    def __init__(self, width_in: int, width: int, width_out: int, fuse: bool) -> None:
        super().__init__()
        self.enter, self.leave = convolution(width_in, width), convolution(width, width_out, size=3)
        self.attention = nn.Conv2d(2 * width, 2, 1) if fuse else None
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module is not self.attention:
                nn.init.kaiming_uniform_(module.weight, a=1)

    def forward(self, x: Tensor, deeper: Tensor | None, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) and the deeper residue -> the map to compare at `size`, and the residue for the next stage."""
        x = self.enter(x)
        if self.attention is not None and deeper is not None:
            deeper = F.interpolate(deeper, x.shape[2:], mode="nearest")
            share = self.attention(torch.cat([x, deeper], dim=1)).sigmoid()
            x = x * share[:, :1] + deeper * share[:, 1:]
        residue = x
        if tuple(x.shape[2:]) != size:
            x = F.interpolate(x, size, mode="nearest")
        return self.leave(x), residue


class ReviewHead(nn.Module):
    """ReviewKD: fusions from the pooled feature (a 1x1 map) up to the first stage, each feeding the next shallower."""

    def __init__(self, student: list[int], teacher: list[int], width: int = REVIEW_WIDTH) -> None:
        super().__init__()
        pairs = list(zip(student, teacher, strict=True))
        deepest = len(pairs) - 1
        self.fusions = nn.ModuleList(Fusion(s, width, t, fuse=i < deepest) for i, (s, t) in enumerate(pairs))

    def forward(self, levels: list[Tensor], teacher: list[Tensor]) -> list[Tensor]:
        """Levels from shallow to deep -> maps of the teacher's shapes, in the same order."""
        fused: list[Tensor] = []
        residue: Tensor | None = None
        for fusion, x, target in zip(reversed(self.fusions), reversed(levels), reversed(teacher), strict=True):
            out, residue = fusion(_as_weights(x, self), residue, (target.shape[2], target.shape[3]))
            fused.append(out)
        return fused[::-1]


class EnsembleHead(nn.Module):
    """ONE: branches beside the student's last stage, and the gate that weighs all of them.

    The paper repeats the last stage itself; a head cannot know its architecture, so a branch here is two 3x3
    convolutions, pooling and a classifier on the map before the last stage, of the last stage's width and resolution.
    """

    def __init__(self, before: Tensor, last: Tensor, classes: int, branches: int = ONE_BRANCHES) -> None:
        super().__init__()
        width_in, width, stride = before.shape[1], last.shape[1], before.shape[2] // last.shape[2]
        self.branches = nn.ModuleList(
            nn.Sequential(
                *convolution(width_in, width, 3, stride), nn.ReLU(), *convolution(width, width, 3), nn.ReLU(),
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes),
            )
            for _ in range(branches - 1)
        )  # fmt: skip
        self.gate = nn.Sequential(nn.Linear(width_in, branches), nn.BatchNorm1d(branches), nn.ReLU())

    def forward(self, before: Tensor, logits: Tensor) -> tuple[list[Tensor], Tensor]:
        """The map before the last stage and the student's logits -> all branches' logits, gates (B, M)."""
        before = _as_weights(before, self)
        gates = self.gate(before.mean((2, 3))).float().softmax(1)
        return [logits, *(branch(before) for branch in self.branches)], gates


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


def hint_stage(features: FeaturesLike) -> Tensor:
    """FitNet's hint: the middle stage."""
    return features.stages[len(features.stages) // 2]


def levels(features: FeaturesLike) -> list[Tensor]:
    """ReviewKD's levels: the stages and the pooled feature as a 1x1 map."""
    return [*features.stages, features.pooled[:, :, None, None]]


def _widths(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> tuple[list[int], list[int]]:
    if len(student) != len(teacher):
        raise UsageError(
            f"student has {len(student)} levels of features, teacher {len(teacher)}; "
            "this loss pairs them one by one: take networks with the same number of stages"
        )
    return [x.shape[1] for x in student], [x.shape[1] for x in teacher]


def make_regressor(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """FitNet: always, as in the paper; the widths of the hint stages."""
    return Regressor(hint_stage(student).shape[1], hint_stage(teacher).shape[1])


def make_bridge(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """ICKD: student's last map to the teacher's width, only where they differ."""
    widths = student.last.shape[1], teacher.last.shape[1]
    return None if widths[0] == widths[1] else Regressor(*widths)


def make_embeddings(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """CC."""
    return Embeddings(student.pooled.shape[1], teacher.pooled.shape[1])


def make_variational(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """VID."""
    return VariationalHead(*_widths(student.stages, teacher.stages))


def make_review(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """ReviewKD."""
    return ReviewHead(*_widths(levels(student), levels(teacher)))


def make_overhaul(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """OFD: margins from the setup, else measured on the teacher's example features."""
    student_widths, teacher_widths = _widths(student.stages, teacher.stages)
    margins = setup.margins or tuple(measured_margin(x) for x in teacher.stages)
    if [len(margin) for margin in margins] != teacher_widths:
        raise UsageError(f"margins have widths {[len(m) for m in margins]}; expected the teacher's {teacher_widths}")
    return StageRegressors(student_widths, teacher_widths, margins)


def make_contrast(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """CRD: memories of the size of the training set, so the training labels must be in the setup."""
    if setup.labels is None:
        raise UsageError("crd keeps a memory of the training set: pass HeadSetup(labels=<training labels (N,)>)")
    return ContrastHead(student.pooled.shape[1], teacher.pooled.shape[1], setup.labels.cpu(), setup.seed)


def make_ensemble(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """ONE: of the student alone."""
    if len(student.stages) < 2:
        raise UsageError("one branches before the last stage: expected a student with at least 2 stages, got 1")
    return EnsembleHead(student.stages[-2], student.last, student.logits.shape[1])
