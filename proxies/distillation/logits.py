"""The two terms that every objective may hold besides its own: cross entropy and the divergence of softened answers."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from proxies.distillation.numerics import full_precision, require_equal


@full_precision
def ce(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy, mean over the batch: logits (B, K), labels (B,)."""
    return F.cross_entropy(logits, labels)


@full_precision
def kd(student: Tensor, teacher: Tensor, temperature: float = 4.0) -> Tensor:
    """T^2 KL(softmax(z^T / T) || softmax(z^S / T)), T = 4, mean over images, z the logits.

    Logits (B, K), any temperature. Hinton et al. 2015.
    """
    require_equal("numbers of classes", student.shape[1], teacher.shape[1], "take a teacher of the same data set")
    predicted = F.log_softmax(student / temperature, dim=1)
    target = F.log_softmax(teacher / temperature, dim=1)
    return F.kl_div(predicted, target, reduction="batchmean", log_target=True) * temperature**2
