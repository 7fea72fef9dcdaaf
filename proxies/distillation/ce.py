"""Cross entropy: the student alone, the line that every distiller is held against."""

from __future__ import annotations

from torch import Tensor

from proxies.distillation.logits import ce
from proxies.distillation.published import LAST, Published
from proxies.distillation.record import FeaturesLike
from proxies.distillation.registry import distiller

SETTING = Published("RepDistiller, train_teacher.py", 0.0, 0.0, 1.0, accuracy=LAST)


@distiller("ce", needs=["logits", "labels"], paper="no distillation", ce=0.0, teaching="nobody", published=SETTING)
def ce_term(student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: object, context: object) -> Tensor:
    """Cross entropy of the student."""
    return ce(student.logits, labels)
