"""Small figures as SVG text: intervals, scatter, heat map, bars, lines. Deterministic, no global plotting state.

Panels are narrow (about 300 points), so that a page can set them side by side and a phone below one another.
matplotlib is imported when the first figure is drawn.
"""

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from reports.schema import Estimate
from reports.svg import colour, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Style = Literal["line", "steps", "dots"]
MOST_DOTS = 1000  # of a scatter; more would only make the page heavy
CYCLE = ("accent", "second", "third", "fourth", "ink", "muted")
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "diswot-bench",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.edgecolor": colour("muted"),
    "axes.labelcolor": colour("ink"),
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": colour("ink"),
    "text.parse_math": False,
    "xtick.color": colour("muted"),
    "ytick.color": colour("muted"),
    "xtick.labelcolor": colour("ink"),
    "ytick.labelcolor": colour("ink"),
    "grid.color": colour("rule"),
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}


def intervals(
    labels: Sequence[str],
    estimates: Sequence[Estimate],
    *,
    title: str = "",
    x_label: str = "",
    highlight: Sequence[str] = (),
    reference: float | None = 0.0,
) -> str:
    """A row per label from top to bottom: the value as a dot, its 95 % interval as a line.

    `highlight`: labels drawn in the second colour (the baselines). `reference`: a vertical line.
    """
    with _style():
        figure, axes = _figure(3.3, 0.65 + 0.19 * max(1, len(labels)))
        for place, (label, estimate) in enumerate(zip(labels, estimates, strict=True)):
            if estimate.value is None:
                continue
            shade = colour("second" if label in highlight else "accent")
            if estimate.low is not None and estimate.high is not None:
                axes.plot(
                    [estimate.low, estimate.high], [place, place], color=shade, linewidth=1.4, solid_capstyle="round"
                )
            axes.plot([estimate.value], [place], "o", color=shade, markersize=4)
        if reference is not None:
            axes.axvline(reference, color=colour("muted"), linewidth=0.8, zorder=0)
        axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.grid(axis="x")
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel(x_label)
        return _svg(figure, title or x_label)


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
    by rank where it is not all positive; the title says which.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    step = max(1, math.ceil(len(x) / MOST_DOTS))
    values, scale = _axis_values(list(x))
    with _style():
        figure, axes = _figure(2.1, 1.9)
        dots = [point for pair in zip(values[::step], list(y)[::step], strict=True) for point in (pair, pair)]
        if dots:
            path = Path(dots, [Path.MOVETO, Path.LINETO] * (len(dots) // 2))
            path.should_simplify = False
            shade = colour("second" if highlight else "accent")
            drawn = PathPatch(path, fill=False, edgecolor=shade, linewidth=2.6, alpha=0.55, capstyle="round")
            axes.add_patch(drawn)
            axes.update_datalim(dots)
            axes.autoscale_view()
        if invert:
            axes.invert_xaxis()
        axes.locator_params(nbins=4)
        if scale != "linear":
            axes.set_xticks([])
        axes.tick_params(length=2, labelsize=8)
        axes.set_title(_short(title), fontsize=9.5, loc="left", pad=14)
        extra = " · ".join(part for part in (note, "" if scale == "linear" else f"x: {scale}") if part)
        axes.text(0, 1.03, extra, transform=axes.transAxes, fontsize=8, color=colour("muted"))
        axes.set_xlabel(x_label, fontsize=8)
        axes.set_ylabel(y_label, fontsize=8)
        return _svg(figure, f"{title}: {note}")


def heat_map(names: Sequence[str], matrix: Sequence[Sequence[float | None]], *, title: str = "") -> str:
    """A square matrix of values in [-1, 1], written in hundredths; blue positive, orange negative, empty where None."""
    from matplotlib.patches import Rectangle

    size = 1.3 + 0.25 * len(names)
    with _style():
        figure, axes = _figure(size, size)
        for row, values in enumerate(matrix):
            for column, value in enumerate(values):
                if value is None:
                    continue
                shade = colour("accent" if value >= 0 else "second")
                box = Rectangle(
                    (column - 0.5, row - 0.5), 1, 1, facecolor=shade, alpha=round(0.05 + 0.6 * abs(value), 2)
                )
                axes.add_patch(box)
                axes.text(column, row, f"{round(100 * value)}", ha="center", va="center", fontsize=7)
        labels = [_short(name) for name in names]
        axes.set_xticks(range(len(names)), labels, rotation=90)
        axes.set_yticks(range(len(names)), labels)
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_aspect("equal")
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return _svg(figure, title)


def dots(labels: Sequence[str], values: Sequence[float], *, title: str = "", x_label: str = "", digits: int = 2) -> str:
    """A positive value per label from top to bottom on a logarithmic axis, written with `digits` significant digits.

    Values that are not positive have no place on the axis; their number is written at its left end.
    """
    positive = [value for value in values if value > 0]
    with _style():
        figure, axes = _figure(3.6, 0.65 + 0.19 * max(1, len(labels)))
        axes.set_xscale("log")
        axes.set_xlim(min(positive, default=0.5) / 1.5, max(positive, default=1.0) * 4)
        for place, value in enumerate(values):
            if value > 0:
                axes.plot([value], [place], "o", color=colour("accent"), markersize=4)
            left = value if value > 0 else axes.get_xlim()[0]
            text = f"{float(f'{value:.{digits}g}'):g}"
            axes.annotate(text, (left, place), (5, 0), textcoords="offset points", va="center", fontsize=8)
        axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.grid(axis="x")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
        axes.tick_params(length=0)
        axes.tick_params(which="minor", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel(x_label)
        return _svg(figure, title or x_label)


def lines(
    series: Mapping[str, Sequence[tuple[float, Estimate]]],
    *,
    title: str = "",
    x_label: str = "",
    y_label: str = "",
    styles: Mapping[str, Style] | None = None,
) -> str:
    """One line per name through (x, estimate) points, the interval as a band; training curves, grids, sample sizes.

    styles: by name, where it is no line through the points: `steps` holds each value until the next, `dots` are free.
    """
    with _style():
        figure, axes = _figure(3.6, 2.7)
        for place, (name, points) in enumerate(series.items()):
            shade = colour(CYCLE[place % len(CYCLE)])
            dashes = "solid" if place < len(CYCLE) else "dashed"
            known = [(x, estimate) for x, estimate in points if estimate.value is not None]
            places, values = [x for x, _ in known], [estimate.value or 0.0 for _, estimate in known]
            style = (styles or {}).get(name, "line")
            if style == "dots":
                axes.plot(places, values, ".", color=shade, markersize=2.5, alpha=0.6, label=_short(name))
            else:
                drawn = "steps-post" if style == "steps" else "default"
                axes.plot(
                    places, values, color=shade, linewidth=1.3, linestyle=dashes, drawstyle=drawn, label=_short(name)
                )
            band = [(x, e.low, e.high) for x, e in known if e.low is not None and e.high is not None]
            if band:
                x, low, high = (list(column) for column in zip(*band, strict=True))
                axes.fill_between(x, low, high, color=shade, alpha=0.15, linewidth=0)
        axes.grid(axis="y")
        axes.tick_params(length=2)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        if len(series) > 1:
            axes.legend(fontsize=8, loc="best")
        return _svg(figure, title or y_label)


def _axis_values(values: list[float]) -> tuple[list[float], str]:
    """Values to plot and the name of the scale: 'linear', 'log' or 'rank'."""
    middle = sorted(abs(value) for value in values)[len(values) // 2] if values else 0.0
    largest = max(map(abs, values), default=0.0)
    if largest <= 1000 * middle:
        return values, "linear"
    if min(values) > 0:
        return [math.log10(value) for value in values], "log"
    order = sorted(set(values))
    places = {value: float(place) for place, value in enumerate(order)}
    return [places[value] for value in values], "rank"


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _style() -> Any:
    import matplotlib

    return matplotlib.rc_context(_STYLE)


def _figure(width: float, height: float) -> "tuple[Figure, Axes]":
    """A figure without pyplot: nothing is registered anywhere, so nothing has to be closed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: "Figure", label: str) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return tidy(buffer.getvalue(), label)
