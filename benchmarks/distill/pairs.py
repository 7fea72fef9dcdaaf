"""Train a student distilled and alone, under the same schedule and seed: the pair shows what distillation changes."""

from __future__ import annotations

import datetime
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

DISTILLED, ALONE = "kd", "ce"
Job = tuple[Cell, int]


class PairTrainer:
    """Trains pairs of one protocol; the images and the teacher's answers are loaded once."""

    def __init__(self, protocol: Protocol, device: torch.device) -> None:
        self.protocol, self.device = protocol, device
        base = protocol.images.partition("@")[0]
        images = load_images(protocol.images)
        self.teacher: Network = trained_teacher(protocol.teacher, base, images.classes).to(device)
        self.stream = Stream(protocol.images, protocol.padding, device, self.teacher, protocol.per_class)
        skeleton = protocol.skeleton(images.classes, images.resolution)
        self.space: SearchSpace = get_space("nb201").with_skeleton(skeleton)

    def train(self, jobs: Sequence[Job]) -> list[Row]:
        """A row for each (cell, seed); all runs of the list take turns on the device."""
        trainers = [self._trainer(cell, seed, loss) for cell, seed in jobs for loss in (DISTILLED, ALONE)]
        history = [train_together(trainers) for _ in range(self.protocol.epochs)]
        tested = [epoch for epoch in history if self.protocol.tests(epoch[0].epoch)]
        runs = [[epoch[i] for epoch in tested] for i in range(len(trainers))]
        seconds = [sum(epoch[2 * i].seconds + epoch[2 * i + 1].seconds for epoch in history) for i in range(len(jobs))]
        return [self._row(*job, runs[2 * i], runs[2 * i + 1], seconds[i]) for i, job in enumerate(jobs)]

    def _trainer(self, cell: Cell, seed: int, loss: str) -> Trainer:
        student = initialise(self.space.build(cell), "kaiming", seed)
        assert isinstance(student, Network)
        return Trainer(student, losses.get(loss), self.protocol, self.stream, seed, self.teacher)

    def _row(
        self, cell: Cell, seed: int, distilled: list[EpochResult], alone: list[EpochResult], seconds: float
    ) -> Row:
        return Row(
            space=self.space.name,
            arch=str(cell),
            skeleton=str(self.space.skeleton),
            images=self.protocol.images,
            protocol=self.protocol.name,
            teacher=self.protocol.teacher,
            seed=seed,
            epochs=self.protocol.epochs,
            distilled_top1=round(distilled[-1].top1, 4),
            vanilla_top1=round(alone[-1].top1, 4),
            distilled_best=round(max(result.top1 for result in distilled), 4),
            vanilla_best=round(max(result.top1 for result in alone), 4),
            distilled_loss=round(distilled[-1].loss, 6),
            vanilla_loss=round(alone[-1].loss, 6),
            seconds=round(seconds, 1),
            device=provenance.device_name(str(self.device)),
            torch=torch.__version__,
            version=provenance.version(),
            date=datetime.date.today().isoformat(),
        )
