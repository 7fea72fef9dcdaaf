"""Small networks' features for the tests of the losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

CLASSES, BATCH = 5, 6


class Shown(NamedTuple):
    stages: tuple[Tensor, ...]
    last: Tensor
    pooled: Tensor
    logits: Tensor
    before: tuple[Tensor, ...]


def features(seed: int, widths=(4, 6, 8), sizes=(8, 4, 2), batch=BATCH, dtype=torch.float32, scale=1.0) -> Shown:
    """Features of a random network; every tensor is a leaf that collects gradients."""
    generator = torch.Generator().manual_seed(seed)

    def leaf(*shape: int) -> Tensor:
        return (torch.randn(shape, generator=generator) * scale).to(dtype).requires_grad_()

    stages = tuple(leaf(batch, c, s, s) for c, s in zip(widths, sizes, strict=True))
    pooled, logits = leaf(batch, widths[-1]), leaf(batch, CLASSES)
    before = tuple(leaf(batch, c, s, s) for c, s in zip(widths, sizes, strict=True))
    return Shown(stages, stages[-1], pooled, logits, before)


def changed(shown: Shown, change: Callable[[Tensor], Tensor]) -> Shown:
    """The features with every tensor changed."""
    return Shown(*(tuple(map(change, field)) if isinstance(field, tuple) else change(field) for field in shown))


def classifier(width: int) -> nn.Linear:
    """A teacher's, which leaves the random state."""
    with torch.random.fork_rng(devices=[]):
        return nn.Linear(width, CLASSES)


def weight(seed: int, width=8, dtype=torch.float32) -> Tensor:
    return torch.randn(CLASSES, width, generator=torch.Generator().manual_seed(seed)).to(dtype)


def labels() -> Tensor:
    return torch.tensor([0, 1, 1, 3, 4, 0])


def double(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
