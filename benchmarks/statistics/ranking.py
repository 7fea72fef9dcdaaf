"""One variable in sorted order: its tie groups, and blocks of about sqrt(n) cells that no tie group straddles."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.resamples import Array

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Block:
    """Some neighbours in the sorted order. `starts` are the tie groups' first positions inside the block."""

    cells: Index
    starts: Index

    @property
    def tied(self) -> bool:
        """True when every cell of the block has the same value."""
        return len(self.starts) == 1

    def by_group(self, values: Array) -> Array:
        """Sum the rows (cells of this block, R) within tie groups: (groups, R)."""
        if len(self.starts) == len(self.cells):
            return values
        sums = values[self.starts]
        firsts = set(self.starts.tolist())
        group = -1
        for row in range(len(self.cells)):  # `np.add.reduceat` along rows takes many times as long
            if row in firsts:
                group += 1
            else:
                sums[group] += values[row]
        return sums


class Ranking:
    """The order of `values` (n,), ties kept: `group[i]` is the dense rank of cell i, `block[i]` its block."""

    def __init__(self, values: Array):
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        self.group = np.empty(len(values), dtype=np.intp)
        self.group[order] = np.cumsum(first) - 1
        self.blocks = list(_blocks(order, np.flatnonzero(first), len(values)))
        self.block = np.empty(len(values), dtype=np.intp)
        for number, block in enumerate(self.blocks):
            self.block[block.cells] = number

    @property
    def constant(self) -> bool:
        """True when all values are equal."""
        return int(self.group.max()) == 0


def _blocks(order: Index, starts: Index, cells: int) -> Iterator[Block]:
    """Fill blocks with whole tie groups up to max(64, sqrt(n)) cells; a larger group is a block of its own."""
    size = max(64, round(cells**0.5))
    ends = np.append(starts[1:], cells)
    group = 0
    while group < len(starts):
        begin = starts[group]
        last = max(group + 1, int(np.searchsorted(ends, begin + size, side="right")))
        yield Block(order[begin : ends[last - 1]], starts[group:last] - begin)
        group = last
