"""Figures with a row for each label from top to bottom: intervals on a linear axis, dots on a logarithmic one."""

import math
from collections.abc import Sequence

from reports.figures.axes import Axis, covering, log_ticks
from reports.figures.drawing import FONT, Sheet, short, text_width
from reports.schema import Estimate
from reports.svg import colour
from reports.tables import format_number

ROW = 13.7  # points
EDGE = 9.0
GAP = 3.0  # between two numbers below an axis
TITLE = 10.0  # the size of its letters
WRITTEN = 34.0
DOTS = 190.0  # the width of a figure of dots, beside its labels


def intervals(
    labels: Sequence[str],
    estimates: Sequence[Estimate],
    *,
    title: str = "",
    x_label: str = "",
    highlight: Sequence[str] = (),
    reference: float | None = 0.0,
    width: float = 240.0,
    written: bool = False,
) -> str:
    """A row per label from top to bottom: the value as a dot, its interval as a line.

    `highlight`: labels drawn in the second colour (the baselines). `reference`: a vertical line. `width`: in points.
    `written`: each value stands behind its row.
    """
    ends = [end for each in estimates if each.value is not None for end in (each.value, each.low, each.high)]
    known = [end for end in ends if end is not None] + ([] if reference is None else [reference])
    left, top = _left(labels, width), _top(title)
    sheet = _sheet(width, labels, top, x_label)
    axis = covering(known, left, sheet.width - EDGE - (WRITTEN if written else 0))
    _frame(sheet, labels, top, left, [(axis.at(value), text) for value, text in axis.ticks()], title, x_label)
    if reference is not None:
        place = axis.at(reference)
        sheet.line(place, top, place, _bottom(labels, top), colour("muted"), 0.8)
    for place, (label, estimate) in enumerate(zip(labels, estimates, strict=True)):
        if estimate.value is None:
            continue
        y, shade = top + (place + 0.5) * ROW, colour("second" if label in highlight else "accent")
        if estimate.low is not None and estimate.high is not None:
            sheet.line(axis.at(estimate.low), y, axis.at(estimate.high), y, shade, 1.4, "round")
        sheet.dots([(axis.at(estimate.value), y)], shade, 4.4)
        if written:
            sheet.text(sheet.width - 2, y + 3, format_number(estimate.value), colour("ink"), anchor="end")
    return sheet.svg(title or x_label)


def dots(labels: Sequence[str], values: Sequence[float], *, title: str = "", x_label: str = "", digits: int = 2) -> str:
    """A positive value per label from top to bottom on a logarithmic axis, written with `digits` significant digits.

    Values that are not positive have no place on the axis; their number is written at its left end.
    """
    positive = [value for value in values if value > 0] or [1.0]
    low, high = min(positive) / 1.5, min(max(positive), 1e300) * 1.5
    labels = [short(label) for label in labels]
    left, top = _left(labels, 240.0), _top(title)
    sheet = _sheet(left + DOTS, labels, top, x_label)
    low = low or min(positive)
    axis = Axis(math.log10(low), math.log10(high), left, sheet.width - EDGE - WRITTEN)
    _frame(sheet, labels, top, left, [(axis.at(e), text) for e, text in log_ticks(low, high)], title, x_label)
    for place, value in enumerate(values):
        y = top + (place + 0.5) * ROW
        x = axis.at(math.log10(value)) if value > 0 else left
        if value > 0:
            sheet.dots([(x, y)], colour("accent"), 4.4)
        sheet.text(x + 5, y + 3, f"{float(f'{value:.{digits}g}'):g}", colour("ink"), 8)
    return sheet.svg(title or x_label)


def _left(labels: Sequence[str], width: float) -> float:
    return 6 + max((text_width(short(label, width)) for label in labels), default=0.0)


def _top(title: str) -> float:
    return 20.0 if title else 5.0


def _bottom(labels: Sequence[str], top: float) -> float:
    return top + ROW * max(1, len(labels))


def _sheet(width: float, labels: Sequence[str], top: float, x_label: str) -> Sheet:
    return Sheet(width, _bottom(labels, top) + (32 if x_label else 18))


def _frame(
    sheet: Sheet,
    labels: Sequence[str],
    top: float,
    left: float,
    ticks: Sequence[tuple[float, str]],
    title: str,
    x_label: str,
) -> None:
    """Title, labels, a grid line for each tick and its number where there is room, the line below all rows."""
    bottom, written = _bottom(labels, top), -math.inf
    for place, text in ticks:
        sheet.line(place, top, place, bottom, colour("rule"), 0.6)
        if place - text_width(text) / 2 > written:
            sheet.text(place, bottom + 11, text, colour("ink"), FONT, "middle")
            written = place + text_width(text) / 2 + GAP
    sheet.line(left, bottom, sheet.width - EDGE, bottom, colour("muted"), 0.6)
    for place, label in enumerate(labels):
        sheet.text(left - 6, top + (place + 0.5) * ROW + 3, short(label, sheet.width), colour("ink"), FONT, "end")
    if title:
        sheet.text(sheet.within(left, title, TITLE), 12, title, colour("ink"), TITLE)
    if x_label:
        sheet.text((left + sheet.width - EDGE) / 2, bottom + 26, x_label, colour("ink"), FONT, "middle")
