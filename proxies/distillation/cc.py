"""Correlation congruence: how far off consecutive images are together."""

from __future__ import annotations

from torch import Tensor, nn

from diswot_errors import UsageError
from proxies.authors import DISWOT_LOSSES
from proxies.distillation.heads import as_weights
from proxies.distillation.numerics import full_precision, require_equal
from proxies.distillation.published import repdistiller
from proxies.distillation.record import Context, FeaturesLike, HeadSetup
from proxies.distillation.registry import distiller

WIDTH = 128
SETTING = repdistiller("-b 0.02", 1.0, 0.02, "embeddings of 128")


@full_precision
def cc(student: Tensor, teacher: Tensor) -> Tensor:
    """Correlation congruence over consecutive samples: mean_i sum_c |d_i||d_(i+1)|, d = f_S - f_T (B, C).

    Peng et al. 2019, in the form that the field's code uses; it depends on the order of the batch.
    """
    require_equal("channels", student.shape[1], teacher.shape[1], "train with embeddings (the loss's head)")
    if student.shape[0] < 2:
        raise UsageError("correlation congruence compares consecutive samples: expected a batch of at least 2, got 1")
    difference = (student - teacher).abs()
    return (difference[:-1] * difference[1:]).sum(1).mean()


class Embeddings(nn.Module):
    """CC: both networks' pooled features to one width by a linear layer each."""

    def __init__(self, student_width: int, teacher_width: int, width: int = WIDTH) -> None:
        super().__init__()
        self.student, self.teacher = nn.Linear(student_width, width), nn.Linear(teacher_width, width)

    def forward(self, student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C_S), (B, C_T) -> (B, width) each."""
        return self.student(as_weights(student, self)), self.teacher(as_weights(teacher, self))


def make_embeddings(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """CC."""
    return Embeddings(student.pooled.shape[1], teacher.pooled.shape[1])


@distiller(
    "cc",
    needs=["pooled"],
    paper="Peng et al. 2019",
    weight=0.02,
    head=make_embeddings,
    published=SETTING,
    authors=DISWOT_LOSSES,
)
def cc_term(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    """mean_i sum_c |d_i| |d_(i+1)|, d = f^S - f^T the pooled features, without embedding; equal widths only."""
    return cc(student.pooled, teacher.pooled) if head is None else cc(*head(student.pooled, teacher.pooled))
