"""Axes and drawings: places are those of the formula, ticks are round, a failed network flattens nothing."""

import itertools
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reports import figures
from reports.figures.axes import Axis, covering, log_ticks
from reports.figures.drawing import text_width
from reports.schema import Estimate

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def path_points(drawing: str, size: str) -> list[tuple[float, float]]:
    """The dots of a size, in the order drawn."""
    paths = re.findall(rf'<path d="([^"]*)"[^>]* stroke-width="{size}"', drawing)
    return [(float(x), float(y)) for path in paths for x, y in re.findall(r"M(\S+) (\S+?)h0", path)]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1))
def test_a_number_is_drawn_where_the_formula_says(low: float, width: float, share: float) -> None:
    axis = Axis(low, low + width, 10.0, 110.0)
    value = low + share * width
    expected = 10 + 100 * (value - low) / (axis.high - axis.low)
    assert axis.at(value) == pytest.approx(min(110.0, expected), abs=1e-5)


@given(st.lists(FINITE, max_size=30), st.booleans())
@example([1.7e308, -1.7e308], False)
@example([5e-324], False)
@example([1.7976931348623157e308] * 3, True)
def test_any_finite_numbers_have_an_axis_with_few_ticks_on_it(values: list[float], bulk: bool) -> None:
    axis = covering(values, 0.0, 100.0, bulk=bulk)
    assert axis.low <= axis.high and all(map(math.isfinite, (axis.low, axis.high)))
    assert all(0 <= axis.at(value) <= 100 for value in values)
    ticks = axis.ticks()
    assert len(ticks) <= 12 and all(math.isfinite(value) and len(text) < 12 for value, text in ticks)
    if not bulk:
        assert axis.beyond(values) == 0


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-1.0, 1.0, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]),
        (61.2, 74.9, ["65", "70"]),
        (0.0, 3e7, ["0", "1e7", "2e7", "3e7"]),
    ],
)
def test_ticks_are_round(low: float, high: float, written: list[str]) -> None:
    assert [text for _, text in Axis(low, high, 0, 1).ticks()] == written


def test_logarithmic_ticks_are_powers_where_there_are_enough() -> None:
    assert [text for _, text in log_ticks(0.5, 2e3)] == ["1", "10", "100", "1000"]
    assert [text for _, text in log_ticks(12, 95)] == ["20", "50"] or len(log_ticks(12, 95)) > 2
    assert all(place == pytest.approx(math.log10(float(text))) for place, text in log_ticks(3e-7, 4e5))
    assert 0 < len(log_ticks(5e-324, 1e300)) <= 7


def test_one_failed_network_does_not_flatten_the_others() -> None:
    x = [float(i) for i in range(40)]
    y = [60 + 0.25 * i for i in range(40)]
    whole = path_points(figures.scatter(x, y, title="t"), "2.6")
    drawing = figures.scatter([*x, 20.0], [*y, 1.0], title="t", note="ρ 0.9")
    others, failed = path_points(drawing, "2.6"), path_points(drawing, "3.4")
    assert len(whole) == len(others) == 40 and len(failed) == 1 and "ρ 0.9 · 1 at the edge" in drawing
    height = [max(py for _, py in points) - min(py for _, py in points) for points in (whole, others)]
    assert height[1] > height[0] / 4 and failed[0][1] > max(py for _, py in others)
    assert "edge" not in figures.scatter(x, y)


def test_larger_is_to_the_right_and_up_unless_inverted() -> None:
    (a, b), (c, d) = path_points(figures.scatter([1.0, 2.0], [5.0, 6.0]), "2.6")
    assert a < c and b > d
    (a, _), (c, _) = path_points(figures.scatter([1.0, 2.0], [5.0, 6.0], invert=True), "2.6")
    assert a > c


def test_an_interval_is_drawn_between_its_ends() -> None:
    drawing = figures.intervals(["a", "b"], [Estimate(0.5, 0.25, 1.0), Estimate()], highlight=["a"])
    ((x1, y1, x2, y2),) = re.findall(r'd="M(\S+) (\S+?)L(\S+) (\S+?)"[^>]*stroke-width="1.4"', drawing)
    ((x, y),) = path_points(drawing, "4.4")
    assert y1 == y2 and float(y1) == pytest.approx(y, abs=0.01)
    assert (x - float(x1)) / (float(x2) - float(x1)) == pytest.approx(1 / 3, abs=0.01)
    assert drawing.count("var(--second") == 2


def test_a_cell_of_the_heat_map_is_as_dark_as_its_value() -> None:
    drawing = figures.heat_map(["a", "b"], [[1.0, None], [-0.5, 1.0]], title="t")
    shades = re.findall(r'd="([^"]*)" fill="var\(--(\w+), [^"]*" fill-opacity="([^"]*)"', drawing)
    assert [(path.count("M"), *rest) for path, *rest in shades] == [(2, "accent", "0.65"), (1, "second", "0.35")]
    assert ">-50</text>" in drawing or ">−50</text>" in drawing


