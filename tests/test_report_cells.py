"""Short names and drawings of cells."""

import re

from nb201_data.space import OPERATIONS, Cell, all_cells
from reports.cells import LETTERS, cell_of, code, drawing, short_name
from reports.svg import colour, tidy

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"


def test_every_cell_has_a_short_name_of_its_own_that_can_be_read_back() -> None:
    names = [code(cell) for cell in all_cells()]
    assert len(set(names)) == 15_625 and {len(name) for name in names} == {8}
    back = {letter: operation for operation, letter in LETTERS.items()}
    for cell, name in list(zip(all_cells(), names, strict=True))[::97]:
        assert Cell(tuple(back[letter] for letter in name.replace("/", ""))) == cell
    assert set(LETTERS) == set(OPERATIONS)


def test_what_is_shown_of_an_architecture() -> None:
    assert short_name(CELL) == "3/s1/p03"
    assert short_name(CELL, {CELL: "4213"}) == "4213 · 3/s1/p03"
    for other in ("resnet20", "|<script>|", CELL + "|", ""):
        assert cell_of(other) is None and short_name(other) == other


def test_a_drawing_has_a_line_for_each_operation_and_four_nodes() -> None:
    drawn = drawing(Cell.parse(CELL))
    assert drawn == tidy(str(drawn))
    assert drawn.count("L") == 5 and drawn.count("h0") == 4
    assert len(re.findall(r"var\(--accent", drawn)) == 2 and "var(--second" in drawn and "var(--third" in drawn
    assert colour("accent") not in drawn
