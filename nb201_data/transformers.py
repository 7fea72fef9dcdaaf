"""Vision transformers: AutoFormer with layers of different ratios and heads, and PiT, as Auto-Prox trained them.

Attention is written with `nn.Linear`, so that whoever goes from layer to layer sees every weight. Stochastic depth,
which only training uses, is left out: a score of a network is a function of its weights.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from nb201_data.networks import Network, NetworkMaps

PATCH = 16  # pixels, in both families
EPSILON = 1e-6  # of layer norms
SPREAD = 0.02  # standard deviation of tokens, positions and AutoFormer's linear weights
HINTS = (0, 6)
"""Blocks of AutoFormer, from 0, whose maps are its first two stages: where Auto-Prox ties them to the teacher's."""


class Attention(nn.Module):
    """Self-attention: one linear layer to queries, keys, values, softmax(q k^T / sqrt(d)) v in each head, one back."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (B, heads, N, d) each
        weights = (q @ k.transpose(2, 3) * q.shape[3] ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); tokens (B, N, width)."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, EPSILON), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, EPSILON)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ClassToken(nn.Module):
    """Positions are added and a learned token is put in front: (B, N, C) to (B, N + 1, C).

    all_positions: whether the class token has a position too (AutoFormer), or only the patches (PiT).
    """

    def __init__(self, width: int, patches: int, all_positions: bool) -> None:
        super().__init__()
        self.all_positions = all_positions
        self.token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, patches + all_positions, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Both truncated normal, drawn on the CPU."""
        with torch.no_grad():
            for parameter in (self.token, self.positions):
                parameter.copy_(nn.init.trunc_normal_(torch.empty(parameter.shape), std=SPREAD))

    def forward(self, patches: Tensor) -> Tensor:
        token = self.token.expand(len(patches), -1, -1)
        if self.all_positions:
            return torch.cat([token, patches], 1) + self.positions
        return torch.cat([token, patches + self.positions], 1)


def as_map(tokens: Tensor, side: int) -> Tensor:
    """The patch tokens of (B, side^2 or side^2 + 1, C) as (B, C, side, side): the class token is left out."""
    return tokens[:, -side * side :].transpose(1, 2).unflatten(2, (side, side))


class AutoFormer(Network):
    """Patches of 16 x 16, a class token that only attention reads, blocks, norm; the head reads the patches' mean.

    The last map is that of the normed patch tokens: it is what is pooled, as in the convolutional networks. The first
    two stages are the maps behind the blocks of `HINTS`.
    """

    def __init__(
        self, width: int, ratios: Sequence[float], heads: Sequence[int], classes: int, resolution: int
    ) -> None:
        super().__init__()
        self.grid = resolution // PATCH
        self.patches = nn.Conv2d(3, width, PATCH, PATCH)
        self.embedding = ClassToken(width, self.grid**2, all_positions=True)
        layers = zip(ratios, heads, strict=True)
        self.blocks = nn.ModuleList(Block(width, count, int(width * ratio)) for ratio, count in layers)
        self.norm = nn.LayerNorm(width, EPSILON)
        self.head = nn.Linear(width, classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=SPREAD)
                nn.init.zeros_(module.bias)

    @property
    def classifier(self) -> nn.Linear:  # type: ignore[override]
        """The last layer, under the name that all networks here share."""
        return self.head

    def ends(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        tokens, found = self.embedding(self.patches(x).flatten(2).transpose(1, 2)), []
        for number, block in enumerate(self.blocks):
            tokens = block(tokens)
            if number in HINTS:
                found.append(as_map(tokens, self.grid))
        return [(each, each) for each in (*found, as_map(self.norm(tokens), self.grid))]


class TokenPool(nn.Module):
    """Between two stages of PiT: every other patch by a convolution of its own channel, the class token by a layer."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, groups=inputs)
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, tokens: Tensor, side: int) -> Tensor:
        patches = self.conv(as_map(tokens, side)).flatten(2).transpose(1, 2)
        return torch.cat([self.linear(tokens[:, :1]), patches], 1)


class PiT(Network):
    """Overlapping patches of 16 x 16 every 8 pixels, three stages of blocks on ever fewer and wider tokens.

    The head reads the normed class token: that is what is 'pooled' here, and no mean of a map. The stages, and the last
    map, are the patch tokens at the end of each stage.
    """

    reads_token = True

    def __init__(
        self,
        widths: Sequence[int],
        ratio: float,
        depths: Sequence[int],
        heads: Sequence[int],
        classes: int,
        resolution: int,
    ) -> None:
        super().__init__()
        self.grid, self.depths = (resolution - PATCH) // (PATCH // 2) + 1, tuple(depths)
        self.patches = nn.Conv2d(3, widths[0], PATCH, PATCH // 2)
        self.embedding = ClassToken(widths[0], self.grid**2, all_positions=False)
        layers = [(w, h) for w, d, h in zip(widths, depths, heads, strict=True) for _ in range(d)]
        self.blocks = nn.ModuleList(Block(w, h, int(w * ratio)) for w, h in layers)
        self.pools = nn.ModuleList(TokenPool(a, b) for a, b in pairwise(widths))
        self.norm = nn.LayerNorm(widths[-1], EPSILON)
        self.head = nn.Linear(widths[-1], classes)

    @property
    def classifier(self) -> nn.Linear:  # type: ignore[override]
        """The last layer, under the name that all networks here share."""
        return self.head

    def _tokens(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The tokens behind the last block, and the map at the end of each stage."""
        tokens, side, maps = self.embedding(self.patches(x).flatten(2).transpose(1, 2)), self.grid, []
        blocks = iter(self.blocks)
        for stage, depth in enumerate(self.depths):
            if stage:
                tokens, side = self.pools[stage - 1](tokens, side), halved(side)
            for _ in range(depth):
                tokens = next(blocks)(tokens)
            maps.append(as_map(tokens, side))
        return tokens, maps

    def ends(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        return [(each, each) for each in self._tokens(x)[1]]

    def maps(self, x: Tensor) -> NetworkMaps:
        tokens, stages = self._tokens(x)
        token = self.norm(tokens[:, 0])
        return NetworkMaps(tuple(stages), stages[-1], token, self.head(token), tuple(stages))


def halved(side: int) -> int:
    """The side of a map behind a convolution of 3 x 3 with stride 2 and padding 1."""
    return (side - 1) // 2 + 1
