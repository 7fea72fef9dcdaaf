"""Distillation losses between two untrained networks as scores: how far the student starts from the teacher.

Each is the loss of `losses` that training minimises, with the same roles; lower is better. `*_released` is what the
DisWOT scripts compute where that differs: they call `criterion(teacher, student)` on losses written for
`criterion(student, teacher)`, look at other features, or at the first image only.

Not here, because untrained they measure a random head and not the student: VID and CRD (variational and contrastive
heads), OFD, ReviewKD and ONE (regressors, fusions, branches). FitNet, ICKD and CC train an embedding only where the
widths differ; without one they refuse such a pair.
"""

from collections.abc import Callable

from torch import Tensor

from diswot_errors import NotApplicable
from proxies.distillation import features, logits, losses, relations, released
from proxies.distillation.diswot import refused, teacher_map, teacher_pooled
from proxies.evidence import Evidence, Features
from proxies.registry import F, ProxyFunction, proxy

FORMULAS = {
    "kd": "T^2 KL(softmax(z^T / T) || softmax(z^S / T)), T = 4, mean over images, z the logits.",
    "fitnet": "mean (f^S - f^T)^2 between the maps of the middle stage, without regressor; equal widths only.",
    "at": "sum over stages of mean (q^S - q^T)^2, q the direction of mean_c f_c^2 over positions.",
    "sp": "||N(f f^T)^S - N(f f^T)^T||_F^2 / B^2, f the last map as (B, CHW), N unit rows.",
    "rkd": "25 huber of relative distances + 50 huber of angles between the pooled features of the images.",
    "pkt": "mean p^T ln(p^T / p^S), p the rows of (1 + cosine) / 2 between pooled features, brought to sum one.",
    "cc": "mean_i sum_c |d_i| |d_(i+1)|, d = f^S - f^T the pooled features, without embedding; equal widths only.",
    "nst": "sum over stages of the squared maximum mean discrepancy between channels, kernel (a^T b)^2, unit length.",
    "ickd": "mean over images and channels of |N(f f^T)^S - N(f f^T)^T|^2, C x C, f the last map; equal widths only.",
}


def _plain(name: str) -> ProxyFunction:
    loss = losses.get(name)

    def compare(evidence: Evidence) -> Tensor:
        student, teacher = evidence.features, evidence.teacher.features
        for whose, shown in (("network", student), ("teacher", teacher)):
            _require(whose, shown, loss.needs)
        return refused(loss, student, teacher, evidence.labels)

    compare.__doc__ = FORMULAS[name] + " The loss of the distiller, without its weight."
    compare.__name__ = name
    return compare


def _require(whose: str, shown: Features, needs: frozenset[str]) -> None:
    if ("last" in needs and shown.last is None) or ("stages" in needs and not shown.stages):
        raise NotApplicable(f"the {whose} has no feature maps (B, C, H, W)")
    if "pooled" in needs and shown.pooled is None:
        raise NotApplicable(f"the {whose} does not end in a linear classifier")


for _name in FORMULAS:
    proxy(_name, direction="lower", needs=["features"], teacher=True, paper=losses.get(_name).paper)(_plain(_name))


def _released(name: str) -> Callable[[F], F]:
    paper = f"{losses.get(name).paper}; DisWOT scripts"
    return proxy(f"{name}_released", direction="lower", needs=["features"], teacher=True, paper=paper)


@_released("kd")
def kd_released(evidence: Evidence) -> Tensor:
    """T^2 KL(softmax(z^S / T) || softmax(z^T / T)), T = 4: teacher and student exchanged."""
    return refused(logits.kd, evidence.teacher.features.logits, evidence.features.logits)


@_released("pkt")
def pkt_released(evidence: Evidence) -> Tensor:
    """mean p^S ln(p^S / p^T): teacher and student exchanged."""
    return refused(relations.pkt, teacher_pooled(evidence), evidence.pooled)


@_released("fitnet")
def fitnet_released(evidence: Evidence) -> Tensor:
    """mean (f^S - f^T)^2 between the pooled features; equal widths only."""
    return refused(features.fitnet, evidence.pooled, teacher_pooled(evidence))


@_released("sp")
def sp_released(evidence: Evidence) -> Tensor:
    """sum (A^S - A^T)^2 / C^2, A the similarities between the channels of the first image's last map, unit rows."""
    return refused(released.m_r_map, evidence.last, teacher_map(evidence))


@_released("at")
def at_released(evidence: Evidence) -> Tensor:
    """As `at`, without the first stage."""
    return refused(features.at, evidence.features.stages[1:], evidence.teacher.features.stages[1:])


@_released("nst")
def nst_released(evidence: Evidence) -> Tensor:
    """As `nst`, without the first stage."""
    return refused(features.nst, evidence.features.stages[1:], evidence.teacher.features.stages[1:])
