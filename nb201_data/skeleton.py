"""What stands around an architecture: width, depth, classes, image size. A truth names the one it was trained on."""

import re
from dataclasses import dataclass

from diswot_errors import UsageError
from nb201_data.numerals import shown

BOUNDS = {
    "channels": (1, 1_024),
    "cells per stage": (0, 100),
    "classes": (2, 100_000),
    "resolution": (4, 1_024),
}
"""From and to: beyond, a network is a mistake, and building it would not end."""


@dataclass(frozen=True, slots=True)
class Skeleton:
    """`str()` gives `c16n5k10r32`: 16 channels, 5 cells per stage, 10 classes, images of 32 x 32."""

    channels: int = 16
    cells_per_stage: int = 5
    classes: int = 10
    resolution: int = 32

    def __post_init__(self) -> None:
        sizes = (self.channels, self.cells_per_stage, self.classes, self.resolution)
        if not all(low <= size <= high for size, (low, high) in zip(sizes, BOUNDS.values(), strict=True)):
            needs = ", ".join(f"{name} from {low} to {high:,}" for name, (low, high) in BOUNDS.items())
            raise UsageError(f"impossible skeleton {self}: needs {needs}")

    def __str__(self) -> str:
        return f"c{self.channels}n{self.cells_per_stage}k{self.classes}r{self.resolution}"

    @classmethod
    def parse(cls, text: str) -> "Skeleton":
        """The inverse of `str()`."""
        match = re.fullmatch("c([0-9]{1,9})n([0-9]{1,9})k([0-9]{1,9})r([0-9]{1,9})", text)
        if match is None:
            raise UsageError(
                f"unknown skeleton {shown(text)}: expected a name like c16n5k10r32: "
                "16 channels, 5 cells a stage, 10 classes, images of 32 x 32"
            )
        return cls(*map(int, match.groups()))
