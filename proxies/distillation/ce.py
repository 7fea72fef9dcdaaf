"""Cross entropy: the student alone, the line that every distiller is held against."""

from __future__ import annotations

from torch import Tensor

from proxies.distillation.logits import ce
from proxies.distillation.record import FeaturesLike
from proxies.distillation.registry import distiller


@distiller("ce", needs=["logits", "labels"], paper="no distillation", ce=0.0, teaching="nobody")
def ce_term(student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: object, context: object) -> Tensor:
    """Cross entropy of the student."""
    return ce(student.logits, labels)
