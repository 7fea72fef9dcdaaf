"""What the two spaces of vision transformers share: images of 224 x 224, a small teacher, tables as JSON text."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from diswot_errors import UsageError
from nb201_data.numerals import shown
from nb201_data.skeleton import Skeleton
from nb201_data.spaces.protocol import Space

PATCH = 16
SIDE = 224
TEACHER_SIDE = 32
BATCH = 8


class VisionSpace(Space):
    """Transformers that Auto-Prox distilled from a CIFAR ResNet-56, which saw the same images at 32 x 32.

    FLOPs are multiply-adds of convolutions, linear layers and both products of attention. Widths and depths are the
    architecture's: of a skeleton only classes and images may change.
    """

    batch_size = BATCH
    every: ClassVar[Sequence[Any]]
    expected = ""  # more of what a key looks like

    @abstractmethod
    def of_key(self, text: str) -> Any | None:
        """The architecture of a key; None where it is of another form."""

    @abstractmethod
    def of_table(self, table: Mapping[str, Any]) -> Any | None:
        """The architecture as published tables write it, {"depth": ...}; None where it is of another form."""

    def parse(self, text: str) -> Any:
        """The architecture of a key, or of a table's JSON text."""
        arch = self.of_table(table) if (table := _table_in(text)) else self.of_key(text)
        if arch is None or arch not in self.every:
            raise UsageError(
                f"unknown {self.name} architecture {shown(text)}: expected such as {self.every[0]}{self.expected}, or "
                "the JSON text of the tables"
            )
        return self.every[self.every.index(arch)]

    def all(self) -> Sequence[Any]:
        """All of them, in the order of their numbers."""
        return self.every

    def with_skeleton(self, skeleton: Skeleton) -> Self:
        """The same networks for other classes or images; what these spaces cannot be is refused."""
        if skeleton.channels != 16 or skeleton.cells_per_stage != 0:
            raise UsageError(
                f"{self.name} has widths and depths of its own: expected a skeleton c16n0k..r.., got {skeleton}"
            )
        if skeleton.resolution < PATCH:
            raise UsageError(
                f"{self.name} cuts patches of {PATCH} x {PATCH} pixels, got images of {skeleton.resolution}"
            )
        return replace(self, skeleton=skeleton)  # type: ignore[type-var]

    @property
    def teacher_resolution(self) -> int:
        """32, or what the images have if that is less."""
        return min(TEACHER_SIDE, self.skeleton.resolution)


def skeleton_of(classes: int = 100) -> Skeleton:
    """For the images that all of them were trained on."""
    return Skeleton(channels=16, cells_per_stage=0, classes=classes, resolution=SIDE)


def _table_in(text: str) -> Mapping[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def block_params(width: int, hidden: int) -> int:
    """Attention 4 C^2 + 4 C, the hidden layer 2 C h + h + C, two norms 4 C."""
    return 4 * width**2 + 9 * width + 2 * width * hidden + hidden


def block_flops(width: int, hidden: int, tokens: int) -> int:
    """Linear layers N (4 C^2 + 2 C h) and the products q k^T and weights v, N^2 C each."""
    return tokens * (4 * width**2 + 2 * width * hidden) + 2 * tokens**2 * width
