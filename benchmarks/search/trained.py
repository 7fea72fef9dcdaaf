"""The accuracy of a short training as an objective: on images held out of the training split, never the test split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engines.device import settle
from benchmarks.scoring.setting import file_hash
from benchmarks.search.objective import EachByItself
from benchmarks.search.protocol import FULL, Trial, Value
from diswot_errors import UsageError
from nb201_data.datasets import unpooled
from nb201_data.spaces import SearchSpace
from proxies.distillation.names import ALONE

if TYPE_CHECKING:
    from benchmarks.distill.protocols import Protocol
    from benchmarks.distill.stream import Stream
    from proxies.distillation.record import Loss

HELD_OUT = 5  # every fifth image of each class of the training split


@dataclass(frozen=True)
class TrainedObjective(EachByItself):
    """Top-1 in percent on the held-out fifth after training by a protocol of `benchmarks.distill`."""

    space: SearchSpace
    protocol: str
    images: str
    loss: str = ALONE
    seed: int = 0
    device: str = "cpu"
    epochs: int = 0
    """Another length than the protocol's; 0: the protocol's."""
    teacher: str = ""
    """Another ResNet than the protocol's; '': the protocol's."""
    weights: str = ""
    """The file of its trained weights; '': that of the data folder."""
    fidelities: tuple[int, ...] = (FULL,)

    def __post_init__(self) -> None:
        """Every name is known before anything is trained."""
        from benchmarks.distill.trainer import check_trainable
        from nb201_data.networks import a_resnet

        if self._loss.teaching not in ("trained", "nobody"):
            raise UsageError(
                f"--score trained:{self.protocol}:{self.loss}: all networks of a search learn from one trained "
                f"teacher, and {self.loss} has another one ({self._loss.teaching}): expected {ALONE}, kd, dkd, ..."
            )
        a_resnet(self._recipe.teacher, "teacher")
        check_trainable(self.space.build(self.space.all()[0]), self._loss)

    @property
    def name(self) -> str:
        """Recipe, images, loss, whose answers it learns from, seed."""
        length = f", {self.epochs} epochs" if self.epochs else ""
        taught = f" by {self._teacher_file[1]}" if self._loss.teacher else ""
        return f"trained by {self.protocol} on {self.images} with {self.loss}{taught}{length}, seed {self.seed}"

    def value(self, trial: Trial) -> Value:
        """Of the network, trained from scratch."""
        from benchmarks.distill.trainer import DivergedError, Trainer
        from proxies.inits import initialise

        recipe, stream = self._recipe, self._stream
        student = self.space.build(trial.arch)
        initialise(student, "kaiming", self.seed)
        trainer = Trainer(student, self._loss, recipe, stream, self.seed, stream.teacher)
        try:
            results = [trainer.train_epoch() for _ in range(recipe.epochs)]
        except DivergedError as error:  # this network fails, the search goes on
            return Value(None, str(error))
        return Value(results[-1].top1)

    def probe(self, archs: Sequence[Any]) -> float:
        """Seconds for one network, by an epoch of the first of these."""
        return self._recipe.epochs * (replace(self, epochs=1).timed(Trial(archs[0])).seconds or 0.0)

    @property
    def _loss(self) -> Loss:
        from proxies.distillation import losses

        return losses.get(self.loss)

    @property
    def _recipe(self) -> Protocol:
        from benchmarks.distill.protocols import get_protocol

        recipe = get_protocol(self.protocol)
        recipe = replace(recipe, images=self.images, tested_epochs=1, teacher=self.teacher or recipe.teacher)
        return recipe.lasting(self.epochs or recipe.epochs)

    @property
    def _teacher_file(self) -> tuple[Path, str]:
        """Where the teacher's weights are, and what tells it from another teacher of its name."""
        from nb201_data.teachers import teacher_file

        name = self._recipe.teacher
        file = Path(self.weights) if self.weights else teacher_file(name, unpooled(self.images))
        return file, f"{name} ({file_hash(str(file))})" if file.is_file() else name

    @cached_property
    def _stream(self) -> Stream:
        import torch

        from benchmarks.distill.stream import Stream
        from nb201_data.images import load_images
        from nb201_data.teachers import trained_teacher

        device, recipe = torch.device(self.device), self._recipe
        if device.type == "cpu":
            settle()
        images, skeleton = load_images(self.images), self.space.skeleton
        if (images.classes, images.resolution) != (skeleton.classes, skeleton.resolution):
            raise UsageError(
                f"{self.images} has {images.classes} classes at {images.resolution} pixels, not those of {skeleton}"
            )
        teacher = None
        if self._loss.teacher:
            teacher = trained_teacher(recipe.teacher, unpooled(self.images), images.classes, self._teacher_file[0])
        return Stream(self.images, recipe.padding, device, teacher, recipe.per_class, HELD_OUT)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
