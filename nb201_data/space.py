"""The 15,625 cells of NAS-Bench-201, without torch.

A cell is a graph of four nodes: 0 is the input, 3 the output. Each of the six edges `target <- source` carries one of
five operations, and a node is the sum of its incoming edges. The arch string of the field lists the edges node by node:
`|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`.

How many different cells there are depends on what counts as the same; all four counts are tests:

==================  ======  ==========================================================================================
equivalence          cells  meaning
==================  ======  ==========================================================================================
`cell.ops`          15,625  different operations on the edges
`cell.pruned()`      9,445  dead branches removed: an edge that no signal enters, or whose result nobody uses, is `none`
`cell.isomorphic()`  8,765  pruned, and the middle nodes renamed where no edge joins them: the same network
`cell.signature()`   6,466  the benchmark's own figure: its expression string, where a skip is its source, a zero term
                            of a sum stays written, and a branch used twice reads the same as two branches alike
==================  ======  ==========================================================================================
"""

import itertools
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NoReturn, TypeVar

from diswot_errors import UsageError

T = TypeVar("T")
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
_SEPARATORS = ("|", "|+|", "|", "|+|", "|", "|")
_ARCH = re.compile(
    "".join(
        rf"{re.escape(mark)}({'|'.join(OPERATIONS)})~{source}"
        for mark, (_, source) in zip(_SEPARATORS, EDGES, strict=True)
    )
    + r"\|"
)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One cell: six operation names in the order of `EDGES`."""

    ops: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.ops) != len(EDGES) or not set(self.ops) <= set(OPERATIONS):
            raise UsageError(f"a cell has {len(EDGES)} operations out of {', '.join(OPERATIONS)}; got {self.ops!r}")

    @classmethod
    def parse(cls, text: str) -> "Cell":
        """The cell of an arch string such as `|none~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|`."""
        whole = _ARCH.fullmatch(text)
        if whole is None:
            _refuse(text)
        return cls(whole.groups())

    def __str__(self) -> str:
        parts = zip(_SEPARATORS, self.ops, EDGES, strict=True)
        return "".join(f"{separator}{op}~{source}" for separator, op, (_, source) in parts) + "|"

    def count(self, operation: str) -> int:
        """How many edges carry `operation`, dead ones included."""
        return self.ops.count(operation)

    def pruned(self) -> "Cell":
        """The same cell with every dead edge set to `none`; idempotent."""
        reached, used = {0}, {3}
        for (target, source), op in zip(EDGES, self.ops, strict=True):
            if op != "none" and source in reached:
                reached.add(target)
        for (target, source), op in reversed(list(zip(EDGES, self.ops, strict=True))):
            if op != "none" and target in used:
                used.add(source)
        live = reached & used
        edges = zip(EDGES, self.ops, strict=True)
        return Cell(tuple(op if target in live and source in live else "none" for (target, source), op in edges))

    def isomorphic(self) -> "Cell":
        """The representative of all cells that are the same network: pruned, middle nodes in a fixed order."""
        a = self.pruned()
        if a.ops[2] != "none":
            return a
        return min(a, Cell((a.ops[1], a.ops[0], "none", a.ops[3], a.ops[5], a.ops[4])))

    def signature(self) -> str:
        """The expression string by which the benchmark's paper counts 6,466 unique cells."""
        nodes = ["0"]
        edges = iter(self.ops)
        for target in (1, 2, 3):
            terms = [_term(next(edges), nodes[source]) for source in range(target)]
            nodes.append("+".join(sorted(terms)))
        return nodes[3]

    def is_connected(self) -> bool:
        """Whether any signal gets from the input to the output."""
        return any(op != "none" for op in self.pruned().ops)

    def neighbours(self) -> list["Cell"]:
        """The 24 cells that differ in exactly one edge."""
        return [
            Cell((*self.ops[:i], other, *self.ops[i + 1 :]))
            for i, op in enumerate(self.ops)
            for other in OPERATIONS
            if other != op
        ]

    def mutate(self, rng: random.Random) -> "Cell":
        """One of the neighbours, drawn uniformly."""
        edge = rng.randrange(len(EDGES))
        other = rng.choice([op for op in OPERATIONS if op != self.ops[edge]])
        return Cell((*self.ops[:edge], other, *self.ops[edge + 1 :]))


def _term(operation: str, source: str) -> str:
    if operation == "none" or source == "#":
        return "#"
    return source if operation == "skip_connect" else f"({source})@{operation}"


def _refuse(text: str) -> NoReturn:
    """Say where an arch string goes wrong."""
    position = 0
    for (_, source), separator in zip(EDGES, _SEPARATORS, strict=True):
        position = _expect(text, position, separator)
        operation = next((name for name in OPERATIONS if text.startswith(name + "~", position)), None)
        if operation is None:
            raise _malformed(text, position, "one of " + ", ".join(OPERATIONS) + ", then '~'")
        position = _expect(text, position + len(operation), f"~{source}")
    position = _expect(text, position, "|")
    raise _malformed(text, position, "the end of the string")


def _expect(text: str, position: int, token: str) -> int:
    for offset, character in enumerate(token):
        if text[position + offset : position + offset + 1] != character:
            raise _malformed(text, position + offset, repr(token[offset:]))
    return position + len(token)


def _malformed(text: str, position: int, expected: str) -> UsageError:
    found = repr(text[position]) if position < len(text) else "the end"
    return UsageError(
        f"malformed cell at character {position + 1}: expected {expected}, found {found}\n  {text}\n  {' ' * position}^"
    )


@cache
def all_cells() -> tuple[Cell, ...]:
    """All 15,625 cells in lexicographic order of `OPERATIONS` (not the benchmark's order, which is in its file)."""
    return tuple(Cell(ops) for ops in itertools.product(OPERATIONS, repeat=len(EDGES)))


@cache
def distinct_cells() -> tuple[Cell, ...]:
    """The 9,445 cells without dead branches, in the order of `all_cells`."""
    return tuple(cell for cell in all_cells() if cell.pruned() == cell)


def random_cell(rng: random.Random) -> Cell:
    """A cell drawn uniformly."""
    return Cell(tuple(rng.choice(OPERATIONS) for _ in EDGES))


def sample_cells(n: int, seed: int, *, replace: bool = False, among: Sequence[Cell] | None = None) -> list[Cell]:
    """`n` cells drawn uniformly from `among` (default: all), the same ones for the same seed."""
    pool = all_cells() if among is None else among
    return sample(pool, n, seed, replace=replace)


SHUFFLED = 1_000_000  # elements that are written down to be shuffled; of more some are drawn until they are enough


def sample(pool: Sequence[T], n: int, seed: int, *, replace: bool = False) -> list[T]:
    """`n` elements of `pool`, the same for the same seed; without replacement the first k of them are the draw of k."""
    if n < 0 or (not replace and n > len(pool)) or (n and not pool):
        most = "any number with replacement" if replace else f"at most {len(pool)} without replacement"
        raise UsageError(f"cannot draw {n} architectures: there are {len(pool)}; ask for {most}")
    rng = random.Random(seed)
    if replace:
        return [pool[rng.randrange(len(pool))] for _ in range(n)]
    if len(pool) > SHUFFLED:
        drawn = dict[int, None]()
        while len(drawn) < n:
            drawn[rng.randrange(len(pool))] = None
        return [pool[i] for i in drawn]
    order = list(range(len(pool)))
    rng.shuffle(order)
    return [pool[i] for i in order[:n]]
