"""GRAF's features: cells reckoned by hand, and all of them on a graph library's own paths and degrees."""

import itertools

import networkx
import pytest

from nb201_data.graf import features, names
from nb201_data.space import EDGES, OPERATIONS, Cell, sample_cells


def reference(cell: Cell) -> list[float]:
    """From the definition, on a graph: ways by search, degrees by counting."""
    found: list[float] = [list(cell.ops).count(operation) for operation in OPERATIONS]
    sizes = range(1, len(OPERATIONS) + 1)
    for chosen in itertools.chain(*(itertools.combinations(OPERATIONS, size) for size in sizes)):
        graph = networkx.DiGraph()
        graph.add_nodes_from(range(4))
        graph.add_edges_from((s, t) for (t, s), op in zip(EDGES, cell.ops, strict=True) if op in chosen)
        ways = [len(path) - 1 for path in networkx.all_simple_paths(graph, 0, 3)]
        out, into = [degree for _, degree in graph.out_degree], [degree for _, degree in graph.in_degree]
        found += [min(ways, default=6), max(ways, default=0), out[0], into[3], sum(out) / 4, sum(into) / 4]
    return found


@pytest.mark.parametrize("seed", range(3))
def test_features_are_those_of_a_graph(seed: int) -> None:
    for cell in sample_cells(20, seed):
        assert list(features(cell)) == reference(cell), cell


def test_there_are_191_and_each_has_a_name() -> None:
    cell = Cell(("none",) * 6)
    assert len(features(cell)) == len(names()) == len(set(names())) == 191


def test_a_cell_by_hand() -> None:
    """0 -3x3-> 1 -3x3-> 3, 0 -skip-> 3, all else none."""
    cell = Cell(("nor_conv_3x3", "none", "none", "skip_connect", "nor_conv_3x3", "none"))
    found = dict(zip(names(), features(cell), strict=True))
    assert [found[f"count {op}"] for op in OPERATIONS] == [3, 1, 0, 2, 0]
    assert (found["shortest nor_conv_3x3"], found["longest nor_conv_3x3"]) == (2, 2)
    assert (found["shortest skip_connect"], found["longest skip_connect"]) == (1, 1)
    assert (found["shortest nor_conv_1x1"], found["longest nor_conv_1x1"]) == (6, 0)
    assert (found["shortest none"], found["longest none"]) == (2, 2)  # 0 -> 2 -> 3
    assert (found["shortest skip_connect|nor_conv_3x3"], found["longest skip_connect|nor_conv_3x3"]) == (1, 2)
    assert found["longest " + "|".join(OPERATIONS)] == 3 and found["shortest " + "|".join(OPERATIONS)] == 1
    assert (found["leaving input nor_conv_3x3"], found["entering output nor_conv_3x3"]) == (1, 1)
    assert found["leaving input none|skip_connect"] == 2 and found["mean leaving none|skip_connect"] == 1
    assert found["mean entering nor_conv_3x3"] == 0.5
