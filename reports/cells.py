"""Cells of NAS-Bench-201 for the eye: six characters instead of ninety, and a drawing the size of a word.

`3/s1/p03`: the operations into node 1, node 2 and node 3, each from node 0 upwards, by the characters of `LETTERS`.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import hypot

from diswot_errors import UsageError
from nb201_data.space import EDGES, Cell
from reports.figures.drawing import Sheet
from reports.svg import colour

LETTERS = {"none": "0", "skip_connect": "s", "nor_conv_1x1": "1", "nor_conv_3x3": "3", "avg_pool_3x3": "p"}
WORDS = {
    "none": "nothing",
    "skip_connect": "skip",
    "nor_conv_1x1": "1×1 convolution",
    "nor_conv_3x3": "3×3 convolution",
    "avg_pool_3x3": "3×3 average pooling",
}
SHADES = {"skip_connect": "muted", "nor_conv_1x1": "third", "nor_conv_3x3": "accent", "avg_pool_3x3": "second"}
NODES = ((4.0, 11.0), (17.0, 4.0), (17.0, 18.0), (30.0, 11.0))  # input, two in the middle, output; points


@lru_cache(maxsize=20_000)
def cell_of(text: str) -> Cell | None:
    """The cell whose arch string this is; None where it is another text."""
    if not text.startswith("|") or len(text) > 150:
        return None
    try:
        return Cell.parse(text)
    except UsageError:
        return None


def code(cell: Cell) -> str:
    """Its short name."""
    letters = "".join(LETTERS[operation] for operation in cell.ops)
    return f"{letters[:1]}/{letters[1:3]}/{letters[3:]}"


def short_name(arch: str, labels: Mapping[str, str] | None = None) -> str:
    """The number by which others know an architecture, its code, or where it is no cell the text itself."""
    cell = cell_of(arch)
    name = code(cell) if cell else arch
    label = (labels or {}).get(arch, "")
    return f"{label} · {name}" if label else name


@lru_cache(maxsize=20_000)
def drawing(cell: Cell) -> str:
    """Four nodes and an edge for each operation that is not `none`, coloured by it; the 3x3 convolution is thickest."""
    sheet = Sheet(34.0, 22.0)
    for (target, source), operation in zip(EDGES, cell.ops, strict=True):
        if operation in SHADES:
            (x1, y1), (x2, y2) = NODES[source], NODES[target]
            gap = 3.2 / hypot(x2 - x1, y2 - y1)
            x1, y1, x2, y2 = x1 + gap * (x2 - x1), y1 + gap * (y2 - y1), x2 - gap * (x2 - x1), y2 - gap * (y2 - y1)
            width = 2.2 if operation == "nor_conv_3x3" else 1.4
            sheet.line(x1, y1, x2, y2, colour(SHADES[operation]), width, "round")
    sheet.dots(NODES, colour("ink"), 3.6)
    return sheet.svg(f"cell {code(cell)}")
