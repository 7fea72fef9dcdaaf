"""What a distillation loss is: a frozen record, the inputs it may ask for, and how a head for it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from diswot_errors import UsageError
from proxies.authors import AuthorsSetting
from proxies.distillation.logits import ce, kd
from proxies.distillation.published import Published, WarmUp


class FeaturesLike(Protocol):
    """What a network shows of itself on a batch; a loss touches only what its record names in `needs`."""

    @property
    def stages(self) -> tuple[Tensor, ...]:
        """Maps (B, C_i, H_i, W_i), from shallow to deep."""

    @property
    def before(self) -> tuple[Tensor, ...]:
        """The stages before the last ReLU of each."""

    @property
    def last(self) -> Tensor:
        """(B, C, H, W), the map that is pooled."""

    @property
    def pooled(self) -> Tensor:
        """(B, C)."""

    @property
    def logits(self) -> Tensor:
        """(B, K)."""


@dataclass(frozen=True)
class Context:
    """What a few losses need besides the features of the batch."""

    student_weight: Tensor | None = None  # (K, C_S), the student's classifier weight
    teacher_weight: Tensor | None = None  # (K, C_T)
    indices: Tensor | None = None  # (B,), positions of the samples in the training set
    epoch: tuple[int, int] | None = None  # which, from 0, of how many; None: warm-ups are over


@dataclass(frozen=True)
class HeadSetup:
    """What a head may need besides example features: of the data, of the teacher, and a seed."""

    labels: Tensor | None = None  # (N,), of the training set
    margins: tuple[Tensor, ...] | None = None  # one (C_i,) per teacher stage, see `ofd.batch_norm_margin`
    seed: int = 0
    classifier: nn.Linear | None = None  # the teacher's


Teaching = Literal["trained", "early", "assistant", "peer", "nobody"]
Term = Callable[[FeaturesLike, FeaturesLike, Tensor, nn.Module | None, Context], Tensor]
HeadFactory = Callable[[FeaturesLike, FeaturesLike, HeadSetup], nn.Module | None]
Predictor = Callable[[FeaturesLike, nn.Module], Tensor]
NOTHING = Context()
TRAINING = frozenset({"before", "weights", "indices", "epoch"})
"""What only a training shows, and so no loss that is a score looks at."""
INPUTS = frozenset({"stages", "last", "pooled", "logits", "labels"}) | TRAINING


@dataclass(frozen=True)
class Loss:
    """One distillation loss. Training minimises ce * CE + kd * KD(T) + weight * function.

    `needs` names fields of the features, and 'labels', 'weights' (both classifier weights in the context), 'indices'.
    `head` makes the parameters that are trained along and thrown away; it may decide that a pair needs none. With
    `predict` they stay: the student's answer (B, K) is what it makes of the student's features and the head.
    `warm_up`: how the weight grows at the beginning. `published`: what the authors set.
    `teaching` says who teaches: a trained teacher, its early checkpoint, a middle-sized assistant that it taught, an
    untrained peer that learns as well (call once each way, roles exchanged), or nobody. `proxy=False` where another
    proxy has the name or the formula; `version` goes up whenever the values of the proxy change; `authors` is the
    setting of those who scored untrained networks with it.
    """

    name: str
    function: Term
    needs: frozenset[str]
    paper: str
    weight: float = 1.0
    ce: float = 1.0
    kd: float = 0.0
    head: HeadFactory | None = None
    head_required: bool = False
    teaching: Teaching = "trained"
    note: str = ""
    proxy: bool = True
    version: int = 1
    predict: Predictor | None = None
    warm_up: WarmUp | None = None
    published: Published | None = None
    origin: str = ""
    authors: AuthorsSetting | None = None

    @property
    def formula(self) -> str:
        """The docstring of the function."""
        return (self.function.__doc__ or "").strip()

    @property
    def minimises(self) -> str:
        """`0.1 CE + 0.9 term`; a weight that grows says over which epochs."""
        parts = [f"{weight:g} {name}" for weight, name in ((self.ce, "CE"), (self.kd, "KD")) if weight]
        grown = f", grown over the first {self.warm_up.epochs} of {self.warm_up.of} epochs" if self.warm_up else ""
        return " + ".join([*parts, f"{self.weight:g} term"]) + grown

    @property
    def compares(self) -> bool:
        """Whether it says something about two untrained networks, and so is a proxy."""
        looks = self.teaching == "trained" and not self.needs & TRAINING
        return self.proxy and looks and not self.head_required

    @property
    def teacher(self) -> bool:
        """Whether the loss looks at anybody but the student."""
        return self.teaching != "nobody"

    @property
    def two_way(self) -> bool:
        """Whether the teacher learns as well."""
        return self.teaching == "peer"

    def __post_init__(self) -> None:
        if unknown := self.needs - INPUTS:
            raise UsageError(f"loss {self.name}: unknown needs {sorted(unknown)}; expected some of {sorted(INPUTS)}")

    def __call__(
        self,
        student: FeaturesLike,
        teacher: FeaturesLike,
        labels: Tensor,
        head: nn.Module | None = None,
        context: Context = NOTHING,
    ) -> Tensor:
        """The loss's own term, a scalar: without CE, KD and weights."""
        if self.head_required and head is None:
            raise UsageError(f"loss {self.name} is defined with trained parameters: pass the head of make_head(...)")
        if "weights" in self.needs and (context.student_weight is None or context.teacher_weight is None):
            raise UsageError(f"loss {self.name} needs both classifier weights: Context(student_weight, teacher_weight)")
        if "indices" in self.needs and context.indices is None:
            raise UsageError(f"loss {self.name} needs the samples' positions in the training set: Context(indices=...)")
        return self.function(student, teacher, labels, head, context)

    def objective(
        self,
        student: FeaturesLike,
        teacher: FeaturesLike,
        labels: Tensor,
        head: nn.Module | None = None,
        context: Context = NOTHING,
        temperature: float = 4.0,
    ) -> Tensor:
        """What training minimises: ce * CE + kd * KD + weight * term."""
        total = self.weighted(student, teacher, labels, head, context)
        if self.ce:
            total = total + self.ce * ce(student.logits, labels)
        if self.kd:
            total = total + self.kd * kd(student.logits, teacher.logits, temperature)
        return total

    def weighted(
        self,
        student: FeaturesLike,
        teacher: FeaturesLike,
        labels: Tensor,
        head: nn.Module | None = None,
        context: Context = NOTHING,
    ) -> Tensor:
        """weight * term, the weight as far as it has grown in the context's epoch."""
        grown = 1.0 if self.warm_up is None or context.epoch is None else self.warm_up.share(*context.epoch)
        return self.weight * grown * self(student, teacher, labels, head, context)

    def inputs(self) -> frozenset[str]:
        """`needs` of the whole objective: its CE and KD terms and a growing weight included."""
        extra = ({"logits", "labels"} if self.ce else set()) | ({"logits"} if self.kd else set())
        return self.needs | extra | ({"epoch"} if self.warm_up else set())

    def make_head(
        self, student: FeaturesLike, teacher: FeaturesLike, setup: HeadSetup = HeadSetup()
    ) -> nn.Module | None:
        """The head for a pair of networks, from example features; None where the pair needs none.

        Same setup, same weights; the caller's random state is left as it was.
        """
        if self.head is None:
            return None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(setup.seed)
            head = self.head(student, teacher, setup)
        return None if head is None else head.to(student.logits.device)
