"""AutoFormer-Ti: plain vision transformers of which every layer chooses its heads and its hidden width."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nb201_data.skeleton import Skeleton
from nb201_data.spaces.numbered import Numbered
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

WIDTHS = (192, 216, 240)
DEPTHS = (12, 13, 14)
LAYERS = tuple(itertools.product((3, 4), (3.5, 4.0)))
"""(heads, ratio of the hidden width) that a layer chooses from."""

Layer = tuple[int, float]
_STARTS = [0, *itertools.accumulate(len(WIDTHS) * len(LAYERS) ** depth for depth in DEPTHS)]


@dataclass(frozen=True, slots=True, order=True)
class Former:
    """`str()` is `c192h443...r787...`: width, heads of each layer, hidden width of each in halves of the width."""

    width: int
    layers: tuple[Layer, ...]

    def __str__(self) -> str:
        heads = "".join(str(heads) for heads, _ in self.layers)
        return f"c{self.width}h{heads}r{''.join(str(round(2 * ratio)) for _, ratio in self.layers)}"


def _make(number: int) -> Former:
    """The architecture of a number: by depth, width, then layer after layer."""
    place = next(i for i in reversed(range(len(DEPTHS))) if _STARTS[i] <= number)
    rest, depth = number - _STARTS[place], DEPTHS[place]
    layers = []
    for _ in range(depth):
        rest, choice = divmod(rest, len(LAYERS))
        layers.append(LAYERS[choice])
    return Former(WIDTHS[rest], tuple(reversed(layers)))


def _number(arch: Any) -> int:
    """The inverse; -1 for what is no architecture of the space."""
    if not isinstance(arch, Former) or len(arch.layers) not in DEPTHS or arch.width not in WIDTHS:
        return -1
    if not all(layer in LAYERS for layer in arch.layers):
        return -1
    number = WIDTHS.index(arch.width)
    for layer in arch.layers:
        number = len(LAYERS) * number + LAYERS.index(layer)
    return _STARTS[DEPTHS.index(len(arch.layers))] + number


_ALL: Sequence[Former] = Numbered(_STARTS[-1], _make, _number)


@dataclass(frozen=True)
class AutoFormer(VisionSpace):
    """The 1,056,964,608 networks of AutoFormer-Ti: widths 192, 216, 240; 12 to 14 layers; 3 or 4 heads; ratios 3.5, 4.

    A head is width / heads wide, as in Auto-Prox (in AutoFormer's own supernet it is 64).
    """

    skeleton: Skeleton = field(default_factory=skeleton_of)
    name: str = "autoformer"
    truth = "vit:autoformer:cifar100:kd"
    every = _ALL
    expected = ", with 12 to 14 heads (3, 4) and ratios (7, 8 halves)"

    def of_key(self, text: str) -> Former | None:
        """`c192h333...r888...`: width, heads of each layer, ratios in halves."""
        match = re.fullmatch("c([0-9]{3})h([0-9]{12,14})r([0-9]{12,14})", text)
        if match is None or len(match[2]) != len(match[3]):
            return None
        return Former(int(match[1]), tuple((int(h), int(r) / 2) for h, r in zip(match[2], match[3], strict=True)))

    def of_table(self, table: Mapping[str, Any]) -> Former | None:
        """Depth, and hidden width, heads and ratio of each layer."""
        try:
            layers = tuple(zip(table["num_heads"], table["mlp_ratio"], strict=True))
            return Former(table["hidden_dim"], layers) if len(layers) == table["depth"] else None
        except (KeyError, TypeError, ValueError):
            return None

    def neighbours(self, arch: Former) -> list[Former]:
        """Another width, one layer with other heads or another ratio, the last layer gone or one more behind it."""
        layers, near = arch.layers, [replace(arch, width=width) for width in WIDTHS if width != arch.width]
        for i, (heads, ratio) in enumerate(layers):
            others = [o for o in LAYERS if o != layers[i] and (o[0] == heads or o[1] == ratio)]
            near += [replace(arch, layers=(*layers[:i], other, *layers[i + 1 :])) for other in others]
        longer = [replace(arch, layers=(*layers, layer)) for layer in LAYERS]
        return [*near, *(one for one in (replace(arch, layers=layers[:-1]), *longer) if one in _ALL)]

    def genes(self, arch: Former) -> tuple[object, ...]:
        """The width, and the choice of each of 14 layers: None for one that is not there."""
        return (arch.width, *arch.layers, *[None] * (DEPTHS[-1] - len(arch.layers)))

    def params(self, arch: Former) -> int:
        """Closed form: 5,717,416 with width 192, ratio 4, 12 layers, 1,000 classes at 224 pixels, as DeiT-Ti."""
        c, classes = arch.width, self.skeleton.classes
        blocks = sum(block_params(c, int(c * ratio)) for _, ratio in arch.layers)
        return (3 * PATCH**2 + 1) * c + c + self._tokens * c + blocks + 2 * c + classes * (c + 1)

    def flops(self, arch: Former) -> int:
        """Multiply-adds, products of attention among them."""
        c = arch.width
        blocks = sum(block_flops(c, int(c * ratio), self._tokens) for _, ratio in arch.layers)
        return 3 * PATCH**2 * c * (self._tokens - 1) + blocks + c * self.skeleton.classes

    @cached_property
    def _tokens(self) -> int:
        return (self.skeleton.resolution // PATCH) ** 2 + 1

    def closed_forms(self) -> Mapping[str, Callable[[Former], float]]:
        """Sizes, and what orders this space: the width, which is all that Auto-DAS sees, and the depth."""
        return {**super().closed_forms(), "width": lambda arch: arch.width, "depth": lambda arch: len(arch.layers)}

    def build(self, arch: Former) -> "Network":
        """The transformer, initialised as its authors did."""
        from nb201_data.networks import channels_last
        from nb201_data.transformers import AutoFormer as Transformer

        heads, ratios = zip(*arch.layers, strict=True)
        return channels_last(Transformer(arch.width, ratios, heads, self.skeleton.classes, self.skeleton.resolution))


register(AutoFormer())
