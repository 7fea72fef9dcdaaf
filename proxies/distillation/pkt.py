"""Probabilistic knowledge transfer: who is whose neighbour."""

from __future__ import annotations

from torch import Tensor

from proxies.authors import DISWOT_LOSSES
from proxies.distillation.numerics import directions, full_precision
from proxies.distillation.published import repdistiller
from proxies.distillation.registry import distiller

PROBABILITY_FLOOR = 1e-7

SETTING = repdistiller("-b 30000", 1.0, 30000)


@distiller("pkt", of="pooled", paper="Passalis and Tefas 2018", weight=30000, published=SETTING, authors=DISWOT_LOSSES)
@full_precision
def pkt(student: Tensor, teacher: Tensor) -> Tensor:
    """mean p^T ln(p^T / p^S), p the rows of (1 + cosine) / 2 between pooled features, brought to sum one.

    Features (B, C), any two widths. Passalis and Tefas 2018.
    """
    p_s, p_t = _neighbour_probabilities(student), _neighbour_probabilities(teacher)
    return (p_t * ((p_t + PROBABILITY_FLOOR) / (p_s + PROBABILITY_FLOOR)).log()).mean()


def _neighbour_probabilities(x: Tensor) -> Tensor:
    unit = directions(x.flatten(1), 1)
    similarity = (unit @ unit.T + 1) / 2
    return similarity / similarity.sum(1, keepdim=True)
