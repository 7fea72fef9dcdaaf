"""ReviewKD: deep stages of the student reviewed by shallow ones of the teacher."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from proxies.distillation.heads import as_weights, convolution, paired_widths
from proxies.distillation.numerics import Maps, full_precision, over_stages
from proxies.distillation.published import BEST, Published, WarmUp
from proxies.distillation.record import Context, FeaturesLike, HeadSetup
from proxies.distillation.registry import distiller

PYRAMID = (4, 2, 1)  # resolutions of the hierarchical context loss below the full one
WIDEST = 512
WARM_UP = WarmUp(epochs=20, first=0)
SETTING = Published(
    "ReviewKD, CIFAR-100/script/reviewKD.sh, ResNet-56 to ResNet-20: batch 128, rate .1 with Nesterov",
    *(1.0, 0.0, 0.6, WARM_UP),
    inside="pyramid 4, 2, 1 at 1/2, 1/4, 1/8; fusions as wide as the student's deepest level, 512 at most",
    accuracy=BEST,
    differs="1 for ResNet-110 to ResNet-32, 5 to 8 for other pairs: one weight here",
)


@full_precision
def hcl(student: Maps, teacher: Maps) -> Tensor:
    """ReviewKD's hierarchical context loss: MSE of the maps and of their 4, 2, 1 pyramids, halved at each level.

    Per stage the weights 1, 1/2, 1/4, ... are brought to sum one; stages are summed. Chen et al. 2021.
    """
    return over_stages(_pyramid_distance, student, teacher)


def _pyramid_distance(student: Tensor, teacher: Tensor) -> Tensor:
    total, weight, weights = F.mse_loss(student, teacher), 1.0, 1.0
    for size in PYRAMID:
        if size < student.shape[2]:
            weight /= 2
            pooled = F.adaptive_avg_pool2d(student, size), F.adaptive_avg_pool2d(teacher, size)
            total, weights = total + weight * F.mse_loss(*pooled), weights + weight
    return total / weights


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

    def __init__(self, student: list[int], teacher: list[int]) -> None:
        super().__init__()
        width = min(WIDEST, student[-1])
        pairs = list(zip(student, teacher, strict=True))
        deepest = len(pairs) - 1
        self.fusions = nn.ModuleList(Fusion(s, width, t, fuse=i < deepest) for i, (s, t) in enumerate(pairs))

    def forward(self, levels: list[Tensor], teacher: list[Tensor]) -> list[Tensor]:
        """Levels from shallow to deep -> maps of the teacher's shapes, in the same order."""
        fused: list[Tensor] = []
        residue: Tensor | None = None
        for fusion, x, target in zip(reversed(self.fusions), reversed(levels), reversed(teacher), strict=True):
            out, residue = fusion(as_weights(x, self), residue, (target.shape[2], target.shape[3]))
            fused.append(out)
        return fused[::-1]


def levels(features: FeaturesLike) -> list[Tensor]:
    """The student's levels: the stages and the pooled feature as a 1x1 map."""
    return [*features.stages, features.pooled[:, :, None, None]]


def targets(features: FeaturesLike) -> list[Tensor]:
    """The teacher's levels: the stages before their last ReLU and the pooled feature as a 1x1 map."""
    return [*features.before, features.pooled[:, :, None, None]]


def make_review(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """ReviewKD."""
    return ReviewHead(*paired_widths(levels(student), targets(teacher)))


@distiller(
    "review",
    needs=["stages", "before", "pooled"],
    paper="Chen et al. 2021",
    weight=0.6,
    head=make_review,
    head_required=True,
    warm_up=WARM_UP,
    published=SETTING,
)
def review_term(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    """The context loss between the head's fused maps and the teacher's levels before ReLU."""
    assert head is not None
    target = targets(teacher)
    return hcl(head(levels(student), target), target)
