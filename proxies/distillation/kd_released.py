"""Distillers as scores the way the DisWOT scripts compute them, where that differs from the loss.

They call `criterion(teacher, student)` on losses written for `criterion(student, teacher)`, look at other features, or
at the first image only.
"""

from collections.abc import Callable

from torch import Tensor

from proxies.authors import DISWOT_LOSSES
from proxies.distillation import at, fitnet, logits, nst, pkt, released
from proxies.distillation.comparison import refused, teacher_map, teacher_pooled
from proxies.distillation.registry import DISTILLERS
from proxies.evidence import Evidence
from proxies.registry import F, proxy


def _released(name: str) -> Callable[[F], F]:
    paper = f"{DISTILLERS.find(name).paper}; DisWOT scripts"
    return proxy(
        f"{name}_released",
        direction="lower",
        needs=["features"],
        teacher=True,
        paper=paper,
        equal_on_equals=True,
        authors=DISWOT_LOSSES,
    )


@_released("kd")
def kd_released(evidence: Evidence) -> Tensor:
    """T^2 KL(softmax(z^S / T) || softmax(z^T / T)), T = 4: teacher and student exchanged."""
    return refused(logits.kd, evidence.teacher.features.logits, evidence.features.logits)


@_released("pkt")
def pkt_released(evidence: Evidence) -> Tensor:
    """mean p^S ln(p^S / p^T): teacher and student exchanged."""
    return refused(pkt.pkt, teacher_pooled(evidence), evidence.pooled)


@_released("fitnet")
def fitnet_released(evidence: Evidence) -> Tensor:
    """mean (f^S - f^T)^2 between the pooled features; equal widths only."""
    return refused(fitnet.fitnet, evidence.pooled, teacher_pooled(evidence))


@_released("sp")
def sp_released(evidence: Evidence) -> Tensor:
    """sum (A^S - A^T)^2 / C^2, A the similarities between the channels of the first image's last map, unit rows."""
    return refused(released.m_r_map, evidence.last, teacher_map(evidence))


@_released("at")
def at_released(evidence: Evidence) -> Tensor:
    """As `at`, without the first stage."""
    return refused(at.at, evidence.features.stages[1:], evidence.teacher.features.stages[1:])


@_released("nst")
def nst_released(evidence: Evidence) -> Tensor:
    """As `nst`, without the first stage."""
    return refused(nst.nst, evidence.features.stages[1:], evidence.teacher.features.stages[1:])
