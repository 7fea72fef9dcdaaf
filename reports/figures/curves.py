"""Lines through points, with bands: training curves, grids, sample sizes. matplotlib draws them."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from reports.figures.drawing import short
from reports.schema import Estimate
from reports.svg import colour, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Style = Literal["line", "steps", "dots"]
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
                axes.plot(places, values, ".", color=shade, markersize=2.5, alpha=0.6, label=short(name))
            else:
                drawn = "steps-post" if style == "steps" else "default"
                axes.plot(
                    places, values, color=shade, linewidth=1.3, linestyle=dashes, drawstyle=drawn, label=short(name)
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
