"""SimKD: the student learns the teacher's last map, and answers through the teacher's classifier."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from diswot_errors import UsageError
from proxies.distillation.heads import as_weights, convolution
from proxies.distillation.numerics import full_precision, same_resolution
from proxies.distillation.published import BEST, Published
from proxies.distillation.record import Context, FeaturesLike, HeadSetup
from proxies.distillation.registry import distiller

FACTOR = 2
SETTING = Published("SimKD, models/util.py", *(0.0, 0.0, 1.0), inside="projector of factor 2", accuracy=BEST)
NOTE = "the projector and the teacher's classifier stay with the student, which grows by them"


@full_precision
def simkd(projected: Tensor, teacher: Tensor) -> Tensor:
    """Mean squared error between the projected map and the teacher's last map (B, C, H, W), the larger one pooled."""
    return F.mse_loss(*same_resolution(projected, teacher))


class Projector(nn.Module):
    """1x1 to half the teacher's width, 3x3, 1x1 to its width, each with batch norm and ReLU; its frozen classifier."""

    weight: Tensor
    bias: Tensor

    def __init__(self, student_width: int, classifier: nn.Linear, size: tuple[int, int]) -> None:
        super().__init__()
        width, narrow, self.size = classifier.in_features, classifier.in_features // FACTOR, size
        self.layers = nn.Sequential(
            *convolution(student_width, narrow), nn.ReLU(), *convolution(narrow, narrow, 3), nn.ReLU(),
            *convolution(narrow, width), nn.ReLU(),
        )  # fmt: skip
        self.register_buffer("weight", classifier.weight.detach().clone())
        self.register_buffer("bias", classifier.bias.detach().clone())

    def forward(self, last: Tensor) -> Tensor:
        """(B, C_S, H, W) -> (B, C_T, h, w), h and w the smaller of both networks'."""
        return self.layers(F.adaptive_avg_pool2d(as_weights(last, self), self.size))

    def answer(self, last: Tensor) -> Tensor:
        """(B, C_S, H, W) -> (B, K): the teacher's classifier on the pooled projection."""
        return F.linear(self(last).mean((2, 3)), self.weight, self.bias)


def make_projector(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """SimKD: the teacher's classifier must be in the setup."""
    if setup.classifier is None:
        raise UsageError("simkd answers by the teacher's classifier: pass HeadSetup(classifier=<its last layer>)")
    theirs, own = teacher.last.shape, student.last.shape
    return Projector(own[1], setup.classifier, (min(own[2], theirs[2]), min(own[3], theirs[3])))


def predict(student: FeaturesLike, head: nn.Module) -> Tensor:
    """The student's answer (B, K)."""
    assert isinstance(head, Projector)
    return head.answer(student.last)


@distiller(
    "simkd",
    needs=["last"],
    paper="Chen et al. 2022",
    ce=0.0,
    head=make_projector,
    head_required=True,
    predict=predict,
    note=NOTE,
    published=SETTING,
)
def simkd_term(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    """mean (P(f^S) - f^T)^2, f the last map, P the head's projector."""
    assert head is not None
    return simkd(head(student.last), teacher.last)
