"""Search spaces: what runner, search and reports need to know of one, and the two that are built in."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from diswot_errors import UsageError
from nb201_data import space as nb201
from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell

if TYPE_CHECKING:
    from nb201_data.networks import Network

DEPTHS = (1, 3, 5, 7)


@runtime_checkable
class SearchSpace(Protocol):
    """Architectures, how to move among them, how to build one. Each is hashable and `str(arch)` is its key."""

    @property
    def name(self) -> str:
        """The name by which commands and tables know the space."""

    @property
    def skeleton(self) -> Skeleton:
        """What stands around the architectures."""

    def parse(self, text: str) -> Any:
        """The architecture that `text` names; `UsageError` where it names none."""

    def __len__(self) -> int:
        """How many architectures there are."""

    def all(self) -> Sequence[Any]:
        """Every architecture, in a fixed order."""

    def distinct(self) -> Sequence[Any]:
        """One architecture of each kind that really differs, in a fixed order."""

    def canonical(self, arch: Any) -> Any:
        """The element of `distinct()` that `arch` amounts to."""

    def draw(self, rng: random.Random) -> Any:
        """One architecture, drawn uniformly from `all()`."""

    def neighbours(self, arch: Any) -> list[Any]:
        """All architectures one step away."""

    def mutate(self, arch: Any, rng: random.Random) -> Any:
        """One of the neighbours."""

    def params(self, arch: Any) -> int:
        """Trainable parameters of `build(arch)`."""

    def flops(self, arch: Any) -> int:
        """Operations of one forward pass on one image, by the convention of the space."""

    def build(self, arch: Any) -> "Network":
        """The network, PyTorch's default initialisation."""

    def with_skeleton(self, skeleton: Skeleton) -> "SearchSpace":
        """The same architectures in another skeleton."""


