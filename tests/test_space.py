"""Cells without torch: strings, counts, equivalences, neighbours and samples."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diswot_errors import UsageError
from nb201_data.space import (
    EDGES,
    OPERATIONS,
    Cell,
    all_cells,
    distinct_cells,
    random_cell,
    sample,
    sample_cells,
)

TEXT = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_1x1~1|skip_connect~2|"
cells = st.tuples(*[st.sampled_from(OPERATIONS)] * 6).map(Cell)


def cell(*ops: str) -> Cell:
    """A cell from first letters: none, skip, 1x1, 3x3, avg."""
    names = {"n": "none", "s": "skip_connect", "1": "nor_conv_1x1", "3": "nor_conv_3x3", "a": "avg_pool_3x3"}
    return Cell(tuple(names[op] for op in ops))


def paths(c: Cell) -> set[tuple[str, ...]]:
    """Every way from input to output as the operations along it: an independent view of what a cell computes."""
    edges = {(source, target): op for (target, source), op in zip(EDGES, c.ops, strict=True)}

    def walk(node: int) -> list[tuple[str, ...]]:
        if node == 3:
            return [()]
        steps = [(edges[node, t], t) for t in range(node + 1, 4) if edges[node, t] != "none"]
        return [(f"{node}{op}{t}", *rest) for op, t in steps for rest in walk(t)]

    return set(walk(0))


def swap(path: tuple[str, ...]) -> tuple[str, ...]:
    """The path with the two middle nodes renamed."""
    other = {"0": "0", "1": "2", "2": "1", "3": "3"}
    return tuple(other[step[0]] + step[1:-1] + other[step[-1]] for step in path)


class TestStrings:
    def test_the_edges_are_listed_node_by_node(self) -> None:
        parsed = Cell.parse(TEXT)
        assert parsed == cell("3", "n", "a", "s", "1", "s")
        assert str(parsed) == TEXT

    @given(cells)
    @settings(max_examples=200, deadline=None)
    def test_round_trip(self, c: Cell) -> None:
        assert Cell.parse(str(c)) == c

    def test_all_strings_differ_and_parse_back(self) -> None:
        assert all(Cell.parse(str(c)) == c for c in all_cells()[::25])
        assert len({str(c) for c in all_cells()}) == 15_625

    @pytest.mark.parametrize(
        ("text", "character"),
        [
            ("", 1),
            ("nor_conv_3x3~0|", 1),
            (TEXT[:-1], len(TEXT)),
            (TEXT + "|", len(TEXT) + 1),
            (TEXT.replace("nor_conv_3x3", "nor_conv_5x5"), 2),
            (TEXT.replace("none~0", "none~1"), TEXT.index("none~0") + 6),
            (TEXT.replace("none~0", "none0"), TEXT.index("none~0") + 1),
            (TEXT.replace("|+|none", "|-|none"), TEXT.index("|+|") + 2),
            (TEXT.replace("avg_pool_3x3~1", "avg_pool_3x3 ~1"), TEXT.index("avg_pool") + 1),
            (TEXT.replace("skip_connect~2", "skip_connect~3"), TEXT.rindex("~2") + 2),
            (" " + TEXT, 1),
            (TEXT.upper(), 2),
        ],
    )
    def test_malformed_strings_point_at_the_character(self, text: str, character: int) -> None:
        with pytest.raises(UsageError) as caught:
            Cell.parse(text)
        message, shown, caret = str(caught.value).split("\n")
        assert f"at character {character}:" in message and "expected" in message and "found" in message
        assert shown == "  " + text
        assert caret == " " * (2 + character - 1) + "^"

    @given(st.text(alphabet="|+~0123noe_cv3x1skipagl ", max_size=60))
    @settings(max_examples=200, deadline=None)
    def test_any_other_text_is_a_usage_error(self, text: str) -> None:
        with pytest.raises(UsageError):
            Cell.parse(text)

    def test_impossible_operations_are_refused(self) -> None:
        with pytest.raises(UsageError, match="6 operations"):
            Cell(("none",) * 5)
        with pytest.raises(UsageError, match="nor_conv_7x7"):
            Cell((*("none",) * 5, "nor_conv_7x7"))


class TestCounts:
    """The four numbers that the module's docstring promises."""

    def test_cells(self) -> None:
        assert len(all_cells()) == len(set(all_cells())) == 5**6 == 15_625

    def test_without_dead_branches(self) -> None:
        assert len({c.pruned() for c in all_cells()}) == 9_445
        assert set(distinct_cells()) == {c.pruned() for c in all_cells()}
        kept = set(distinct_cells())
        assert list(distinct_cells()) == [c for c in all_cells() if c in kept]

    def test_up_to_renamed_nodes(self) -> None:
        assert len({c.isomorphic() for c in all_cells()}) == 8_765

    def test_by_the_benchmarks_expression(self) -> None:
        assert len({c.signature() for c in all_cells()}) == 6_466

    def test_cells_that_carry_no_signal(self) -> None:
        assert [c for c in distinct_cells() if not c.is_connected()] == [cell(*"nnnnnn")]

    def test_all_of_it_costs_little_more_than_reading_the_strings(self) -> None:
        texts = [str(c) for c in all_cells()]
        all_cells.cache_clear()
        distinct_cells.cache_clear()
        start = time.process_time()
        for c in all_cells():
            c.pruned(), c.isomorphic(), c.signature()
        distinct_cells()
        made = time.process_time()
        for text in texts:
            Cell.parse(text)
        assert made - start < 40 * (time.process_time() - made)  # 8 when measured: reading is one expression a cell


