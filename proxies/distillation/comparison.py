"""Distillation losses between two untrained networks as scores: how far the student starts from the teacher.

The proxy is the loss that training minimises, with the same roles; lower is better. A loss that is trained along with
a head is none: untrained it measures a random head and not the student (VID, CRD, OFD, ReviewKD, ONE). FitNet, ICKD and
CC train an embedding only where the widths differ; without one they refuse such a pair.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from diswot_errors import NotApplicable, UsageError
from proxies.distillation.record import Loss
from proxies.registry import ProxyInfo

if TYPE_CHECKING:
    from proxies.evidence import Evidence, Features


def as_proxy(loss: Loss) -> ProxyInfo:
    """The loss's own term, without its weight, as a score."""

    def compare(evidence: Evidence) -> Tensor:
        student, teacher = evidence.features, evidence.teacher.features
        for whose, shown in (("network", student), ("teacher", teacher)):
            _require(whose, shown, loss.needs)
        return refused(loss, student, teacher, evidence.labels)

    compare.__doc__ = f"{loss.formula} The loss of the distiller, without its weight."
    compare.__name__, compare.__module__ = loss.name, loss.function.__module__
    needs = frozenset({"features"})
    return ProxyInfo(
        loss.name, compare, "lower", needs, True, loss.paper, loss.version, equal_on_equals=True, authors=loss.authors
    )


def _require(whose: str, shown: Features, needs: frozenset[str]) -> None:
    if ("last" in needs and shown.last is None) or ("stages" in needs and not shown.stages):
        raise NotApplicable(f"the {whose} has no feature maps (B, C, H, W)")
    if "pooled" in needs and shown.pooled is None:
        raise NotApplicable(f"the {whose} does not end in a linear classifier")


def refused(function: Callable[..., Tensor], *tensors: Any) -> Tensor:
    """A loss refuses a pair of networks that it has no form for: for a score, that is 'not applicable'."""
    try:
        return function(*tensors)
    except UsageError as error:
        raise NotApplicable(str(error)) from error


def teacher_map(evidence: Evidence) -> Tensor:
    """The teacher's last map (B, C, H, W), or a refusal."""
    if evidence.teacher.features.last is None:
        raise NotApplicable("the teacher has no feature maps (B, C, H, W)")
    return evidence.teacher.features.last


def teacher_pooled(evidence: Evidence) -> Tensor:
    """The teacher's pooled features (B, C), or a refusal."""
    if evidence.teacher.features.pooled is None:
        raise NotApplicable("the teacher does not end in a linear classifier")
    return evidence.teacher.features.pooled
