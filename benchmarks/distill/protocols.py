"""Training recipes as frozen configuration: a name stands for every number that decides what a run measures."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from diswot_errors import UsageError
from diswot_registry import did_you_mean
from nb201_data.skeleton import Skeleton

Schedule = Literal["steps", "one-cycle", "cosine"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a student is trained, on what, in which skeleton, by whom."""

    name: str
    note: str
    epochs: int
    batch_size: int
    learning_rate: float
    schedule: Schedule
    milestones: tuple[float, ...] = ()
    """Epochs at which `steps` multiplies the rate by 0.1."""
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 5e-4
    temperature: float = 4.0
    padding: int = 4
    """Pixels that a random crop may move, at the images' own resolution before pooling."""
    precision: Literal["fp32", "bf16"] = "fp32"
    images: str = "cifar100"
    per_class: int = 0
    """Training images of each class; 0 for all."""
    tested_epochs: int = 0
    """How many epochs, counted from the end, are tested; 0 for all. The best epoch is the best of these."""
    channels: int = 16
    cells_per_stage: int = 5
    teacher: str = "resnet56"
    teacher_epochs: int = 0
    """Length of the schedule of teachers that are trained here; 0 for that of the student."""

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """The learning rate of a step.

        `steps`: x 0.1 at each milestone. `one-cycle`: up linearly over the first fifth, down linearly to zero.
        `cosine`: (1 + cos(pi t)) / 2, t the share of training done.
        """
        total = self.epochs * steps_per_epoch
        if self.schedule == "steps":
            return self.learning_rate * 0.1 ** sum(step >= m * steps_per_epoch for m in self.milestones)
        share = (step + 0.5) / total
        if self.schedule == "cosine":
            return self.learning_rate * (1 + math.cos(math.pi * share)) / 2
        return self.learning_rate * min(share / 0.2, (1 - share) / 0.8)

    def lasting(self, epochs: int) -> Protocol:
        """The same in another number of epochs: the rate falls at the same shares of it, and the note says so."""
        if epochs == self.epochs:
            return self
        milestones = tuple(epoch * epochs / self.epochs for epoch in self.milestones)
        note = f"{self.note}; here {epochs} epochs in place of its {self.epochs}, the schedule scaled"
        own = self.teacher_epochs or self.epochs  # teachers keep theirs
        return replace(self, epochs=epochs, milestones=milestones, note=note, teacher_epochs=own)

    def of_teachers(self) -> Protocol:
        """By which teachers are trained here."""
        return self.lasting(self.teacher_epochs or self.epochs)

    def tests(self, epoch: int) -> bool:
        """Whether the student is tested after `epoch` epochs."""
        return not self.tested_epochs or epoch > self.epochs - self.tested_epochs

    def skeleton(self, classes: int, resolution: int) -> Skeleton:
        """The skeleton that a cell is trained in."""
        return Skeleton(self.channels, self.cells_per_stage, classes, resolution)


_REPDISTILLER = Protocol(
    name="repdistiller",
    note="the 240 epochs of RepDistiller, by which the field compares distillers: resnet56 to resnet20",
    epochs=240,
    batch_size=64,
    learning_rate=0.05,
    schedule="steps",
    milestones=(150, 180, 210),
)
_LITE = Protocol(
    name="lite",
    note="what one CPU core does in under a minute a run: a quarter of the images, one cell a stage, 16 x 16",
    epochs=12,
    batch_size=128,
    learning_rate=0.3,
    schedule="one-cycle",
    nesterov=True,
    padding=2,
    precision="bf16",
    images="cifar100@16",
    per_class=125,
    tested_epochs=2,
    cells_per_stage=1,
    teacher_epochs=36,
)
_SMALL = replace(
    _LITE,
    name="small",
    note="a small teacher, one cell a stage, 16 x 16: for two cores, any CPU",
    epochs=8,
    batch_size=64,
    learning_rate=0.2,
    precision="fp32",
    images="embedded@16",
    tested_epochs=1,
    teacher="resnet20",
    teacher_epochs=24,
)
PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        _REPDISTILLER,
        Protocol(
            name="authors90",
            note="the authors' benchmark recipe: 90 epochs whose decay epochs are never reached",
            epochs=90,
            batch_size=256,
            learning_rate=0.1,
            schedule="steps",
            milestones=(150, 180, 210),
            teacher="resnet110",
        ),
        Protocol(
            name="full12",
            note="the full network, 12 epochs: the ground truth that a GPU harvests",
            epochs=12,
            batch_size=256,
            learning_rate=0.4,
            schedule="one-cycle",
            nesterov=True,
            precision="bf16",
            teacher_epochs=36,
        ),
        _LITE,
        _SMALL,
        replace(
            _SMALL,
            name="glance",
            note="seconds a run: shows that everything runs, ranks nothing firmly",
            epochs=3,
            per_class=50,
            teacher_epochs=0,
        ),
        replace(_LITE, name="lite-all", note="the candidate that lost: all images", epochs=3, per_class=0),
        Protocol(
            name="short",
            note="a quick look: 10 epochs",
            epochs=10,
            batch_size=128,
            learning_rate=0.2,
            schedule="one-cycle",
            nesterov=True,
            teacher_epochs=30,
        ),
    )
}


def get_protocol(name: str) -> Protocol:
    """The protocol of this name."""
    if name not in PROTOCOLS:
        near = did_you_mean(name, PROTOCOLS)
        raise UsageError(f"unknown protocol {name!r}.{near} Expected one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def on_images(protocol: Protocol, images: str | None) -> Protocol:
    """The protocol on other images, pooled as its own are unless `images` says @PIXELS."""
    if images is None:
        return protocol
    _, at, size = protocol.images.partition("@")
    return replace(protocol, images=images if "@" in images or not at else f"{images}@{size}")
