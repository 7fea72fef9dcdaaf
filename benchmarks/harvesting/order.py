"""In which order cells are harvested: one fixed permutation, so that the first n are always a fair sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from diswot_errors import UsageError
from nb201_data.space import Cell, distinct_cells, sample
from nb201_data.truth.csv_rows import read_rows
from nb201_data.truth.measured import checked_arch

ORDER_SEED = 201
AUTHORS_INDICES = (1, 10, 20, 40, 80, 120, 240, 360, 480, 520, 1024, 2096, 3069, 4058, 5066)
_AUTHORS = """
|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|
|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|none~0|none~1|none~2|
|none~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|
|none~0|+|skip_connect~0|nor_conv_3x3~1|+|none~0|nor_conv_1x1~1|avg_pool_3x3~2|
|none~0|+|nor_conv_1x1~0|none~1|+|nor_conv_1x1~0|skip_connect~1|nor_conv_3x3~2|
|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|none~0|none~1|none~2|
|avg_pool_3x3~0|+|skip_connect~0|none~1|+|none~0|skip_connect~1|skip_connect~2|
|skip_connect~0|+|nor_conv_3x3~0|skip_connect~1|+|nor_conv_3x3~0|nor_conv_1x1~1|nor_conv_1x1~2|
|nor_conv_1x1~0|+|nor_conv_3x3~0|skip_connect~1|+|avg_pool_3x3~0|skip_connect~1|nor_conv_3x3~2|
|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|nor_conv_1x1~0|avg_pool_3x3~1|skip_connect~2|
|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|skip_connect~1|avg_pool_3x3~2|
|skip_connect~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|none~0|skip_connect~1|nor_conv_3x3~2|
|nor_conv_1x1~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|none~0|skip_connect~1|nor_conv_3x3~2|
|none~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|
|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_3x3~1|avg_pool_3x3~2|
"""


def authors_cells() -> list[Cell]:
    """The 15 cells of the authors' unpublished distillation benchmark, in the order of `AUTHORS_INDICES`."""
    return [Cell.parse(line) for line in _AUTHORS.split()]


def harvest_order() -> list[Cell]:
    """The authors' cells without dead branches, then the other distinct cells in a fixed random order; none twice."""
    authors = [cell.pruned() for cell in authors_cells()]
    rest = sample(distinct_cells(), len(distinct_cells()), ORDER_SEED)
    return list(dict.fromkeys([*authors, *rest]))


def first(cells: int) -> Sequence[Cell]:
    """The first of the fixed order."""
    order = harvest_order()
    if cells > len(order):
        raise UsageError(f"--cells {cells}: there are {len(order)} distinct cells")
    return order[:cells]


def named_in(path: Path) -> Sequence[Cell]:
    """The cells in the column `arch` of a CSV file without their dead branches, in its order, none twice."""
    rows = read_rows(path, ("arch",), None)
    return list(dict.fromkeys(Cell.parse(checked_arch(row, "nb201")).pruned() for row in rows))