def test_a_heat_map_of_eighty_names_is_light_and_has_every_value() -> None:
    count = 80
    values = [[math.cos(row * column) for column in range(count)] for row in range(count)]
    drawing = figures.heat_map([f"proxy_{n}" for n in range(count)], values)
    assert drawing.count("h18v18h-18z") == count**2 and len(drawing) < 250_000
    assert drawing.count("<text") == 2 * count  # the labels: numbers would be smaller than print


def test_texts_at_the_right_end_inside_the_drawing() -> None:
    value, title = [Estimate(0.5, 0.25, 1.0)], "Kendall minus that of the best count"
    for drawing in (
        figures.intervals(["a label of some length"], value, title=title),
        figures.dots(["a label of some length"], [10.0], title=title),
        figures.scatter([0.0, 10_000.0, 29_000.0], [1.0, 2.0, 3.0]),
    ):
        root = ElementTree.fromstring(drawing)
        width = float(root.attrib["viewBox"].split()[2])
        for each in root.iter("text"):
            share = {"start": 1.0, "middle": 0.5, "end": 0.0}[each.attrib.get("text-anchor", "start")]
            end = float(each.attrib["x"]) + share * text_width(each.text or "", float(each.attrib["font-size"]))
            assert end < width + 0.01, each.text


@given(st.text(max_size=30))
@example("</text><script>alert(1)</script>\x00\ud800")
def test_labels_are_text(label: str) -> None:
    for drawing in (
        figures.intervals([label], [Estimate(1.0)], title=label, x_label=label),
        figures.scatter([1.0], [2.0], title=label, note=label, x_label=label, y_label=label),
        figures.heat_map([label], [[1.0]], title=label),
        figures.dots([label], [1.0], title=label, x_label=label),
    ):
        assert "<script" not in drawing and drawing.startswith("<svg") and drawing.endswith("</svg>")


def test_a_large_run_stays_small_enough_to_mail() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=5000), rng.normal(size=5000)
    drawing = figures.scatter(x.tolist(), y.tolist(), title="nwot")
    assert drawing.count("h0") == figures.MOST_DOTS
    assert 25 * len(drawing) < 1_000_000


def test_steps_hold_a_value_until_the_next_and_dots_have_no_line() -> None:
    points = {"a": [(0.0, Estimate(1.0)), (10.0, Estimate(3.0))]}
    line, steps, dots = (figures.lines(points, styles={"a": style}) for style in ("line", "steps", "dots"))
    assert len({line, steps, dots}) == 3
    path = next(each for each in re.findall(r'<path d="([^"]*)"', steps) if each.count("L") == 2)
    (_, y0), (x1, y1), (x2, _) = (tuple(map(float, each.split())) for each in re.findall(r"[ML] (\S+ \S+)", path))
    assert y0 == y1 and x1 == x2  # right, then up
    assert not any(each.count("L") in (1, 2) and "stroke-width: 1.3" in each for each in dots.split("<path"))


def test_scatter_axes_show_what_a_linear_one_would_hide() -> None:
    assert "x: log" in figures.scatter([1.0, 10.0, 1e9], [1.0, 2.0, 3.0])
    assert "x: rank" in figures.scatter([-1.0, 10.0, 1e9], [1.0, 2.0, 3.0], note="n")
    assert "x:" not in figures.scatter([1.0, 10.0, 100.0], [1.0, 2.0, 3.0])
    assert "<svg" in figures.scatter([], [], title="none")


@pytest.mark.parametrize("most", [3.0, 80.0, 2.7e3, 4e9])
def test_numbers_below_an_axis_of_dots_do_not_touch(most: float) -> None:
    drawn = figures.dots(["a label of some length", "b"], [0.11, most])
    bottom = max(float(y) for y in re.findall(r'<text [^>]*y="([\d.]+)"', drawn))
    ticks = [(float(x), text) for x, text in re.findall(rf'<text x="([\d.]+)" y="{bottom:g}"[^>]*>([^<]*)<', drawn)]
    assert len(ticks) > 1
    for (left, one), (right, other) in itertools.pairwise(ticks):
        assert left + text_width(one) / 2 < right - text_width(other) / 2


def test_figures_leave_matplotlib_as_they_found_it() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    figures.heat_map(["a", "b"], [[1.0, None], [-0.5, 1.0]])
    assert ">450</text>" in figures.dots(["a", "b"], [0.0, 450.0], x_label="ms")
    figures.intervals([], [])
    figures.lines({"a": [(0.0, Estimate(1.0)), (1.0, Estimate(2.0))]})  # of all drawings, matplotlib makes these alone
    assert dict(matplotlib.rcParams) == before
