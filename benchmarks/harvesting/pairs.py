"""Train a student distilled and alone, under the same schedule and seed: the pair shows what distillation changes."""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.distill.protocols import Protocol
from benchmarks.distill.stream import Stream
from benchmarks.distill.trainer import EpochResult, Trainer, learns_from_logits, train_together
from benchmarks.engines import provenance
from benchmarks.harvesting.rows import PairRow
from benchmarks.scoring.setting import file_hash
from diswot_errors import UsageError
from nb201_data.images import load_images
from nb201_data.networks import RESNETS, Network
from nb201_data.space import Cell
from nb201_data.spaces import SearchSpace, get_space
from nb201_data.teachers import trained_teacher
from proxies.distillation import losses
from proxies.inits import initialise

ALONE = "ce"  # the loss of a student without a teacher
CellSeed = tuple[Cell, int]


@dataclass(frozen=True)
class Recipe:
    """How a pair is made. `distiller`: empty where cells are trained alone only; `weights`: a teacher's own file."""

    protocol: Protocol
    distiller: str
    weights: Path | None = None

    def __post_init__(self) -> None:
        taught = [name for name in losses.names() if losses.get(name).teaching == "trained"]
        if self.distiller and losses.get(self.distiller).teaching != "trained":
            raise UsageError(
                f"--distiller {self.distiller} has no trained teacher, which a harvest needs: "
                f"expected one of {', '.join(taught)}"
            )
        if self.protocol.teacher not in RESNETS:
            raise UsageError(f"unknown --teacher {self.protocol.teacher!r}: expected one of {', '.join(RESNETS)}")

    @property
    def losses(self) -> tuple[str, ...]:
        """Of the runs of a pair."""
        return (self.distiller, ALONE) if self.distiller else (ALONE,)

    @property
    def teacher(self) -> str:
        """`resnet56`; with a file of the user's its hash too, which tells one teacher of this name from another."""
        if not self.distiller:
            return ""
        name = self.protocol.teacher
        return f"{name}:{file_hash(str(self.weights)).partition(':')[2][:8]}" if self.weights else name

    @property
    def kind(self) -> tuple[str, str, str]:
        """What all rows of its table share."""
        return self.protocol.name, self.teacher, self.distiller

    def loaded_teacher(self) -> Network | None:
        """The teacher, trained; an error that says how to come by it."""
        if not self.distiller:
            return None
        whole = load_images(self.protocol.images.partition("@")[0])
        return trained_teacher(self.protocol.teacher, whole.name, whole.classes, self.weights)

    def space(self) -> SearchSpace:
        """NAS-Bench-201 with the protocol's skeleton."""
        images = load_images(self.protocol.images)
        return get_space("nb201").with_skeleton(self.protocol.skeleton(images.classes, images.resolution))


class PairTrainer:
    """Trains pairs of one recipe; the images and the teacher's answers are loaded once."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe, self.protocol, self.device = recipe, recipe.protocol, device
        self.teacher, self.space = recipe.loaded_teacher(), recipe.space()
        answers = recipe.distiller and learns_from_logits(losses.get(recipe.distiller))
        answering = self.teacher if answers else None
        self.stream = Stream(self.protocol.images, self.protocol.padding, device, answering, self.protocol.per_class)

    def train(self, jobs: Sequence[CellSeed]) -> list[PairRow]:
        """A row for each (cell, seed); all runs of the list take turns on the device."""
        trainers = [self._trainer(cell, seed, loss) for cell, seed in jobs for loss in self.recipe.losses]
        epochs = [train_together(trainers) for _ in range(self.protocol.epochs)]
        histories = [[epoch[i] for epoch in epochs] for i in range(len(trainers))]
        each = len(self.recipe.losses)
        return [self._row(*job, histories[i * each : (i + 1) * each]) for i, job in enumerate(jobs)]

    def _trainer(self, cell: Cell, seed: int, loss: str) -> Trainer:
        student = initialise(self.space.build(cell), "kaiming", seed)
        assert isinstance(student, Network)
        return Trainer(student, losses.get(loss), self.protocol, self.stream, seed, self.teacher)

    def _row(self, cell: Cell, seed: int, histories: list[list[EpochResult]]) -> PairRow:
        tested = [[result for result in history if not math.isnan(result.top1)] for history in histories]
        alone, distilled = tested[-1], tested[0] if len(tested) > 1 else None
        return PairRow(
            space=self.space.name,
            arch=str(cell),
            skeleton=str(self.space.skeleton),
            images=self.protocol.images,
            protocol=self.protocol.name,
            teacher=self.recipe.teacher,
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
            distiller=self.recipe.distiller,
        )


def _best(tested: list[EpochResult]) -> float:
    return round(max(result.top1 for result in tested), 4)
