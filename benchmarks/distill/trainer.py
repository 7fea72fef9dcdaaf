"""The training loop: one student, one loss, one protocol.

What an epoch does is a function of the state before it and of (seed, epoch): a run that was interrupted and resumed
ends bit-equal to one that was not. Several trainers can take turns, step by step, so that small networks fill a GPU.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.distill.graph import StepRunner
from benchmarks.distill.learner import Learner, ThroughHead
from benchmarks.distill.protocols import Protocol
from benchmarks.distill.stream import Epoch, Stream, rows
from diswot_errors import DataError, UsageError
from nb201_data.networks import Network, NetworkMaps
from proxies.distillation.ofd import batch_norm_margin
from proxies.distillation.record import Context, HeadSetup, Loss

_TEST_CHUNK = 500


class DivergedError(DataError):
    """The loss of a training is no number any more: it is this network that fails."""


LOGITS_ONLY = frozenset({"logits", "labels", "epoch"})
LAST_ONLY = LOGITS_ONLY | {"last", "pooled", "weights", "indices"}


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What is known after an epoch; accuracies in percent on the test split, NaN where the protocol does not test."""

    epoch: int
    loss: float
    top1: float
    top5: float
    test_loss: float
    seconds: float

    @property
    def tested(self) -> bool:
        """Whether there are accuracies."""
        return not math.isnan(self.top1)

    def told(self, last: int) -> str:
        """For a line of progress; `last`: how many epochs there will be."""
        top1 = f", top-1 {self.top1:.2f} %" if self.tested else ""
        return f"epoch {self.epoch}/{last}, loss {self.loss:.3f}{top1}"


def learns_from_logits(loss: Loss) -> bool:
    """Whether the teacher's logits are all that `loss` wants of a teacher that does not change: they can be cached."""
    return loss.teacher and not loss.two_way and loss.inputs() <= LOGITS_ONLY


def learns_from_last(loss: Loss) -> bool:
    """Whether the teacher's logits and last map, of which the pooled features are the mean, are all that it wants."""
    return loss.teacher and not loss.two_way and loss.inputs() <= LAST_ONLY


def shown(network: nn.Module, x: Tensor) -> NetworkMaps:
    """What a network shows of normalised images (B, 3, h, w); of one that is not ours its logits stand for all."""
    if isinstance(network, Network):
        return network.forward_features(x)
    logits = network(x)
    return NetworkMaps((), logits, logits, logits, ())


def check_trainable(network: nn.Module, loss: Loss) -> None:
    """Refuse a loss that looks inside a network which shows its answers only."""
    if not isinstance(network, Network) and (loss.head is not None or not loss.inputs() <= LOGITS_ONLY):
        raise UsageError(
            f"distiller {loss.name} looks inside the student, and {type(network).__name__} shows its logits only: "
            "expected a loss of logits, as ce, kd or dkd, or a student that is a nb201_data.networks.Network"
        )


