"""Inter-channel correlation: which channels go together."""

from __future__ import annotations

from torch import Tensor, nn

from proxies.distillation.heads import Regressor
from proxies.distillation.numerics import directions, full_precision, require_equal
from proxies.distillation.published import Published
from proxies.distillation.record import Context, FeaturesLike, HeadSetup
from proxies.distillation.registry import distiller

SETTING = Published(
    "ICKD, Cifar100/distiller_zoo/ICKD.py and its sample script",
    *(1.0, 0.0, 2.5),
    differs="their train_student.sh has 4 in place of 2.5; KD 0 or 1",
)


@full_precision
def ickd(student: Tensor, teacher: Tensor) -> Tensor:
    """Inter-channel correlation: per sample N(f f^T) (C, C), N = unit rows, f (B, C, ...); sum of squares / (b c).

    Liu et al. 2021; needs equal widths, resolutions may differ.
    """
    require_equal("channels", student.shape[1], teacher.shape[1], "train with an embedding (the loss's head)")
    difference = _channel_directions(student) - _channel_directions(teacher)
    return difference.square().sum() / (student.shape[0] * student.shape[1])


def _channel_directions(x: Tensor) -> Tensor:
    f = x.flatten(2) if x.dim() > 2 else x.unsqueeze(2)
    return directions(f @ f.mT, 2)


def make_bridge(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """ICKD: student's last map to the teacher's width, where they are equal as well."""
    return Regressor(student.last.shape[1], teacher.last.shape[1])


@distiller("ickd", needs=["last"], paper="Liu et al. 2021", weight=2.5, head=make_bridge, published=SETTING)
def ickd_term(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    """mean over images and channels of |N(f f^T)^S - N(f f^T)^T|^2, C x C, f the last map; equal widths only."""
    return ickd(student.last if head is None else head(student.last), teacher.last)
