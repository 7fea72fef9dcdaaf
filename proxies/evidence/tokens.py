"""What the blocks of a transformer hand on, laid out as maps. What TVT looks at."""

import math
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from proxies.evidence.blocks import blocks
from proxies.evidence.capture import widened
from proxies.evidence.observers import Observer
from proxies.evidence.record import Evidence

COMPARED = (1, 6)
"""Blocks that scores ask for, counted from 0: the others are not kept."""


class TokenMaps(Observer):
    """By the number of the block its tokens (B, T, C) as a map (B, C, h, h); of h h + 1 the first is left out."""

    need = "token_maps"

    def __init__(self, evidence: Evidence) -> None:
        self.numbers = {block: i for i, block in enumerate(blocks(evidence.model)) if i in COMPARED}
        self.maps: dict[int, Tensor] = {}

    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        return self.numbers

    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor) or output.dim() != 3:
            return
        side = math.isqrt(output.shape[1])
        if output.shape[1] - side * side in (0, 1):
            tokens = widened(output.detach())[:, -side * side :]
            self.maps[self.numbers[module]] = tokens.transpose(1, 2).unflatten(2, (side, side))

    def finish(self, evidence: Evidence) -> None:
        if self.maps:
            evidence.found[self.need] = self.maps
        self.maps = {}
