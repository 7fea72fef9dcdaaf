"""The accuracy of a short training as an objective: on images held out of the training split, never the test split."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from benchmarks.engines.device import settle
from benchmarks.search.objective import EachByItself
from benchmarks.search.protocol import FULL, Trial, Value
from diswot_errors import DataError, UsageError
from nb201_data.datasets import unpooled
from nb201_data.spaces import SearchSpace
from proxies.distillation.names import ALONE

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
    fidelities: tuple[int, ...] = (FULL,)

    @property
    def name(self) -> str:
        """Recipe, images, loss, seed."""
        length = f", {self.epochs} epochs" if self.epochs else ""
        return f"trained by {self.protocol} on {self.images} with {self.loss}{length}, seed {self.seed}"

    def value(self, trial: Trial) -> Value:
        """Of the network, trained from scratch."""
        from benchmarks.distill.trainer import Trainer
        from proxies.distillation import losses
        from proxies.inits import initialise

        recipe, stream = self._prepared
        student = self.space.build(trial.arch)
        initialise(student, "kaiming", self.seed)
        trainer = Trainer(student, losses.get(self.loss), recipe, stream, self.seed, stream.teacher)
        try:
            results = [trainer.train_epoch() for _ in range(recipe.epochs)]
        except DataError as error:  # the loss became NaN: this network fails, the search goes on
            return Value(None, str(error))
        return Value(results[-1].top1)

    def probe(self, archs: Sequence[Any]) -> float:
        """Seconds for one network, by an epoch of the first of these."""
        recipe, _ = self._prepared
        return recipe.epochs * (replace(self, epochs=1).timed(Trial(archs[0])).seconds or 0.0)

    @cached_property
    def _prepared(self) -> tuple[Any, Any]:
        import torch

        from benchmarks.distill.protocols import get_protocol
        from benchmarks.distill.stream import Stream
        from nb201_data.images import load_images
        from nb201_data.teachers import trained_teacher
        from proxies.distillation import losses

        if torch.device(self.device).type == "cpu":
            settle()
        recipe = replace(get_protocol(self.protocol), images=self.images, tested_epochs=1)
        recipe = recipe.lasting(self.epochs or recipe.epochs)
        images, skeleton = load_images(self.images), self.space.skeleton
        if (images.classes, images.resolution) != (skeleton.classes, skeleton.resolution):
            raise UsageError(
                f"{self.images} has {images.classes} classes at {images.resolution} pixels, not those of {skeleton}"
            )
        teacher = None
        if losses.get(self.loss).teacher:
            base = unpooled(self.images)
            teacher = trained_teacher(recipe.teacher, base, images.classes).to(self.device)
        device = torch.device(self.device)
        stream = Stream(self.images, recipe.padding, device, teacher, recipe.per_class, HELD_OUT)
        return recipe, stream

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
