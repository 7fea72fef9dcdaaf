"""A sequence that is never written down: its elements are made from their numbers when they are asked for."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

T = TypeVar("T")


class Numbered(Sequence[T]):
    """The elements `make(0)`, ..., `make(count - 1)`; `number` is the inverse, -1 for what is none of them.

    Like a `range`: length, place of an element, membership and slices cost nothing, only walking through it does.
    """

    def __init__(self, count: int, make: Callable[[int], T], number: Callable[[Any], int]) -> None:
        self._numbers, self._make, self._number = range(count), make, number

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> "Numbered[T]": ...

    def __getitem__(self, place: int | slice) -> "T | Numbered[T]":
        if not isinstance(place, slice):
            return self._make(self._numbers[place])
        part = Numbered(0, self._make, self._number)
        part._numbers = self._numbers[place]
        return part

    def __contains__(self, element: object) -> bool:
        return self._number(element) in self._numbers

    def index(self, element: Any, start: int = 0, stop: int | None = None) -> int:
        """The place of an element; `ValueError` where it is not among those from `start` to `stop`."""
        place = self._numbers.index(self._number(element))
        if place not in range(*slice(start, stop).indices(len(self))):
            raise ValueError(f"{element} is not there")
        return place
