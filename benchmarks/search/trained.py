"""The accuracy of a short training as an objective: on images held out of the training split, never the test split."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from benchmarks.search.protocol import FULL, Outcome
from diswot_errors import UsageError
from nb201_data.spaces import SearchSpace

HELD_OUT = 5  # every fifth image of each class of the training split


@dataclass(frozen=True)
class TrainedObjective:
    """Top-1 in percent on the held-out fifth after training by a protocol of `benchmarks.distill`."""

    space: SearchSpace
    protocol: str
    images: str
    loss: str = "ce"
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

    def __call__(self, arch: Any, fidelity: int) -> Outcome:
        from benchmarks.distill.trainer import Trainer
        from diswot_errors import DataError
        from proxies.distillation import losses
        from proxies.inits import initialise

        recipe, stream = self._prepared
        student = self.space.build(arch)
        initialise(student, "kaiming", self.seed)
        trainer = Trainer(student, losses.get(self.loss), recipe, stream, self.seed, stream.teacher)
        try:
            results = [trainer.train_epoch() for _ in range(recipe.epochs)]
        except DataError as error:  # the loss became NaN: this network fails, the search goes on
            return Outcome(None, str(error))
        return Outcome(results[-1].top1)

    @cached_property
    def _prepared(self) -> tuple[Any, Any]:
        import torch

        from benchmarks import shell
        from benchmarks.distill.protocols import get_protocol
        from benchmarks.distill.stream import Stream
        from nb201_data.images import load_images
        from nb201_data.teachers import trained_teacher
        from proxies.distillation import losses

        if torch.device(self.device).type == "cpu":
            shell.one_thread()
        recipe = replace(get_protocol(self.protocol), images=self.images, tested_epochs=1)
        recipe = replace(recipe, epochs=self.epochs or recipe.epochs)
        images, skeleton = load_images(self.images), self.space.skeleton
        if (images.classes, images.resolution) != (skeleton.classes, skeleton.resolution):
            raise UsageError(
                f"{self.images} has {images.classes} classes at {images.resolution} pixels, not those of {skeleton}"
            )
        teacher = None
        if losses.get(self.loss).teacher:
            base = self.images.partition("@")[0]
            teacher = trained_teacher(recipe.teacher, base, images.classes).to(self.device)
        device = torch.device(self.device)
        stream = Stream(self.images, recipe.padding, device, teacher, recipe.per_class, HELD_OUT)
        return recipe, stream

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
