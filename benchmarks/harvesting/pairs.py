"""Train a student distilled and alone, under the same schedule and seed: the pair shows what distillation changes."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from benchmarks.distill.protocols import Protocol
from benchmarks.distill.stream import Stream
from benchmarks.distill.trainer import EpochResult, Trainer, learns_from_last, learns_from_logits, train_together
from benchmarks.engines import provenance
from benchmarks.harvesting.rows import PairRow, read_rows, table_path
from benchmarks.scoring.setting import file_hash
from diswot_errors import UsageError
from nb201_data.datasets import unpooled
from nb201_data.images import load_images
from nb201_data.networks import Network, a_resnet
from nb201_data.space import Cell
from nb201_data.spaces import SearchSpace, get_space
from nb201_data.teachers import altered, teacher_file, trained_teacher
from proxies.distillation import losses
from proxies.distillation.names import ALONE
from proxies.inits import initialise

CellSeed = tuple[Cell, int]
KEPT_ON_DISK = 4 << 30  # bytes of the teacher's last maps, all epochs together
Lone = Mapping[tuple[str, int], PairRow]
"""Rows by (arch, seed) whose lone run is this recipe's too."""


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
        a_resnet(self.protocol.teacher, "teacher")

    def runs(self, job: CellSeed, lone: Lone) -> tuple[str, ...]:
        """The losses of the runs that make its row; `lone` has the one without a teacher already."""
        cell, seed = job
        taught = (self.distiller,) if self.distiller else ()
        return taught if (str(cell), seed) in lone else (*taught, ALONE)

    @property
    def beside(self) -> bool:
        """Whether the teacher runs beside every student, because its answers are not kept."""
        return bool(self.distiller) and not learns_from_logits(losses.get(self.distiller)) and not self.keeps_last

    @cached_property
    def keeps_last(self) -> bool:
        """Whether the teacher's last maps, in half precision, are kept on disk: where the loss looks at no more, and
        their size is bearable."""
        loss, teacher = losses.get(self.distiller or ALONE), self.loaded_teacher()
        if teacher is None or learns_from_logits(loss) or not learns_from_last(loss):
            return False
        whole = load_images(unpooled(self.protocol.images))
        with torch.no_grad():
            last = teacher.eval().forward_features(whole.normalise(whole.train_x[:2])).last[0]
        count = self.protocol.per_class * whole.classes or len(whole.train)
        return 2 * last.numel() * count * self.protocol.epochs <= KEPT_ON_DISK

    @cached_property
    def teacher(self) -> str:
        """`resnet56`; where its file is one's own, or not the published one, its hash too: two of one name differ."""
        if not self.distiller:
            return ""
        name = self.protocol.teacher
        file = self.weights or teacher_file(name, unpooled(self.protocol.images))
        if self.weights is None and not altered(name, unpooled(self.protocol.images)):
            return name
        return f"{name}:{file_hash(str(file)).partition(':')[2][:8]}"

    @property
    def kind(self) -> tuple[str, str, str]:
        """What all rows of its table share."""
        return self.protocol.name, self.teacher, self.distiller

    def loaded_teacher(self) -> Network | None:
        """The teacher, trained; an error that says how to come by it."""
        if not self.distiller:
            return None
        whole = load_images(unpooled(self.protocol.images))
        return trained_teacher(self.protocol.teacher, whole.name, whole.classes, self.weights)

    def space(self) -> SearchSpace:
        """NAS-Bench-201 with the protocol's skeleton."""
        images = load_images(self.protocol.images)
        return get_space("nb201").with_skeleton(self.protocol.skeleton(images.classes, images.resolution))


class PairTrainer:
    """Trains pairs of one recipe; the images and the teacher's answers are loaded once.

    A lone run that is in `lone` is not repeated: the protocol is the same, and so is its result.
    """

    def __init__(self, recipe: Recipe, device: torch.device, lone: Lone | None = None) -> None:
        self.recipe, self.protocol, self.device, self.lone = recipe, recipe.protocol, device, lone or {}
        self.teacher, self.space = recipe.loaded_teacher(), recipe.space()
        answering = None if recipe.beside else self.teacher
        self.stream = Stream(
            self.protocol.images,
            self.protocol.padding,
            device,
            answering,
            self.protocol.per_class,
            with_last=recipe.keeps_last,
        )

    def train(self, jobs: Sequence[CellSeed]) -> list[PairRow]:
        """A row for each (cell, seed); all runs of the list take turns on the device."""
        runs = [(*job, loss) for job in jobs for loss in self.recipe.runs(job, self.lone)]
        trainers = [self._trainer(*run) for run in runs]
        epochs = [train_together(trainers) for _ in range(self.protocol.epochs)]
        histories = {run: [epoch[i] for epoch in epochs] for i, run in enumerate(runs)}
        return [self._row(cell, seed, histories) for cell, seed in jobs]

    def _trainer(self, cell: Cell, seed: int, loss: str) -> Trainer:
        student = initialise(self.space.build(cell), "kaiming", seed)
        assert isinstance(student, Network)
        return Trainer(student, losses.get(loss), self.protocol, self.stream, seed, self.teacher)

    def _row(self, cell: Cell, seed: int, histories: Mapping[tuple[Cell, int, str], list[EpochResult]]) -> PairRow:
        distilled = _Run.of(histories[cell, seed, self.recipe.distiller]) if self.recipe.distiller else None
        known = self.lone.get((str(cell), seed))
        alone = _Run.of(histories[cell, seed, ALONE]) if known is None else _Run.alone_in(known)
        return PairRow(
            space=self.space.name,
            arch=str(cell),
            skeleton=str(self.space.skeleton),
            images=self.protocol.images,
            protocol=self.protocol.name,
            teacher=self.recipe.teacher,
            seed=seed,
            epochs=self.protocol.epochs,
            distilled_top1=distilled.top1 if distilled else None,
            vanilla_top1=alone.top1,
            distilled_best=distilled.best if distilled else None,
            vanilla_best=alone.best,
            distilled_loss=distilled.loss if distilled else None,
            vanilla_loss=alone.loss,
            seconds=round(alone.seconds + (distilled.seconds if distilled else 0.0), 1),
            device=provenance.device_name(str(self.device)),
            torch=torch.__version__,
            version=provenance.version(),
            date=datetime.date.today().isoformat(),
            distiller=self.recipe.distiller,
        )


@dataclass(frozen=True)
class _Run:
    """What a table keeps of one training run, rounded; seconds are those of this harvest."""

    top1: float
    best: float
    loss: float
    seconds: float

    @classmethod
    def of(cls, history: Sequence[EpochResult]) -> _Run:
        tested = [result.top1 for result in history if result.tested]
        seconds = sum(result.seconds for result in history)
        return cls(round(tested[-1], 4), round(max(tested), 4), round(history[-1].loss, 6), seconds)

    @classmethod
    def alone_in(cls, row: PairRow) -> _Run:
        return cls(row.vanilla_top1, row.vanilla_best, row.vanilla_loss, 0.0)


def lone_runs(recipe: Recipe, device: str) -> dict[tuple[str, int], PairRow]:
    """Rows of the project's usual table of this protocol that were measured by this device and PyTorch: their lone runs
    are those of every other teacher and distiller."""
    if not recipe.distiller:
        return {}
    here = provenance.device_name(device), torch.__version__
    rows = read_rows(table_path(recipe.protocol.name))
    return {row.key: row for row in rows if (row.device, row.torch) == here and row.epochs == recipe.protocol.epochs}
