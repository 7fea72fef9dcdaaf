"""Decoupled knowledge distillation: the target's share of the answer apart from the other classes among themselves."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from proxies.distillation.logits import kd
from proxies.distillation.numerics import full_precision, require_equal
from proxies.distillation.published import BEST, MDISTILLER, Published, WarmUp
from proxies.distillation.record import Context, FeaturesLike
from proxies.distillation.registry import distiller

ALPHA, BETA = 1.0, 2.0
WARM_UP = WarmUp(epochs=20, first=1)
SETTING = Published(
    f"{MDISTILLER}/dkd/res56_res20.yaml",
    *(1.0, 0.0, 1.0, WARM_UP),
    inside="alpha 1, beta 2, T 4",
    accuracy=BEST,
    differs="beta 6 or 8 for pairs of other families: one beta here",
)


@full_precision
def dkd(
    student: Tensor,
    teacher: Tensor,
    labels: Tensor,
    alpha: float = ALPHA,
    beta: float = BETA,
    temperature: float = 4.0,
) -> Tensor:
    """alpha T^2 KL(b^T || b^S) + beta T^2 KL(q^T || q^S), alpha 1, beta 2, T 4.

    b = (p_y, 1 - p_y) of the softmax p at T, y the label; q the softmax at T of the other classes alone.
    Logits (B, K). Zhao et al. 2022.
    """
    require_equal("numbers of classes", student.shape[1], teacher.shape[1], "take a teacher of the same data set")
    target = alpha * kd(_target_or_not(student, labels, temperature), _target_or_not(teacher, labels, temperature), 1.0)
    others = beta * kd(_others(student, labels), _others(teacher, labels), temperature)
    return temperature**2 * target + others


def _target_or_not(logits: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """(B, K) -> (B, 2): logits of which the softmax is (p_y, 1 - p_y)."""
    softened = logits / temperature
    rest = _others(softened, labels).logsumexp(1, keepdim=True)
    return F.pad(softened.gather(1, labels[:, None]) - rest, (0, 1))


def _others(logits: Tensor, labels: Tensor) -> Tensor:
    """(B, K) -> (B, K - 1): without each row's own class."""
    places = torch.arange(logits.shape[1] - 1, device=logits.device)
    return logits.gather(1, places + (places >= labels[:, None]))


@distiller(
    "dkd",
    needs=["logits", "labels"],
    paper="Zhao et al. 2022",
    warm_up=WARM_UP,
    published=SETTING,
)
def dkd_term(student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: object, context: Context) -> Tensor:
    """T^2 KL(b^T || b^S) + 2 T^2 KL(q^T || q^S), T = 4, b = (p_y, 1 - p_y), q the softmax of the others alone."""
    return dkd(student.logits, teacher.logits, labels)
