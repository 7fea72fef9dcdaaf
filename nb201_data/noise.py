"""Images of N(0, 1), for scores whose authors show their networks noise: `--images noise`.

A pixel is a function of (split, index, place): a hash gives a 16-bit number, the inverse of the normal distribution a
value, rounded to one of 256 steps of 1/32 between -4 and 4. Labels go round, as those of the painted images.
"""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np

from diswot_errors import UsageError
from nb201_data.embedded import SIDE, TEST_PER_CLASS, TRAIN_PER_CLASS, Array, hashed, keys_of
from nb201_data.image_set import ImageSet, MadeSplit, in_turn
from nb201_data.numerals import shown, whole

STEPS = 32  # in a unit
CLASSES, MOST_CLASSES = 20, 1000
TRAIN, TEST = 3, 4  # streams of the hash


@cache
def _levels() -> Array:
    """uint8 (65536,): the step of each 16-bit number; step s is the value (s - 127.5) / 32."""
    normal = NormalDist()
    values = np.array([normal.inv_cdf((number + 0.5) / 65536) for number in range(65536)])
    return np.clip(np.floor(values * STEPS) + 128, 0, 255).astype(np.uint8)


class NoiseSplit(MadeSplit):
    """A split whose images are drawn."""

    def __init__(self, length: int, classes: int, side: int, number: int) -> None:
        super().__init__(in_turn(length, classes))
        self._side, self._number = side, number

    def made(self, indices: Array) -> Array:
        """Drawn."""
        numbers = hashed(keys_of(0, self._number, indices), 3 * self._side**2)
        return _levels()[numbers].reshape(-1, 3, self._side, self._side)


def noise(option: str) -> ImageSet:
    """`noise` (20 classes) or, with `option`, so many classes."""
    classes = (whole(option, MOST_CLASSES) or 0) if option else CLASSES
    if classes < 2:
        raise UsageError(f"{shown(f'noise:{option}')}: expected a number of classes from 2 to {MOST_CLASSES}")
    return _of(f"noise:{classes}" if option else "noise", classes, SIDE)


def _of(name: str, classes: int, side: int) -> ImageSet:
    train = NoiseSplit(TRAIN_PER_CLASS * classes, classes, side, TRAIN)
    test = NoiseSplit(TEST_PER_CLASS * classes, classes, side, TEST)
    mean, std = (0.5,) * 3, (STEPS / 255,) * 3
    smaller = None if "@" in name else lambda pixels: _of(f"{name}@{pixels}", classes, pixels)
    return ImageSet(name, classes, side, mean, std, train, test, smaller)
