"""In which order a whole space is scored: one fixed order, so that what is there at any time is a fair sample of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache

from nb201_data.spaces import get_space

SEED = 0  # that of `--sample`: the first n cells of NAS-Bench-201 are those of `--sample n`
WHOLE = 1_000  # a space of at most so many architectures is scored whole, in its own order


def shuffled(archs: Iterable[str], seed: int) -> list[str]:
    """The architectures in the order of a hash of (seed, architecture).

    The first k of n are a fair sample, and a set that grows changes a sample by what it adds only.
    """
    return sorted(archs, key=lambda arch: hashlib.sha256(f"{seed}:{arch}".encode()).digest())


@cache
def space_order(space: str) -> tuple[str, ...]:
    """Every architecture of a space: a small one in its own order, a large one shuffled. Its places name them."""
    archs = [str(arch) for arch in get_space(space).all()]
    return tuple(archs if len(archs) <= WHOLE else shuffled(archs, SEED))


@cache
def places(space: str) -> dict[str, int]:
    """Architecture -> its place in `space_order`."""
    return {arch: place for place, arch in enumerate(space_order(space))}
