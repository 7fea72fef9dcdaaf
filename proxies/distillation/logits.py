"""Losses on logits: cross entropy, knowledge distillation, mutual learning, the on-the-fly native ensemble."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from proxies.distillation.numerics import full_precision, require_equal

ONE_TEMPERATURE = 3.0


@full_precision
def ce(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy, mean over the batch: logits (B, K), labels (B,)."""
    return F.cross_entropy(logits, labels)


@full_precision
def kd(student: Tensor, teacher: Tensor, temperature: float = 4.0) -> Tensor:
    """T^2 KL(softmax(teacher/T) || softmax(student/T)), mean over the batch; logits (B, K). Hinton et al. 2015."""
    require_equal("numbers of classes", student.shape[1], teacher.shape[1], "take a teacher of the same data set")
    predicted = F.log_softmax(student / temperature, dim=1)
    target = F.log_softmax(teacher / temperature, dim=1)
    return F.kl_div(predicted, target, reduction="batchmean", log_target=True) * temperature**2


def dml(student: Tensor, peer: Tensor) -> Tensor:
    """KL(softmax(peer) || softmax(student)), the peer held fixed; logits (B, K). Zhang et al. 2018.

    Both networks learn: call it once each way, every call moves only its first argument.
    """
    return kd(student, peer.detach(), temperature=1.0)


@full_precision
def one(branches: Sequence[Tensor], gates: Tensor, labels: Tensor, temperature: float = ONE_TEMPERATURE) -> Tensor:
    """On-the-fly native ensemble, Lan et al. 2018: M branches (B, K) each, gates (B, M) that sum to one.

    z_e = sum_i g_i z_i;  sum_i CE(z_i) + CE(z_e) + T^2 sum_i KL(p_e || p_i), the ensemble held fixed as a target.
    """
    stacked = torch.stack(tuple(branches), dim=1)  # (B, M, K)
    ensemble = (gates.unsqueeze(2) * stacked).sum(1)
    target = ensemble.detach()
    total = F.cross_entropy(ensemble, labels)
    for branch in stacked.unbind(1):
        total = total + F.cross_entropy(branch, labels) + kd(branch, target, temperature)
    return total
