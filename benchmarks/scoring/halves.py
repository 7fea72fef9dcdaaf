"""The networks of a space divided once: scores are chosen on the search half, and the confirmation half is kept unseen.

A network's half is a bit of a hash of its name, so that the halves are fair samples of one population. A cell with dead
branches may have its equal across the line. Without such cells some have a twin there still, whose nodes are exchanged
(7 % of NAS-Bench-201's) or which shortcuts make the same function: another training, with weights of its own.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Literal

Half = Literal["search", "confirmation"]
HALVES: tuple[Half, Half] = ("search", "confirmation")


def half_of(arch: str) -> Half:
    """'search' or 'confirmation': bit 0 of the first byte of SHA-256 of 'half:NAME'."""
    return HALVES[_digest(arch)[0] & 1]


def quarter_of(arch: str) -> int:
    """0 or 1: each half is divided again, to see on one quarter what is left of a choice made on the other."""
    return _digest(arch)[1] & 1


@cache
def _digest(arch: str) -> bytes:
    return hashlib.sha256(f"half:{arch}".encode()).digest()
