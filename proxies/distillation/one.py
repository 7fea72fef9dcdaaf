"""On-the-fly native ensemble: a student and its own branches, without any teacher."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diswot_errors import UsageError
from proxies.distillation.heads import as_weights, convolution
from proxies.distillation.logits import kd
from proxies.distillation.numerics import full_precision
from proxies.distillation.published import Published
from proxies.distillation.record import Context, FeaturesLike, HeadSetup
from proxies.distillation.registry import distiller

TEMPERATURE = 3.0
BRANCHES = 3
SETTING = Published(
    "Lan et al. 2018",
    *(0.0, 0.0, 1.0),
    inside="T 3, 3 branches",
    differs="a branch is two convolutions and not the last stage again",
)
NOTE = "no teacher: the gated ensemble of the student's own branches; the term holds every branch's CE"


@full_precision
def one(branches: Sequence[Tensor], gates: Tensor, labels: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """On-the-fly native ensemble, Lan et al. 2018: M branches (B, K) each, gates (B, M) that sum to one.

    z_e = sum_i g_i z_i;  sum_i CE(z_i) + CE(z_e) + T^2 sum_i KL(p_e || p_i), the ensemble held fixed as a target.
    """
    stacked = torch.stack(tuple(branches), dim=1)  # (B, M, K)
    ensemble = (gates.unsqueeze(2) * stacked).sum(1)
    target = ensemble.detach()
    total = F.cross_entropy(ensemble, labels)
    for branch in stacked.unbind(1):
        total = total + F.cross_entropy(branch, labels) + kd(branch, target, temperature)
    return total


class EnsembleHead(nn.Module):
    """ONE: branches beside the student's last stage, and the gate that weighs all of them.

    The paper repeats the last stage itself; a head cannot know its architecture, so a branch here is two 3x3
    convolutions, pooling and a classifier on the map before the last stage, of the last stage's width and resolution.
    """

    def __init__(self, before: Tensor, last: Tensor, classes: int, branches: int = BRANCHES) -> None:
        super().__init__()
        width_in, width, stride = before.shape[1], last.shape[1], before.shape[2] // last.shape[2]
        self.branches = nn.ModuleList(
            nn.Sequential(
                *convolution(width_in, width, 3, stride), nn.ReLU(), *convolution(width, width, 3), nn.ReLU(),
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes),
            )
            for _ in range(branches - 1)
        )  # fmt: skip
        self.gate = nn.Sequential(nn.Linear(width_in, branches), nn.BatchNorm1d(branches), nn.ReLU())

    def forward(self, before: Tensor, logits: Tensor) -> tuple[list[Tensor], Tensor]:
        """The map before the last stage and the student's logits -> all branches' logits, gates (B, M)."""
        before = as_weights(before, self)
        gates = self.gate(before.mean((2, 3))).float().softmax(1)
        return [logits, *(branch(before) for branch in self.branches)], gates


def make_ensemble(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """ONE: of the student alone."""
    if len(student.stages) < 2:
        raise UsageError("one branches before the last stage: expected a student with at least 2 stages, got 1")
    return EnsembleHead(student.stages[-2], student.last, student.logits.shape[1])


@distiller(
    "one",
    needs=["stages", "logits", "labels"],
    paper="Lan et al. 2018",
    ce=0.0,
    head=make_ensemble,
    head_required=True,
    teaching="nobody",
    note=NOTE,
    published=SETTING,
)
def one_term(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    """The ensemble's loss, with branches and gates of the head."""
    assert head is not None
    branches, gates = head(student.stages[-2], student.logits)
    return one(branches, gates, labels)