class Trainer:
    """Trains `student` with `loss` from `teacher`, epoch by epoch.

    Where the stream keeps all that the loss looks at, the teacher's answers come from there; else the teacher runs
    beside the student. Where the loss is two-way the teacher is a peer that learns as well.
    """

    def __init__(
        self,
        student: nn.Module,
        loss: Loss,
        protocol: Protocol,
        stream: Stream,
        seed: int,
        teacher: Network | None = None,
    ) -> None:
        check_trainable(student, loss)
        self.protocol, self.stream, self.loss, self.seed = protocol, stream, loss, seed
        self.device = stream.device
        self.teacher = teacher.to(self.device) if loss.teacher and teacher is not None else None
        self.epoch, self.mean_loss = 0, math.nan
        student = student.to(self.device)
        self.cached = learns_from_logits(loss) or (stream.with_last and learns_from_last(loss))
        self.beside = loss.teacher and not self.cached  # the teacher looks at every batch along with the student
        if loss.teacher and (self.teacher is None or (self.cached and stream.teacher is None)):
            raise DataError(f"loss {loss.name} learns from a teacher and none was given")
        self.student = Learner(student, self._head(student), protocol, self.device)
        self.peer = Learner(teacher, None, protocol, self.device) if loss.two_way and teacher is not None else None
        if self.teacher is not None:
            self.teacher.train(loss.two_way)
        capture = self.device.type == "cuda" and (self.cached or not loss.teacher) and self.student.head is None
        self._runner = StepRunner(self._step, self.device, capture)

    def _head(self, student: nn.Module) -> nn.Module | None:
        """The loss's head, built from the features of a few training images; no network remembers seeing them."""
        if self.loss.head is None:
            return None
        epoch = self.stream.epoch(0, self.teacher is not None)
        looked_at = [network for network in (student, self.teacher) if network is not None]
        modes = [network.training for network in looked_at]
        with torch.no_grad():
            student_features = shown(student.eval(), self.stream.images.normalise(epoch.x[:8]))
            features = student_features
            if self.teacher is not None and epoch.teacher_x is not None:
                features = self.teacher.eval().forward_features(self.stream.whole.normalise(epoch.teacher_x[:8]))
        for network, mode in zip(looked_at, modes, strict=True):
            network.train(mode)
        classifier = None if self.teacher is None else self.teacher.classifier
        setup = HeadSetup(self.stream.labels, self._margins(), self.seed, classifier)
        return self.loss.make_head(student_features, features, setup)

    def _margins(self) -> tuple[Tensor, ...] | None:
        """Those of the batch norms that end the teacher's stages; none where it has no such."""
        norms = () if self.teacher is None else self.teacher.norms
        return tuple(batch_norm_margin(norm.weight, norm.bias) for norm in norms) or None

    def _autocast(self) -> contextlib.AbstractContextManager[None]:
        """bfloat16 where the protocol says so."""
        enabled = self.protocol.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled, cache_enabled=False)

    def _step(self, x: Tensor, teacher_x: Tensor, y: Tensor, logits: Tensor, last: Tensor, indices: Tensor) -> Tensor:
        """One step on one batch: (B,3,h,w), (B,3,H,W), (B,), (B,K), (B,C,h',w'), (B,) -> the loss, a scalar."""
        with self._autocast():
            features = shown(self.student.network, self.stream.images.normalise(x))
            taught = self._teach(features, teacher_x, logits, last)
            context = self._context(indices)
            loss = self.loss.objective(features, taught, y, self.student.head, context, self.protocol.temperature)
            back = None
            if self.peer is not None:
                held = NetworkMaps(*(_detached(part) for part in features))
                back = self.loss.objective(taught, held, y, None, context, self.protocol.temperature)
        self.student.step(loss)
        if self.peer is not None and back is not None:
            self.peer.step(back)
        return loss.detach()

    def _teach(self, features: NetworkMaps, teacher_x: Tensor, logits: Tensor, last: Tensor) -> NetworkMaps:
        """What the loss sees of the teacher."""
        if self.cached and self.stream.with_last:
            last = last.float()
            return features._replace(logits=logits.float(), last=last, pooled=last.mean((2, 3)))
        if self.cached:
            return features._replace(logits=logits.float())
        if self.teacher is None:
            return features
        with torch.set_grad_enabled(self.peer is not None):
            return self.teacher.forward_features(self.stream.whole.normalise(teacher_x))

    def _context(self, indices: Tensor) -> Context:
        teacher_weight = None if self.teacher is None else self.teacher.classifier.weight.detach()
        student = self.student.network
        student_weight = student.classifier.weight if isinstance(student, Network) else None
        return Context(student_weight, teacher_weight, indices, (self.epoch, self.protocol.epochs))

    def steps(self) -> Iterator[None]:
        """Train one epoch, pausing after each step. Raises where the loss is no number."""
        data, order = self.stream.epoch(self.epoch, self.beside), self.stream.order(self.seed, self.epoch)
        size = self.protocol.batch_size
        count = len(order) // size
        if not count:
            raise DataError(f"{len(order)} images make no batch of {size}: take a smaller batch size")
        self.student.train()
        total = torch.zeros((), device=self.device)
        if "epoch" in self.loss.inputs():  # a captured step keeps the weights that it was captured with
            self._runner.forget()
        self._runner.begin()
        for step in range(count):
            with self._runner.on_stream():
                for learner in (self.student, self.peer):
                    if learner is not None:
                        learner.set_rate(self.protocol.rate(self.epoch * count + step, count))
                with torch.random.fork_rng(devices=[]):  # a network may draw by itself, as dropout does
                    torch.manual_seed((self.seed * 100_003 + self.epoch) * 1_000_003 + step)
                    total += self._runner(*_batch(data, order[step * size : (step + 1) * size]))
            yield
        self._runner.end()
        self.mean_loss = total.item() / count
        if not math.isfinite(self.mean_loss):
            raise DivergedError(
                f"the loss became {self.mean_loss} in epoch {self.epoch + 1} of {self.loss.name}; "
                f"the rate of protocol {self.protocol.name}, {self.protocol.learning_rate}, is too high for this pair"
            )
        self.epoch += 1

    @property
    def answering(self) -> nn.Module:
        """What answers for the student: images (B, 3, h, w) to logits (B, K)."""
        network, head, predict = self.student.network, self.student.head, self.loss.predict
        if predict is None or head is None:
            return network
        assert isinstance(network, Network)  # others have no head: `check_trainable`
        return ThroughHead(network, head, predict)

    def test(self) -> tuple[float, float, float]:
        """(top-1 %, top-5 %, cross entropy) of the student on the test split."""
        with self._autocast():
            return accuracy(self.answering, self.stream)

    def train_epoch(self) -> EpochResult:
        """One pass over the training images, then over the test images."""
        return train_together([self])[0]

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on."""
        peer = None if self.peer is None else self.peer.state()
        return {"epoch": self.epoch, "student": self.student.state(), "peer": peer}

    def load(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.epoch = state["epoch"]
        self.student.load(state["student"])
        if self.peer is not None:
            self.peer.load(state["peer"])


def train_together(trainers: Sequence[Trainer]) -> list[EpochResult]:
    """One epoch of each, step by step in turn; seconds are each one's share of the time."""
    started = time.perf_counter()
    running = [trainer.steps() for trainer in trainers]
    while running:
        running = [steps for steps in running if next(steps, _DONE) is not _DONE]
    results = []
    for trainer in trainers:
        tested = trainer.protocol.tests(trainer.epoch)
        top1, top5, test_loss = trainer.test() if tested else (math.nan,) * 3
        seconds = (time.perf_counter() - started) / len(trainers)
        results.append(EpochResult(trainer.epoch, trainer.mean_loss, top1, top5, test_loss, seconds))
    return results


