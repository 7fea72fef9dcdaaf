"""What stands around an architecture: width, depth, classes, image size. A truth names the one it was trained on."""

import re
from dataclasses import dataclass

from diswot_errors import UsageError


@dataclass(frozen=True, slots=True)
class Skeleton:
    """`str()` gives `c16n5k10r32`: 16 channels, 5 cells per stage, 10 classes, images of 32 x 32."""

    channels: int = 16
    cells_per_stage: int = 5
    classes: int = 10
    resolution: int = 32

    def __post_init__(self) -> None:
        if self.channels < 1 or self.cells_per_stage < 0 or self.classes < 2 or self.resolution < 4:
            raise UsageError(
                f"impossible skeleton {self}: needs channels >= 1, cells per stage >= 0, classes >= 2, resolution >= 4"
            )

    def __str__(self) -> str:
        return f"c{self.channels}n{self.cells_per_stage}k{self.classes}r{self.resolution}"

    @classmethod
    def parse(cls, text: str) -> "Skeleton":
        """The inverse of `str()`."""
        match = re.fullmatch(r"c(\d+)n(\d+)k(\d+)r(\d+)", text)
        if match is None:
            raise UsageError(f"unknown skeleton {text!r}: expected something like 'c16n5k10r32' (see Skeleton)")
        return cls(*map(int, match.groups()))
