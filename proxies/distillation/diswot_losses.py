"""DisWOT's two objectives: CE + KL, and with `+` both of its terms as losses."""

from __future__ import annotations

from torch import Tensor

from proxies.distillation.logits import kd
from proxies.distillation.published import Published
from proxies.distillation.record import Context, FeaturesLike
from proxies.distillation.registry import distiller
from proxies.distillation.similarity import diswot_terms

PAPER = "Dong et al. 2023"
UNKNOWN = "weights and T are not printed: all 1, T 4"
PLAIN = Published("the authors' slides: CE + KL", 1.0, 0.0, 1.0, differs=UNKNOWN)
PLUS = Published("the authors' slides: CE + KL + L_Ms + L_Mr", 1.0, 1.0, 1.0, differs=UNKNOWN)

# the proxy of this name is -(M_s + M_r)
distiller("diswot", of="logits", paper=PAPER, proxy=False, published=PLAIN)(kd)


@distiller("diswot+", needs=["last", "labels", "weights"], paper=PAPER, kd=1.0, published=PLUS)
def diswot_plus(student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: object, context: Context) -> Tensor:
    """M_s / c^2 + M_r / b^2, c channels (or classes), b images."""
    assert context.student_weight is not None and context.teacher_weight is not None
    return diswot_terms(student.last, teacher.last, context.student_weight, context.teacher_weight, labels)
