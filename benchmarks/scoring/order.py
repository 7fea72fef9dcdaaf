"""In which order a whole space is scored: one fixed order, so that what is there at any time is a fair sample of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from diswot_errors import DataError, UsageError
from nb201_data.spaces import Numbered, SearchSpace, get_space

SEED = 0  # that of `--sample`: the first n cells of NAS-Bench-201 are those of `--sample n`
WHOLE = 1_000  # a space of at most so many architectures is scored whole, in its own order
LISTED = 1_000_000  # a space of more is never listed: its order is its own numbering


def shuffled(archs: Iterable[str], seed: int) -> list[str]:
    """The architectures in the order of a hash of (seed, architecture).

    The first k of n are a fair sample, and a set that grows changes a sample by what it adds only.
    """
    return sorted(archs, key=lambda arch: hashlib.sha256(f"{seed}:{arch}".encode()).digest())


@cache
def space_order(space: str) -> Sequence[str]:
    """Every architecture of a space: a small one in its own order, a large one shuffled. Its places name them.

    Of one that is too large to be listed, its own order, made when asked for.
    """
    found = get_space(space)
    if len(found) > LISTED:
        archs = found.all()
        return Numbered(len(archs), lambda place: str(archs[place]), lambda arch: _number(found, arch))
    listed = [str(arch) for arch in found.all()]
    return tuple(listed if len(listed) <= WHOLE else shuffled(listed, SEED))


@cache
def places(space: str) -> Mapping[str, int]:
    """Architecture -> its place in `space_order`."""
    order = space_order(space)
    return _Places(order) if isinstance(order, Numbered) else {arch: place for place, arch in enumerate(order)}


class _Places(Mapping[str, int]):
    """The places of an order that is not listed."""

    def __init__(self, order: Sequence[str]) -> None:
        self._order = order

    def __getitem__(self, arch: str) -> int:
        try:
            return self._order.index(arch)
        except ValueError:
            raise KeyError(arch) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._order)


def _number(space: SearchSpace, arch: str) -> int:
    """The number of an architecture; -1 for a text that is no key of one."""
    try:
        found = space.parse(arch)
    except (UsageError, DataError):
        return -1
    return space.all().index(found) if str(found) == arch else -1
