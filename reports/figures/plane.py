"""Figures with two directions: a scatter of dots, a heat map of a square matrix."""

import math
from collections.abc import Sequence

from reports.figures.axes import Axis, covering
from reports.figures.drawing import Sheet, short, text_width
from reports.svg import colour

MOST_DOTS = 500  # of a scatter; more would only make the page heavy
CELL = 18.0  # points
READABLE = 40  # names, above which the numbers in a heat map are smaller than print


def scatter(
    x: Sequence[float],
    y: Sequence[float],
    *,
    title: str = "",
    note: str = "",
    x_label: str = "",
    y_label: str = "",
    invert: bool = False,
    highlight: bool = False,
) -> str:
    """Dots, at most MOST_DOTS of them (evenly spaced in the order given); `invert`: larger x to the left.

    x is shown on a linear axis unless its largest value is over 1,000 times the median: then on a logarithmic one, or
    by rank where it is not all positive; the title says which. An axis leaves out a few dots that lie far from all
    others; they are drawn at its edge, and the title counts them.
    """
    step = max(1, math.ceil(len(x) / MOST_DOTS))
    values, scale = _axis_values(list(x))
    sheet = Sheet(151.0, 137.0 + 12 * bool(x_label))
    left, right, top, bottom = 30.0 + 11 * bool(y_label), 146.0, 30.0, 120.0
    ends = (right, left) if invert else (left, right)
    across, up = covering(values, *ends, bulk=scale != "rank"), covering(y, bottom, top, bulk=True)
    shade = colour("second" if highlight else "accent")
    places = [(across.at(a), up.at(b)) for a, b in zip(values, y, strict=True)]
    shown, edge = range(0, len(x), step), set(at_the_edge(x, y))
    inside, outside = ([place for place in shown if (place in edge) == there] for there in (False, True))
    sheet.dots((places[place] for place in inside), shade, 2.6, 0.55)
    sheet.dots((places[place] for place in outside), colour("muted"), 3.4)
    _axes(sheet, across, up, scale == "linear", (left, right, top, bottom))
    sheet.text(left, 11, short(title), colour("ink"), 9.5)
    marks = ("" if scale == "linear" else f"x: {scale}", f"{len(outside)} at the edge" if outside else "")
    sheet.text(left, 23, " · ".join(part for part in (note, *marks) if part), colour("muted"), 8)
    if x_label:
        sheet.text((left + right) / 2, bottom + 24, x_label, colour("ink"), 8, "middle")
    if y_label:
        sheet.text(9, (top + bottom) / 2, y_label, colour("ink"), 8, "middle", turned=True)
    return sheet.svg(f"{title}: {note}" if note else title)


def at_the_edge(x: Sequence[float], y: Sequence[float]) -> list[int]:
    """Which dots a scatter draws at its edge; it draws them after all others."""
    values, scale = _axis_values(list(x))
    across, up = covering(values, 0.0, 1.0, bulk=scale != "rank"), covering(y, 0.0, 1.0, bulk=True)
    return [place for place, (a, b) in enumerate(zip(values, y, strict=True)) if across.beyond([a]) or up.beyond([b])]


def _axes(sheet: Sheet, across: Axis, up: Axis, numbered: bool, frame: tuple[float, float, float, float]) -> None:
    left, right, top, bottom = frame
    sheet.line(left, bottom, right, bottom, colour("muted"), 0.6)
    sheet.line(left, top, left, bottom, colour("muted"), 0.6)
    for value, text in up.ticks(4):
        sheet.line(left - 2, up.at(value), left, up.at(value), colour("muted"), 0.8)
        sheet.text(left - 4, up.at(value) + 3, text, colour("ink"), 8, "end")
    written = [(value, text) for value, text in across.ticks(4) if numbered]
    every = 1 if sum(text_width(text, 8) + 4 for _, text in written) < right - left else 2
    for value, text in written[::every]:
        sheet.line(across.at(value), bottom, across.at(value), bottom + 2, colour("muted"), 0.8)
        middle = sheet.within(across.at(value), text, 8, share=0.5)
        sheet.text(middle, bottom + 11, text, colour("ink"), 8, "middle")


def heat_map(names: Sequence[str], matrix: Sequence[Sequence[float | None]], *, title: str = "") -> str:
    """A square matrix of values in [-1, 1]; blue positive, orange negative, the darker the larger, empty where None.

    Up to READABLE names the values are written in hundredths; cells of one shade are one path.
    """
    labels = [short(name) for name in names]
    edge = 8 + max(map(text_width, labels), default=0.0)
    size = edge + CELL * len(names) + 2
    sheet = Sheet(size, size)
    shades: dict[int, list[tuple[float, float]]] = {}
    for row, values in enumerate(matrix):
        for column, value in enumerate(values):
            if value is not None:
                shades.setdefault(round(100 * value), []).append((edge + CELL * column, edge + CELL * row))
    for hundredths, corners in shades.items():
        sheet.squares(corners, CELL, colour("accent" if hundredths >= 0 else "second"), 0.05 + abs(hundredths) * 0.006)
        if len(names) <= READABLE:
            for x, y in corners:
                sheet.text(x + CELL / 2, y + CELL / 2 + 2.5, f"{hundredths}", colour("ink"), 7, "middle")
    for place, label in enumerate(labels):
        middle = edge + CELL * (place + 0.5) + 3
        sheet.text(edge - 4, middle, label, colour("ink"), anchor="end")
        sheet.text(middle, edge - 4, label, colour("ink"), turned=True)
    return sheet.svg(title)


def _axis_values(values: list[float]) -> tuple[list[float], str]:
    """Values to plot and the name of the scale: 'linear', 'log' or 'rank'."""
    middle = sorted(abs(value) for value in values)[len(values) // 2] if values else 0.0
    largest = max(map(abs, values), default=0.0)
    if largest / 1000 <= middle:
        return values, "linear"
    if min(values) > 0:
        return [math.log10(value) for value in values], "log"
    order = sorted(set(values))
    places = {value: float(place) for place, value in enumerate(order)}
    return [places[value] for value in values], "rank"
