"""What a value must fulfil beyond its type."""

import re
from dataclasses import dataclass
from typing import Any, Protocol


class Limit(Protocol):
    """What a value of a field must fulfil beyond its type; its text completes 'expected ...'."""

    def holds(self, value: Any) -> bool:
        """Does it?"""


@dataclass(frozen=True)
class Pattern:
    """A text that matches a whole regular expression."""

    expression: str
    meaning: str

    def holds(self, value: str) -> bool:
        """Does it match?"""
        return re.fullmatch(self.expression, value) is not None

    def __str__(self) -> str:
        return self.meaning


@dataclass(frozen=True)
class Between:
    """A number from `low` to `high`."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Is it?"""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"
