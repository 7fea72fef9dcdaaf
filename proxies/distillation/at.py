"""Attention transfer: where a network looks."""

from __future__ import annotations

from torch import Tensor

from proxies.authors import DISWOT_LOSSES
from proxies.distillation.numerics import Maps, directions, full_precision, over_stages, same_resolution
from proxies.distillation.published import repdistiller
from proxies.distillation.registry import distiller

SETTING = repdistiller("-b 1000", 1.0, 1000)


@distiller(
    "at", of="stages", paper="Zagoruyko and Komodakis 2017", weight=1000, published=SETTING, authors=DISWOT_LOSSES
)
@full_precision
def at(student: Maps, teacher: Maps) -> Tensor:
    """sum over stages of mean (q^S - q^T)^2, q the direction of mean_c f_c^2 over positions.

    Maps (B, C, H, W), any two widths. Zagoruyko and Komodakis 2017.
    """
    return over_stages(_attention_distance, student, teacher)


def _attention_distance(student: Tensor, teacher: Tensor) -> Tensor:
    student, teacher = same_resolution(student, teacher)
    return (_attention(student) - _attention(teacher)).square().mean()


def _attention(x: Tensor) -> Tensor:
    return directions(x.square().mean(1).flatten(1), 1)
