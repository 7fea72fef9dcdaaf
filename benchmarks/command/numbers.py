"""Numbers as a command line gives them: what is none, or none that makes sense, is refused in a line."""

from __future__ import annotations

import argparse

MOST_SEEDS = 10_000


def positive(text: str) -> int:
    """An integer above zero."""
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text[:40]!r}")
    return value


def batch(text: str) -> int:
    """Images of a batch: a mebi-image is more than any machine holds."""
    value = positive(text)
    if not 2 <= value <= 2**20:
        raise argparse.ArgumentTypeError(f"expected 2 to {2**20:,} images, which must show 2 classes, got {value}")
    return value


def above_zero(text: str) -> float:
    """A finite number above zero, as 0.5e6."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text[:40]!r}")
    return value


def seed(text: str) -> int:
    """What random numbers begin with: 32 bits, which every generator and the store take."""
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else -1
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {2**32 - 1:,}, got {text[:40]!r}")
    return value


def seeds(text: str) -> int:
    """How many repetitions."""
    value = positive(text)
    if value > MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"expected at most {MOST_SEEDS:,} repetitions, got {value:,}")
    return value


def sample(text: str) -> int | str:
    """How many networks, or 'all'."""
    return text if text == "all" else positive(text)
