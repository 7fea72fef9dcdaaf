"""S0, the CIFAR ResNets that the DisWOT paper searches, with and without shortcuts."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from diswot_errors import UsageError
from nb201_data.skeleton import Skeleton
from nb201_data.spaces.protocol import Space
from nb201_data.spaces.registry import register

if TYPE_CHECKING:
    from nb201_data.networks import Network

DEPTHS = (1, 3, 5, 7)


@dataclass(frozen=True, slots=True, order=True)
class Depths:
    """An architecture of S0: basic blocks per stage; `str()` is `333` for ResNet-20."""

    blocks: tuple[int, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.blocks))


_ALL_DEPTHS = tuple(Depths(blocks) for blocks in itertools.product(DEPTHS, repeat=3))


@dataclass(frozen=True)
class S0(Space):
    """The 64 CIFAR ResNets with depths {1,3,5,7}^3 of the DisWOT paper; `s0-plain` leaves the shortcuts out.

    FLOPs follow TensorWatch, which the paper used: multiply-adds of convolutions and classifier, 2 per batch-norm
    output, 1 per output of a ReLU module (the ReLU that ends a block is a function call and is not counted).
    """

    residual: bool = True
    truth = "s0:kd"
    skeleton: Skeleton = field(default_factory=lambda: Skeleton(channels=16, cells_per_stage=0, classes=100))

    @property
    def name(self) -> str:  # type: ignore[override]
        """`s0`, or `s0-plain` without shortcuts."""
        return "s0" if self.residual else "s0-plain"

    @property
    def truths_of(self) -> str:
        """`s0` with and without shortcuts: the published accuracies are those with."""
        return "s0"

    def parse(self, text: str) -> Depths:
        """The architecture named by three depths, as in `357`."""
        blocks = tuple(int(d) for d in text if d in "0123456789")
        if len(text) != 3 or len(blocks) != 3 or not set(blocks) <= set(DEPTHS):
            raise UsageError(f"unknown S0 architecture {text!r}: expected three depths out of {DEPTHS}, as in '333'")
        return Depths(blocks)

    def all(self) -> Sequence[Depths]:
        """All 64, in numerical order."""
        return _ALL_DEPTHS

    def neighbours(self, arch: Depths) -> list[Depths]:
        """The 9 architectures with one depth changed."""
        return [
            Depths((*arch.blocks[:i], other, *arch.blocks[i + 1 :]))
            for i, depth in enumerate(arch.blocks)
            for other in DEPTHS
            if other != depth
        ]

    def genes(self, arch: Depths) -> tuple[int, ...]:
        """The three depths."""
        return arch.blocks

    def _layers(self, arch: Depths) -> list[tuple[int, int, int, int, bool]]:
        """(inputs, outputs, kernel, output side, ReLU module behind) of every convolution; each has a batch norm."""
        side = self.skeleton.resolution
        layers, inputs = [(3, 16, 3, side, True)], 16
        for stage, (width, depth) in enumerate(zip((16, 32, 64), arch.blocks, strict=True)):
            if stage:
                side = (side + 1) // 2
                if self.residual:
                    layers.append((inputs, width, 1, side, False))
            for _ in range(depth):
                layers += [(inputs, width, 3, side, True), (width, width, 3, side, False)]
                inputs = width
        return layers

    def params(self, arch: Depths) -> int:
        """Closed form; 83,892 (`111`) to 667,188 (`777`) with 100 classes."""
        convolutions = sum(i * o * k * k + 2 * o for i, o, k, _, _ in self._layers(arch))
        return convolutions + 65 * self.skeleton.classes

    def flops(self, arch: Depths) -> int:
        """Multiply-adds + 2 batch norm + ReLU modules."""
        layers = sum(o * side**2 * (i * k * k + 2 + relu) for i, o, k, side, relu in self._layers(arch))
        return layers + 64 * self.skeleton.classes

    def closed_forms(self) -> Mapping[str, Callable[[Depths], float]]:
        """Sizes, and the number of convolutions, which here is the depth."""
        return {**super().closed_forms(), "convolutions": lambda arch: len(self._layers(arch))}

    def build(self, arch: Depths) -> "Network":
        """The ResNet of these depths."""
        from nb201_data.networks import build_resnet

        return build_resnet(arch.blocks, self.skeleton.classes, self.residual)

    def with_skeleton(self, skeleton: Skeleton) -> "S0":
        """The same depths with other classes or images; the widths are part of the space."""
        if skeleton.channels != 16 or skeleton.cells_per_stage != 0:
            raise UsageError(f"S0 has widths and depths of its own: expected a skeleton c16n0k..r.., got {skeleton}")
        return replace(self, skeleton=skeleton)


register(S0())
register(S0(residual=False))
