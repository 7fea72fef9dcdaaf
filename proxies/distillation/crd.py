"""Contrastive representation distillation (CRD, Tian et al. 2020), with its memory bank.

This is the paper's form: two memories of all N training samples, 16,384 negatives of other classes per sample,
noise-contrastive estimation. One difference: negatives are drawn with replacement (the authors' loader draws without).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diswot_errors import UsageError
from proxies.distillation.numerics import full_precision
from proxies.distillation.published import repdistiller
from proxies.distillation.record import Context, FeaturesLike, HeadSetup
from proxies.distillation.registry import distiller

FLOOR = 1e-7
SETTING = repdistiller(
    "-b 0.8",
    1.0,
    0.8,
    "128 dimensions, T .07, 16,384 negatives, momentum .5",
    "negatives drawn with replacement (theirs without)",
)


@full_precision
def nce(ratios: Tensor, samples: int) -> Tensor:
    """Noise-contrastive loss of (B, 1 + m) unnormalised probabilities, the positive first; noise 1/N.

    -mean_n [ log(p_0 / (p_0 + m/N)) + sum_j log((m/N) / (p_j + m/N)) ].
    """
    noise = (ratios.shape[1] - 1) / samples
    positive = (ratios[:, 0] / (ratios[:, 0] + noise + FLOOR)).log()
    negative = (noise / (ratios[:, 1:] + noise + FLOOR)).log().sum(1)
    return -(positive + negative).mean()


def other_class_samples(labels: Tensor, all_labels: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(B, count) positions, uniform with replacement among the samples of all_labels (N,) of another class.

    Sorted by class, the own class is one block: draw from N minus the block, and step over it.
    """
    order = torch.argsort(all_labels, stable=True)
    sizes = torch.bincount(all_labels, minlength=int(all_labels.max()) + 1)
    starts = sizes.cumsum(0) - sizes
    size, start = sizes[labels].unsqueeze(1), starts[labels].unsqueeze(1)
    uniform = torch.rand(len(labels), count, generator=generator, device=labels.device, dtype=torch.float64)
    drawn = (uniform * (len(all_labels) - size)).long()
    return order[torch.where(drawn >= start, drawn + size, drawn)]


class ContrastHead(nn.Module):
    """Two linear embeddings onto the unit sphere and two memories (N, width), one for each network's embeddings.

    Negatives depend on (seed, number of calls) alone, so a resumed run draws what an uninterrupted one draws.
    """

    all_labels: Tensor
    student_memory: Tensor
    teacher_memory: Tensor
    constants: Tensor

    def __init__(
        self,
        student_width: int,
        teacher_width: int,
        labels: Tensor,
        seed: int = 0,
        width: int = 128,
        negatives: int = 16384,
        temperature: float = 0.07,
        momentum: float = 0.5,
    ) -> None:
        super().__init__()
        if len(labels.unique()) < 2:
            raise UsageError("CRD contrasts classes: expected training labels of at least 2 classes, got 1")
        self.student_embedding = nn.Linear(student_width, width)
        self.teacher_embedding = nn.Linear(teacher_width, width)
        self.seed, self.negatives, self.temperature, self.momentum = seed, negatives, temperature, momentum
        self.calls = 0
        bound = (3 / width) ** 0.5
        self.register_buffer("all_labels", labels.clone())
        self.register_buffer("student_memory", torch.empty(len(labels), width).uniform_(-bound, bound))
        self.register_buffer("teacher_memory", torch.empty(len(labels), width).uniform_(-bound, bound))
        self.register_buffer("constants", torch.zeros(2))  # normalisers Z, set by the first batch

    def get_extra_state(self) -> dict[str, int]:
        """The number of calls, which the next negatives depend on."""
        return {"calls": self.calls}

    def set_extra_state(self, state: dict[str, int]) -> None:
        """Continue after `state['calls']` calls."""
        self.calls = state["calls"]

    def forward(self, student: Tensor, teacher: Tensor, labels: Tensor, indices: Tensor) -> Tensor:
        """CRD loss of pooled features (B, C_S), (B, C_T): each network as anchor against the other's memory."""
        with torch.autocast(student.device.type, enabled=False):
            s = F.normalize(self.student_embedding(student.to(self.student_embedding.weight.dtype)), dim=1)
            t = F.normalize(self.teacher_embedding(teacher.to(self.teacher_embedding.weight.dtype)), dim=1)
            positions = torch.cat([indices.unsqueeze(1), self._draw(labels)], dim=1)
            total = nce(self._ratios(s, self.teacher_memory, positions, 0), len(self.all_labels))
            total = total + nce(self._ratios(t, self.student_memory, positions, 1), len(self.all_labels))
            self._remember(self.student_memory, s.detach(), indices)
            self._remember(self.teacher_memory, t.detach(), indices)
        return total

    def _draw(self, labels: Tensor) -> Tensor:
        generator = torch.Generator(labels.device).manual_seed(self.seed * 1_000_003 + self.calls)
        self.calls += 1
        return other_class_samples(labels, self.all_labels, self.negatives, generator)

    def _ratios(self, anchors: Tensor, memory: Tensor, positions: Tensor, which: int) -> Tensor:
        """exp(anchor . memory / temperature) / Z at the positions (B, 1 + m); Z makes the first batch's mean 1/N."""
        # the product with the whole memory (B, N) is far smaller than the gathered vectors (B, 1 + m, width)
        scores = (anchors @ memory.clone().T).gather(1, positions)
        raw = (scores / self.temperature).exp()
        measured = raw.detach().mean() * len(self.all_labels)
        constant = torch.where(self.constants[which] > 0, self.constants[which], measured)
        self.constants[which].copy_(constant)
        return raw / constant

    def _remember(self, memory: Tensor, embeddings: Tensor, indices: Tensor) -> None:
        mixed = memory[indices] * self.momentum + embeddings.to(memory.dtype) * (1 - self.momentum)
        memory[indices] = F.normalize(mixed, dim=1)


def make_contrast(student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup) -> nn.Module | None:
    """CRD: memories of the size of the training set, so the training labels must be in the setup."""
    if setup.labels is None:
        raise UsageError("crd keeps a memory of the training set: pass HeadSetup(labels=<training labels (N,)>)")
    return ContrastHead(student.pooled.shape[1], teacher.pooled.shape[1], setup.labels.cpu(), setup.seed)


@distiller(
    "crd",
    needs=["pooled", "labels", "indices"],
    paper="Tian et al. 2020",
    weight=0.8,
    head=make_contrast,
    head_required=True,
    published=SETTING,
)
def crd_term(
    student: FeaturesLike, teacher: FeaturesLike, labels: Tensor, head: nn.Module | None, context: Context
) -> Tensor:
    """The contrast of the head's two memories."""
    assert isinstance(head, ContrastHead)
    return head(student.pooled, teacher.pooled, labels, context.indices)
