"""Train a student distilled and alone, under the same schedule and seed: the pair shows what distillation changes."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence

import torch

from benchmarks import provenance
from benchmarks.distill.protocols import Protocol
from benchmarks.distill.stream import Stream
from benchmarks.distill.table import Row
from benchmarks.distill.trainer import EpochResult, Trainer, train_together
from nb201_data.images import load_images
from nb201_data.networks import Network
from nb201_data.space import Cell
from nb201_data.spaces import SearchSpace, get_space
from nb201_data.teachers import trained_teacher
from proxies.distillation import losses
from proxies.inits import initialise

DISTILLED, ALONE = "kd", "ce"  # the losses of a pair
Job = tuple[Cell, int]


class PairTrainer:
    """Trains pairs of one protocol; the images and the teacher's answers are loaded once. `alone`: without teacher."""

    def __init__(self, protocol: Protocol, device: torch.device, alone: bool = False) -> None:
        self.protocol, self.device = protocol, device
        self.losses = (ALONE,) if alone else (DISTILLED, ALONE)
        base = protocol.images.partition("@")[0]
        images = load_images(protocol.images)
        teacher = None if alone else trained_teacher(protocol.teacher, base, images.classes)
        self.teacher: Network | None = teacher
        self.stream = Stream(protocol.images, protocol.padding, device, self.teacher, protocol.per_class)
        skeleton = protocol.skeleton(images.classes, images.resolution)
        self.space: SearchSpace = get_space("nb201").with_skeleton(skeleton)

    def train(self, jobs: Sequence[Job]) -> list[Row]:
        """A row for each (cell, seed); all runs of the list take turns on the device."""
        trainers = [self._trainer(cell, seed, loss) for cell, seed in jobs for loss in self.losses]
        epochs = [train_together(trainers) for _ in range(self.protocol.epochs)]
        histories = [[epoch[i] for epoch in epochs] for i in range(len(trainers))]
        each = len(self.losses)
        return [self._row(*job, histories[i * each : (i + 1) * each]) for i, job in enumerate(jobs)]

    def _trainer(self, cell: Cell, seed: int, loss: str) -> Trainer:
        student = initialise(self.space.build(cell), "kaiming", seed)
        assert isinstance(student, Network)
        return Trainer(student, losses.get(loss), self.protocol, self.stream, seed, self.teacher)

    def _row(self, cell: Cell, seed: int, histories: list[list[EpochResult]]) -> Row:
        tested = [[result for result in history if not math.isnan(result.top1)] for history in histories]
        alone, distilled = tested[-1], tested[0] if len(tested) > 1 else None
        return Row(
            space=self.space.name,
            arch=str(cell),
            skeleton=str(self.space.skeleton),
            images=self.protocol.images,
            protocol=self.protocol.name,
            teacher=self.protocol.teacher if distilled else "",
            seed=seed,
            epochs=self.protocol.epochs,
            distilled_top1=round(distilled[-1].top1, 4) if distilled else None,
            vanilla_top1=round(alone[-1].top1, 4),
            distilled_best=_best(distilled) if distilled else None,
            vanilla_best=_best(alone),
            distilled_loss=round(distilled[-1].loss, 6) if distilled else None,
            vanilla_loss=round(alone[-1].loss, 6),
            seconds=round(sum(result.seconds for history in histories for result in history), 1),
            device=provenance.device_name(str(self.device)),
            torch=torch.__version__,
            version=provenance.version(),
            date=datetime.date.today().isoformat(),
        )


def _best(tested: list[EpochResult]) -> float:
    return round(max(result.top1 for result in tested), 4)
