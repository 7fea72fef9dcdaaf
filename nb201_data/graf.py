"""GRAF's features of a cell (Kadlecova et al., ICML 2024): counts, ways and degrees, 191 numbers, no network needed.

With the nodes 1 to 4 of their graph being 0 to 3 here, and S each of the 31 non-empty sets of operations:

    count       how many edges carry an operation                                            5
    shortest S  edges of the shortest way from input to output over edges of S, 6 for none   31
    longest S   edges of the longest one, 0 for none                                         31
    degrees S   edges of S that leave the input, that enter the output, and twice their      124
                mean number at a node (leaving and entering: each edge does both once)

`none` is an operation like the others: a way may lead over it. `python -m benchmarks.fitted_table` fits on them.
"""

import itertools

from nb201_data.space import EDGES, OPERATIONS, Cell

WAYS = ((3,), (0, 4), (1, 5), (0, 2, 5))
"""The ways from input to output, by the places of their edges in `EDGES`."""
NO_WAY = len(EDGES)
SETS = tuple(chosen for size in range(1, len(OPERATIONS) + 1) for chosen in itertools.combinations(OPERATIONS, size))
INPUT, OUTPUT, NODES = 0, 3, 4


def names() -> tuple[str, ...]:
    """What the features are, in their order: `count nor_conv_3x3`, `shortest none|skip_connect`, ..."""
    parts = ("shortest", "longest", "leaving input", "entering output", "mean leaving", "mean entering")
    counts = [f"count {operation}" for operation in OPERATIONS]
    return (*counts, *(f"{part} {'|'.join(chosen)}" for chosen in SETS for part in parts))


def features(cell: Cell) -> tuple[float, ...]:
    """(191,) numbers, as `names`."""
    return (*map(cell.count, OPERATIONS), *(number for chosen in SETS for number in _of_set(cell, chosen)))


def _of_set(cell: Cell, chosen: tuple[str, ...]) -> tuple[float, ...]:
    """Shortest, longest, leaving the input, entering the output, mean leaving, mean entering: of these edges."""
    kept = {place for place, operation in enumerate(cell.ops) if operation in chosen}
    lengths = [len(way) for way in WAYS if kept.issuperset(way)]
    leaving = sum(EDGES[place][1] == INPUT for place in kept)
    entering = sum(EDGES[place][0] == OUTPUT for place in kept)
    mean = len(kept) / NODES
    return (min(lengths, default=NO_WAY), max(lengths, default=0), leaving, entering, mean, mean)
