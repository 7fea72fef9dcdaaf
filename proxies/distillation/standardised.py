"""Logit standardisation: a modifier that lets the student's logits have a scale of their own."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from proxies.distillation.dkd import WARM_UP, dkd
from proxies.distillation.logits import kd
from proxies.distillation.numerics import full_precision
from proxies.distillation.published import BEST, Published
from proxies.distillation.record import Context, FeaturesLike
from proxies.distillation.registry import distiller

PAPER = "Sun et al. 2024"
TEMPERATURE = 2.0
FLOOR = 1e-7
SOURCE = "logit-standardization-KD, tools/train.py, ResNet-56 to ResNet-20"
KD_SETTING = Published(
    SOURCE, *(0.1, 0.0, 9.0), inside="T 2", accuracy=BEST, differs="12 at T 4 for ResNet-110 to ResNet-20"
)
DKD_SETTING = Published(
    SOURCE,
    *(1.0, 0.0, 18.0, WARM_UP),
    inside="alpha 1, beta 2, T 2",
    accuracy=BEST,
    differs="their log says T 3, their command T 2: 2 here",
)


@full_precision
def standardise(logits: Tensor) -> Tensor:
    """(z - mean z) / (sd z + 1e-7) of each image's logits (B, K), sd with K - 1. Sun et al. 2024.

    Put it around the logits of any loss; the answers' order stays, their scale is gone.
    """
    centred = logits - logits.mean(1, keepdim=True)
    deviation = torch.linalg.vector_norm(centred, dim=1, keepdim=True) / math.sqrt(logits.shape[1] - 1)
    # equal logits stay zeros, and their gradient is bounded
    return centred / torch.where(deviation == 0, 1.0, deviation + FLOOR)


@distiller("kd_ls", of="logits", paper=PAPER, weight=9.0, ce=0.1, published=KD_SETTING)
def kd_ls(student: Tensor, teacher: Tensor) -> Tensor:
    """T^2 KL(softmax(u^T / T) || softmax(u^S / T)), T = 2, u the logits, standardised for each image."""
    return kd(standardise(student), standardise(teacher), TEMPERATURE)


@distiller(
    "dkd_ls",
    needs=["logits", "labels"],
    paper=PAPER,
    weight=18.0,
    warm_up=WARM_UP,
    published=DKD_SETTING,
)
def dkd_ls(student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: object, context: Context) -> Tensor:
    """T^2 KL(b^T || b^S) + 2 T^2 KL(q^T || q^S), as `dkd` on logits that are standardised for each image; T = 2."""
    return dkd(standardise(student.logits), standardise(teacher.logits), labels, temperature=TEMPERATURE)
