"""The networks of a space divided once: scores are chosen on the search half, and the confirmation half is kept unseen.

A network's half is a bit of a hash of its name; networks that are the same but for dead branches go by the name of the
one without, so that none of them tells of the others across the line.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Literal

from nb201_data.spaces import get_space

Half = Literal["search", "confirmation"]
HALVES: tuple[Half, Half] = ("search", "confirmation")


@cache
def half_of(space: str, arch: str) -> Half:
    """'search' or 'confirmation': bit 0 of the first byte of SHA-256 of 'half:NAME'."""
    return HALVES[_digest(space, arch)[0] & 1]


@cache
def quarter_of(space: str, arch: str) -> int:
    """0 or 1: each half is divided again, to see on one quarter what is left of a choice made on the other."""
    return _digest(space, arch)[1] & 1


@cache
def _digest(space: str, arch: str) -> bytes:
    known = get_space(space)
    return hashlib.sha256(f"half:{known.canonical(known.parse(arch))}".encode()).digest()