@dataclass(frozen=True)
class NasBench201:
    """The cells of NAS-Bench-201. FLOPs are multiply-adds of convolutions and classifier, as in its file."""

    skeleton: Skeleton = field(default_factory=Skeleton)
    name: str = "nb201"

    def parse(self, text: str) -> Cell:
        """A cell from its arch string, or from its number in the benchmark's file where that is on disk."""
        if text.isascii() and text.isdecimal() and len(text) < 10:
            from nb201_data.truth.benchmark import official_cell

            return official_cell(int(text))
        return Cell.parse(text)

    def __len__(self) -> int:
        return len(nb201.all_cells())

    def all(self) -> Sequence[Cell]:
        """All 15,625 cells."""
        return nb201.all_cells()

    def distinct(self) -> Sequence[Cell]:
        """The 9,445 cells without dead branches."""
        return nb201.distinct_cells()

    def canonical(self, arch: Cell) -> Cell:
        """Dead branches removed."""
        return arch.pruned()

    def draw(self, rng: random.Random) -> Cell:
        """One cell, drawn uniformly."""
        return nb201.random_cell(rng)

    def neighbours(self, arch: Cell) -> list[Cell]:
        """The 24 cells with one edge changed."""
        return arch.neighbours()

    def mutate(self, arch: Cell, rng: random.Random) -> Cell:
        """One edge changed."""
        return arch.mutate(rng)

    def params(self, arch: Cell) -> int:
        """Closed form; on CIFAR-10 at full size 0.073306 + 0.24304 n3x3 + 0.028 n1x1 million."""
        s, c = self.skeleton, self.skeleton.channels
        total = 27 * c + 2 * c + 8 * c + (4 * c + 1) * s.classes  # stem, last batch norm, classifier
        for width in (c, 2 * c):  # reductions: two 3x3 with batch norm and a 1x1 shortcut
            total += 18 * width**2 + 36 * width**2 + 8 * width + 2 * width**2
        for width in (c, 2 * c, 4 * c):
            learning = arch.count("nor_conv_3x3") * (9 * width**2 + 2 * width)
            learning += arch.count("nor_conv_1x1") * (width**2 + 2 * width)
            total += s.cells_per_stage * learning
        return total

    def flops(self, arch: Cell) -> int:
        """Closed form; on CIFAR-10 at full size 7.78304 + 35.38944 n3x3 + 3.93216 n1x1 million."""
        s, c, side = self.skeleton, self.skeleton.channels, self.skeleton.resolution
        total = 27 * c * side**2 + 4 * c * s.classes
        kernels = 9 * arch.count("nor_conv_3x3") + arch.count("nor_conv_1x1")
        for stage, width in enumerate((c, 2 * c, 4 * c)):
            if stage:
                side //= 2
                total += side**2 * (9 * (width // 2) * width + 9 * width**2 + (width // 2) * width)
            total += s.cells_per_stage * kernels * width**2 * side**2
        return total

    def build(self, arch: Cell) -> "Network":
        """The benchmark's network around the cell."""
        from nb201_data.networks import build_network

        return build_network(arch, self.skeleton.classes, self.skeleton.channels, self.skeleton.cells_per_stage)

    def with_skeleton(self, skeleton: Skeleton) -> "NasBench201":
        """The same cells in another skeleton."""
        if skeleton.resolution % 4:
            raise UsageError(f"nb201 halves its images twice: expected a multiple of 4, got {skeleton.resolution}")
        return replace(self, skeleton=skeleton)


@dataclass(frozen=True, slots=True, order=True)
class Depths:
    """An architecture of S0: basic blocks per stage; `str()` is `333` for ResNet-20."""

    blocks: tuple[int, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.blocks))


_ALL_DEPTHS = tuple(Depths(blocks) for blocks in itertools.product(DEPTHS, repeat=3))


@dataclass(frozen=True)
class S0:
    """The 64 CIFAR ResNets with depths {1,3,5,7}^3 of the DisWOT paper; `s0-plain` leaves the shortcuts out.

    FLOPs follow TensorWatch, which the paper used: multiply-adds of convolutions and classifier, 2 per batch-norm
    output, 1 per output of a ReLU module (the ReLU that ends a block is a function call and is not counted).
    """

    residual: bool = True
    skeleton: Skeleton = field(default_factory=lambda: Skeleton(channels=16, cells_per_stage=0, classes=100))

    @property
    def name(self) -> str:
        """`s0`, or `s0-plain` without shortcuts."""
        return "s0" if self.residual else "s0-plain"

    def parse(self, text: str) -> Depths:
        """The architecture named by three depths, as in `357`."""
        blocks = tuple(int(d) for d in text if d in "0123456789")
        if len(text) != 3 or len(blocks) != 3 or not set(blocks) <= set(DEPTHS):
            raise UsageError(f"unknown S0 architecture {text!r}: expected three depths out of {DEPTHS}, as in '333'")
        return Depths(blocks)

    def __len__(self) -> int:
        return len(DEPTHS) ** 3

    def all(self) -> Sequence[Depths]:
        """All 64, in numerical order."""
        return _ALL_DEPTHS

    def distinct(self) -> Sequence[Depths]:
        """All 64: no two are alike."""
        return _ALL_DEPTHS

    def canonical(self, arch: Depths) -> Depths:
        """Itself: all 64 differ."""
        return arch

    def draw(self, rng: random.Random) -> Depths:
        """One of the 64."""
        return rng.choice(self.all())

    def neighbours(self, arch: Depths) -> list[Depths]:
        """The 9 architectures with one depth changed."""
        return [
            Depths((*arch.blocks[:i], other, *arch.blocks[i + 1 :]))
            for i, depth in enumerate(arch.blocks)
            for other in DEPTHS
            if other != depth
        ]

    def mutate(self, arch: Depths, rng: random.Random) -> Depths:
        """One depth changed."""
        return rng.choice(self.neighbours(arch))

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

    def build(self, arch: Depths) -> "Network":
        """The ResNet of these depths."""
        from nb201_data.networks import build_resnet

        return build_resnet(arch.blocks, self.skeleton.classes, self.residual)

    def with_skeleton(self, skeleton: Skeleton) -> "S0":
        """The same depths with other classes or images; the widths are part of the space."""
        if skeleton.channels != 16 or skeleton.cells_per_stage != 0:
            raise UsageError(f"S0 has widths and depths of its own: expected a skeleton c16n0k..r.., got {skeleton}")
        return replace(self, skeleton=skeleton)


SPACES: dict[str, SearchSpace] = {"nb201": NasBench201(), "s0": S0(), "s0-plain": S0(residual=False)}


def get_space(name: str) -> SearchSpace:
    """The search space of this name in its own skeleton."""
    if name not in SPACES:
        raise UsageError(f"unknown search space {name!r}: expected one of {', '.join(SPACES)}")
    return SPACES[name]
