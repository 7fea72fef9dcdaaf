"""PiT: vision transformers of three stages, with pooling between them."""

import itertools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from nb201_data.skeleton import Skeleton
from nb201_data.spaces.registry import register
from nb201_data.spaces.vision import (
    PATCH,
    VisionSpace,
    block_flops,
    block_params,
    skeleton_of,
)

if TYPE_CHECKING:
    from nb201_data.networks import Network

BASES = (16, 24, 32, 40)
RATIOS = (2, 4, 6, 8)
DEPTHS = (
    *((1, 6, 6), (1, 8, 4), (2, 4, 6), (2, 6, 4), (2, 6, 6)),
    *((2, 8, 2), (2, 8, 4), (3, 4, 6), (3, 6, 4), (3, 8, 2)),
)
HEADS = tuple(itertools.combinations_with_replacement((2, 4, 8), 3))
"""No stage has fewer heads than the one before."""


@dataclass(frozen=True, slots=True, order=True)
class Pooling:
    """`str()` is `b32m4d264h248`: width of a head, ratio of the hidden width, blocks and heads of the three stages."""

    base: int
    ratio: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]

    def __str__(self) -> str:
        return f"b{self.base}m{self.ratio}d{''.join(map(str, self.depths))}h{''.join(map(str, self.heads))}"

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the three stages."""
        return tuple(self.base * heads for heads in self.heads)


_ALL = tuple(Pooling(*choices) for choices in itertools.product(BASES, RATIOS, DEPTHS, HEADS))


@dataclass(frozen=True)
class PiT(VisionSpace):
    """The 1,600 networks of PiT that Auto-Prox draws from: 4 widths of a head, 4 ratios, 10 depths, 10 heads."""

    skeleton: Skeleton = field(default_factory=skeleton_of)
    name: str = "pit"
    truth = "vit:pit:cifar100:kd"
    every = _ALL

    def of_key(self, text: str) -> Pooling | None:
        """`b32m4d264h248`: width of a head, ratio, depths, heads."""
        match = re.fullmatch("b([0-9]{2})m([0-9])d([0-9]{3})h([0-9]{3})", text)
        if match is None:
            return None
        depths, heads = (tuple(map(int, digits)) for digits in match.groups()[2:])
        return Pooling(int(match[1]), int(match[2]), depths, heads)

    def of_table(self, table: Mapping[str, Any]) -> Pooling | None:
        """Width of a head, ratio, depths, heads."""
        try:
            return Pooling(table["base_dim"], table["mlp_ratio"], tuple(table["depth"]), tuple(table["num_heads"]))
        except (KeyError, TypeError):
            return None

    def neighbours(self, arch: Pooling) -> list[Pooling]:
        """The 24 with another width, another ratio, other depths or other heads."""
        return [
            *(replace(arch, base=other) for other in BASES if other != arch.base),
            *(replace(arch, ratio=other) for other in RATIOS if other != arch.ratio),
            *(replace(arch, depths=other) for other in DEPTHS if other != arch.depths),
            *(replace(arch, heads=other) for other in HEADS if other != arch.heads),
        ]

    def genes(self, arch: Pooling) -> tuple[object, ...]:
        """Width of a head, ratio, depths, heads."""
        return (arch.base, arch.ratio, arch.depths, arch.heads)

    def _sides(self) -> list[int]:
        """Of the maps of the three stages."""
        side = (self.skeleton.resolution - PATCH) // (PATCH // 2) + 1
        halved = (side - 1) // 2 + 1
        return [side, halved, (halved - 1) // 2 + 1]

    def params(self, arch: Pooling) -> int:
        """Closed form: 4,847,272 for `b32m4d264h248` with 1,000 classes at 224 pixels, which is PiT-Ti."""
        first, *_, last = widths = arch.widths
        blocks = sum(d * block_params(c, c * arch.ratio) for c, d in zip(widths, arch.depths, strict=True))
        pools = sum(10 * b + a * b + b for a, b in itertools.pairwise(widths))
        embedding = (3 * PATCH**2 + 1) * first + (self._sides()[0] ** 2 + 1) * first
        return embedding + blocks + pools + 2 * last + self.skeleton.classes * (last + 1)

    def flops(self, arch: Pooling) -> int:
        """Multiply-adds, products of attention among them."""
        sides, widths = self._sides(), arch.widths
        stages = zip(widths, arch.depths, sides, strict=True)
        blocks = sum(d * block_flops(c, c * arch.ratio, side**2 + 1) for c, d, side in stages)
        pools = sum(9 * b * side**2 + a * b for (a, b), side in zip(itertools.pairwise(widths), sides[1:], strict=True))
        return 3 * PATCH**2 * widths[0] * sides[0] ** 2 + blocks + pools + widths[-1] * self.skeleton.classes

    def closed_forms(self) -> Mapping[str, Callable[[Pooling], float]]:
        """Sizes, what Auto-DAS sees of this space, sum over the three convolutions of ln ln C, and the depth."""
        return {**super().closed_forms(), "conv_log_width": _log_width, "depth": lambda arch: sum(arch.depths)}

    def build(self, arch: Pooling) -> "Network":
        """The transformer, PyTorch's default initialisation as its authors did."""
        from nb201_data.networks import channels_last
        from nb201_data.transformers import PiT as Transformer

        around = self.skeleton
        made = Transformer(arch.widths, arch.ratio, arch.depths, arch.heads, around.classes, around.resolution)
        return channels_last(made)


def _log_width(arch: Pooling) -> float:
    return sum(math.log(math.log(width)) for width in arch.widths)


register(PiT())
