"""The cells of NAS-Bench-201 as a search space."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from diswot_errors import UsageError
from nb201_data import space as nb201
from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell
from nb201_data.spaces.protocol import Space
from nb201_data.spaces.registry import register

if TYPE_CHECKING:
    from nb201_data.networks import Network

BEST_CELLS = {
    10: "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    100: "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    120: "|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
}
"""By number of classes (CIFAR-10, CIFAR-100, ImageNet16-120): the cell with the highest mean test accuracy after 200
epochs in NAS-Bench-201: 94.37 (shared with one other cell; this one is also first in validation), 73.51, 47.31 %."""


@dataclass(frozen=True)
class NasBench201(Space):
    """The cells of NAS-Bench-201. FLOPs are multiply-adds of convolutions and classifier, as in its file."""

    skeleton: Skeleton = field(default_factory=Skeleton)
    name: str = "nb201"
    scalable = True
    teacher = "best-cell"
    truth = "kd-nb201"

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

    def best(self, classes: int) -> Cell:
        """The best cell on the data set with so many classes; CIFAR-10's for any other number."""
        return Cell.parse(BEST_CELLS.get(classes, BEST_CELLS[10]))

    def draw(self, rng: random.Random) -> Cell:
        """One cell, drawn uniformly."""
        return nb201.random_cell(rng)

    def neighbours(self, arch: Cell) -> list[Cell]:
        """The 24 cells with one edge changed."""
        return arch.neighbours()

    def mutate(self, arch: Cell, rng: random.Random) -> Cell:
        """One edge changed."""
        return arch.mutate(rng)

    def genes(self, arch: Cell) -> tuple[str, ...]:
        """The six operations."""
        return arch.ops

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

    def flops_pruned(self, arch: Cell) -> int:
        """FLOPs of the cell without dead branches; none at all where no signal gets through the cell."""
        return self.flops(arch.pruned()) if arch.is_connected() else 0

    def closed_forms(self) -> Mapping[str, Callable[[Cell], float]]:
        """Sizes, and the number of convolutions."""
        return {**super().closed_forms(), "convolutions": _convolutions}

    def build(self, arch: Cell) -> "Network":
        """The benchmark's network around the cell."""
        from nb201_data.networks import build_network

        return build_network(arch, self.skeleton.classes, self.skeleton.channels, self.skeleton.cells_per_stage)

    def with_skeleton(self, skeleton: Skeleton) -> "NasBench201":
        """The same cells in another skeleton."""
        if skeleton.resolution % 4:
            raise UsageError(f"nb201 halves its images twice: expected a multiple of 4, got {skeleton.resolution}")
        return replace(self, skeleton=skeleton)


def _convolutions(cell: Cell) -> float:
    return cell.count("nor_conv_3x3") + cell.count("nor_conv_1x1")


register(NasBench201())
