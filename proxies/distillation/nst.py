"""Neuron selectivity transfer: which channels answer alike."""

from __future__ import annotations

import torch
from torch import Tensor

from proxies.authors import DISWOT_LOSSES
from proxies.distillation.numerics import NORM_FLOOR, Maps, full_precision, over_stages, same_resolution
from proxies.distillation.published import repdistiller
from proxies.distillation.registry import distiller

SETTING = repdistiller("-b 50", 1.0, 50)


@distiller("nst", of="stages", paper="Huang and Wang 2017", weight=50, published=SETTING, authors=DISWOT_LOSSES)
@full_precision
def nst(student: Maps, teacher: Maps) -> Tensor:
    """sum over stages of the squared maximum mean discrepancy between channels, kernel (a^T b)^2, unit length.

    E k(t, t') + E k(s, s') - 2 E k(s, t) over pairs of channels, each of unit length over space. Maps (B, C, H, W), any
    two widths. Huang and Wang 2017.
    """
    return over_stages(_selectivity_distance, student, teacher)


def _selectivity_distance(student: Tensor, teacher: Tensor) -> Tensor:
    student, teacher = same_resolution(student, teacher)
    s, t = student.flatten(2), teacher.flatten(2)
    # all cosines from products of the maps themselves: unit channels would cost more passes over them than the products
    ss, tt, st = s @ s.mT, t @ t.mT, s @ t.mT
    over_s, over_t = _inverse_lengths(ss), _inverse_lengths(tt)
    return _kernel(tt, over_t, over_t) + _kernel(ss, over_s, over_s) - 2 * _kernel(st, over_s, over_t)


def _inverse_lengths(gram: Tensor) -> Tensor:
    """1/|a_i| from a . a (B, C, C); a dead channel gets 0."""
    square = gram.diagonal(dim1=1, dim2=2)
    return torch.where(square <= NORM_FLOOR**2, torch.zeros_like(square), square.clamp_min(NORM_FLOOR**2).rsqrt())


def _kernel(products: Tensor, over_a: Tensor, over_b: Tensor) -> Tensor:
    return (products * over_a.unsqueeze(2) * over_b.unsqueeze(1)).square().mean()
