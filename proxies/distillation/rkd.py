"""Relational knowledge distillation: distances and angles between images."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from proxies.authors import DISWOT_LOSSES
from proxies.distillation.numerics import directions, full_precision
from proxies.distillation.published import repdistiller
from proxies.distillation.registry import distiller

SETTING = repdistiller("-b 1", 1.0, 1, "25 distance, 50 angle")


@distiller("rkd", of="pooled", paper="Park et al. 2019", published=SETTING, authors=DISWOT_LOSSES)
@full_precision
def rkd(student: Tensor, teacher: Tensor, distance_weight: float = 25.0, angle_weight: float = 50.0) -> Tensor:
    """25 huber of relative distances + 50 huber of angles between the pooled features of the images.

    Features (B, C): huber(d / mean d), d over pairs, and huber(cos of the angle at each i between j and k); quadratic
    below 1, distances are divided by the mean of the non-zero ones. Park et al. 2019.
    """
    edges_s, edges_t = _edges(student.flatten(1)), _edges(teacher.flatten(1))
    distance = F.smooth_l1_loss(_relative_lengths(edges_s), _relative_lengths(edges_t))
    angle = F.smooth_l1_loss(_cosines(edges_s), _cosines(edges_t))
    return distance_weight * distance + angle_weight * angle


def _edges(x: Tensor) -> Tensor:
    return x.unsqueeze(0) - x.unsqueeze(1)  # (B, B, C), [i, j] = x_j - x_i


def _relative_lengths(edges: Tensor) -> Tensor:
    lengths = torch.linalg.vector_norm(edges, dim=2)
    mean = lengths.sum() / (lengths > 0).sum().clamp_min(1)
    return torch.where(mean == 0, torch.zeros_like(lengths), lengths / mean.clamp_min(torch.finfo(mean.dtype).tiny))


def _cosines(edges: Tensor) -> Tensor:
    unit = directions(edges, 2)
    return unit @ unit.mT  # (B, B, B), [i, j, k]