class TestEquivalence:
    def test_dead_branches(self) -> None:
        assert cell(*"333nnn").pruned() == cell(*"nnnnnn")  # nothing leaves for the output
        assert cell(*"n33n3s").pruned() == cell(*"n3nnns")  # node 1 is never reached
        assert cell(*"3n33nn").pruned() == cell(*"nnn3nn")  # node 2 is never used
        assert cell(*"333333").pruned() == cell(*"333333")

    def test_pruning_keeps_every_path_and_is_idempotent(self) -> None:
        for c in all_cells()[::7]:
            assert paths(c.pruned()) == paths(c)
            assert c.pruned().pruned() == c.pruned()

    def test_pruned_cells_have_the_same_paths_only_if_equal(self) -> None:
        assert len({frozenset(paths(c)) for c in all_cells()}) == 9_445

    def test_two_middle_nodes_that_do_not_meet_may_change_places(self) -> None:
        a, b = cell(*"31ns3a"), cell(*"13nsa3")
        assert a != b and a.isomorphic() == b.isomorphic() in (a, b)
        assert cell(*"31ss3a").isomorphic() != cell(*"13ssa3").isomorphic()

    @given(cells)
    @settings(max_examples=200, deadline=None)
    def test_the_forms_nest(self, c: Cell) -> None:
        assert c.isomorphic() == c.pruned().isomorphic() == c.isomorphic().isomorphic()
        assert c.isomorphic().pruned() == c.isomorphic()
        assert paths(c.isomorphic()) == paths(c) or paths(c.isomorphic()) == {swap(path) for path in paths(c)}

    def test_signature_reads_as_the_benchmark_writes_it(self) -> None:
        assert cell(*"snnnsn").signature() == "#+#+0"
        assert cell(*"3nnnsn").signature() == "#+#+(0)@nor_conv_3x3"
        assert cell(*"snnn3n").signature() == "#+#+(0)@nor_conv_3x3"  # a skip is its source

    def test_signature_is_no_refinement_of_the_other_forms(self) -> None:
        """The benchmark's expression keeps zero terms and forgets which branches are shared."""
        a, b = cell(*"nannns"), cell(*"annnsn")
        assert a.isomorphic() == b.isomorphic() and a.signature() != b.signature()
        c, d = cell(*"3nsnss"), cell(*"33nnss")
        assert c.pruned() != d.pruned() and c.signature() == d.signature()


class TestSteps:
    @given(cells)
    @settings(max_examples=50, deadline=None)
    def test_24_neighbours_one_edge_away(self, c: Cell) -> None:
        near = c.neighbours()
        assert len(set(near)) == len(near) == 24
        assert all(sum(a != b for a, b in zip(c.ops, other.ops, strict=True)) == 1 for other in near)
        assert all(c in other.neighbours() for other in near[:3])

    @given(cells, st.integers(0, 2**32))
    @settings(max_examples=100, deadline=None)
    def test_mutation_is_a_neighbour_and_follows_the_generator(self, c: Cell, seed: int) -> None:
        assert c.mutate(random.Random(seed)) in c.neighbours()
        assert c.mutate(random.Random(seed)) == c.mutate(random.Random(seed))

    def test_every_neighbour_is_reached(self) -> None:
        c, rng = Cell.parse(TEXT), random.Random(0)
        assert {c.mutate(rng) for _ in range(500)} == set(c.neighbours())


class TestSamples:
    def test_without_replacement(self) -> None:
        drawn = sample_cells(15_625, seed=0)
        assert set(drawn) == set(all_cells()) and drawn != list(all_cells())

    def test_the_first_k_are_the_draw_of_k(self) -> None:
        for replace in (False, True):
            long = sample_cells(500, seed=3, replace=replace)
            assert sample_cells(40, seed=3, replace=replace) == long[:40]

    def test_with_replacement_cells_come_again(self) -> None:
        drawn = sample(distinct_cells()[:5], 100, seed=0, replace=True)
        assert len(drawn) == 100 and set(drawn) == set(distinct_cells()[:5])

    def test_seeds_differ_and_the_global_generator_is_left_alone(self) -> None:
        random.seed(1)
        before = random.getstate()
        assert sample_cells(20, seed=0) == sample_cells(20, seed=0) != sample_cells(20, seed=1)
        assert random.getstate() == before

    def test_draws_are_uniform(self) -> None:
        counts = dict.fromkeys(OPERATIONS, 0)
        for c in sample_cells(3000, seed=5):
            counts[c.ops[3]] += 1
        assert all(500 < n < 700 for n in counts.values()), counts  # 600 expected, 22 is one standard deviation
        assert random_cell(random.Random(4)) == random_cell(random.Random(4))

    def test_impossible_numbers_are_refused(self) -> None:
        with pytest.raises(UsageError, match=r"there are 15625.*at most 15625"):
            sample_cells(15_626, seed=0)
        with pytest.raises(UsageError, match="cannot draw -1"):
            sample_cells(-1, seed=0, replace=True)
        with pytest.raises(UsageError, match="there are 0"):
            sample([], 1, seed=0, replace=True)
        assert sample_cells(0, seed=0) == []
