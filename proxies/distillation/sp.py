"""Similarity preserving: which images are alike."""

from __future__ import annotations

from torch import Tensor

from proxies.authors import DISWOT_LOSSES
from proxies.distillation.numerics import directions, full_precision, sample_gram
from proxies.distillation.published import repdistiller
from proxies.distillation.registry import distiller

SETTING = repdistiller("-b 3000", 1.0, 3000)


@distiller("sp", of="last", paper="Tung and Mori 2019", weight=3000, published=SETTING, authors=DISWOT_LOSSES)
@full_precision
def sp(student: Tensor, teacher: Tensor) -> Tensor:
    """||N(f f^T)^S - N(f f^T)^T||_F^2 / B^2, f the last map as (B, CHW), N unit rows.

    f (B, ...), any two shapes. Tung and Mori 2019.
    """
    difference = directions(sample_gram(student), 1) - directions(sample_gram(teacher), 1)
    return difference.square().sum() / student.shape[0] ** 2