_DONE = object()


@torch.inference_mode()
def accuracy(network: nn.Module, stream: Stream) -> tuple[float, float, float]:
    """(top-1 %, top-5 %, cross entropy) on the stream's test split, in evaluation mode."""
    network.eval()
    x_test, y_test = stream.test
    hits1 = hits5 = loss = torch.zeros((), device=stream.device, dtype=torch.float64)
    for x, y in zip(x_test.split(_TEST_CHUNK), y_test.split(_TEST_CHUNK), strict=True):
        logits = network(stream.images.normalise(x)).float()
        hits = logits.topk(min(5, logits.shape[1]), 1).indices == y[:, None]
        hits1 = hits1 + hits[:, 0].sum()
        hits5 = hits5 + hits.sum()
        loss = loss + F.cross_entropy(logits, y, reduction="sum")
    n = len(y_test)
    return 100 * hits1.item() / n, 100 * hits5.item() / n, loss.item() / n


def _batch(data: Epoch, indices: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """What a step takes; where there is no teacher beside the student, or no answer of one, something that is there."""
    x, y = rows(data.x, indices), data.y[indices]
    teacher_x = x if data.teacher_x is None else rows(data.teacher_x, indices)
    logits = y if data.teacher_logits is None else data.teacher_logits[indices]
    last = y if data.teacher_last is None else rows(data.teacher_last, indices)
    return x, teacher_x, y, logits, last, indices


def _detached(part: Any) -> Any:
    return tuple(t.detach() for t in part) if isinstance(part, tuple) else part.detach()
