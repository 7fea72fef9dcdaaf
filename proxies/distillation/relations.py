"""Losses on relations: between samples (SP, RKD, PKT, CC) and between channels (ICKD).

Relations between samples are (B, B) whatever the networks' widths; they do not change when channels change places.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from diswot_errors import UsageError
from proxies.distillation.numerics import directions, full_precision, require_equal, sample_gram

PROBABILITY_FLOOR = 1e-7


@full_precision
def sp(student: Tensor, teacher: Tensor) -> Tensor:
    """Similarity preserving: |N(f_S f_S^T) - N(f_T f_T^T)|_F^2 / b^2, N = unit rows, f (B, ...). Tung and Mori 2019."""
    difference = directions(sample_gram(student), 1) - directions(sample_gram(teacher), 1)
    return difference.square().sum() / student.shape[0] ** 2


@full_precision
def rkd(student: Tensor, teacher: Tensor, distance_weight: float = 25.0, angle_weight: float = 50.0) -> Tensor:
    """Relational KD, features (B, C): 25 huber(d / mean d) + 50 huber(cos of the angle at each i between j and k).

    Park et al. 2019; Huber is quadratic below 1. Distances are divided by the mean of the non-zero ones.
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


@full_precision
def pkt(student: Tensor, teacher: Tensor) -> Tensor:
    """Probabilistic knowledge transfer: mean(p_T log(p_T / p_S)), p = rows of (1 + cosine)/2 brought to sum one.

    Passalis and Tefas 2018; features (B, C), any two widths.
    """
    p_s, p_t = _neighbour_probabilities(student), _neighbour_probabilities(teacher)
    return (p_t * ((p_t + PROBABILITY_FLOOR) / (p_s + PROBABILITY_FLOOR)).log()).mean()


def _neighbour_probabilities(x: Tensor) -> Tensor:
    unit = directions(x.flatten(1), 1)
    similarity = (unit @ unit.T + 1) / 2
    return similarity / similarity.sum(1, keepdim=True)


@full_precision
def cc(student: Tensor, teacher: Tensor) -> Tensor:
    """Correlation congruence over consecutive samples: mean_i sum_c |d_i||d_(i+1)|, d = f_S - f_T (B, C).

    Peng et al. 2019, in the form that the field's code uses; it depends on the order of the batch.
    """
    require_equal("channels", student.shape[1], teacher.shape[1], "train with embeddings (the loss's head)")
    if student.shape[0] < 2:
        raise UsageError("correlation congruence compares consecutive samples: expected a batch of at least 2, got 1")
    difference = (student - teacher).abs()
    return (difference[:-1] * difference[1:]).sum(1).mean()


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
