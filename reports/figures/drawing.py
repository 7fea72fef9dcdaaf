"""A sheet to draw on, in points from its upper left corner; every text is escaped."""

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from reports.svg import tidy
from reports.texts import cleaned

FONT = 9.0
_WIDTHS = dict.fromkeys("ijlI.,:;'|!()[] tf·", 0.38) | dict.fromkeys("mwMW%", 0.98)


class Sheet:
    """Collects elements; `svg` makes the drawing of them, the first at the bottom."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str, width: float, cap: str = "butt") -> None:
        """A straight line."""
        self._path(f"M{x1:.2f} {y1:.2f}L{x2:.2f} {y2:.2f}", stroke, width, cap)

    def dots(self, points: Iterable[tuple[float, float]], stroke: str, size: float, opacity: float = 1.0) -> None:
        """Round dots, all as one path: lines of no length."""
        if path := "".join(f"M{x:.2f} {y:.2f}h0" for x, y in points):
            self._path(path, stroke, size, "round", opacity)

    def _path(self, d: str, stroke: str, width: float, cap: str, opacity: float = 1.0) -> None:
        shade = "" if opacity == 1 else f' stroke-opacity="{opacity:.2f}"'
        self.parts.append(
            f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width}" stroke-linecap="{cap}"{shade}/>'
        )

    def squares(self, corners: Iterable[tuple[float, float]], size: float, fill: str, opacity: float) -> None:
        """Filled squares by their upper left corners, all as one path."""
        if path := "".join(f"M{x:.2f} {y:.2f}h{size:g}v{size:g}h-{size:g}z" for x, y in corners):
            self.parts.append(f'<path d="{path}" fill="{fill}" fill-opacity="{opacity:.2f}"/>')

    def text(
        self, x: float, y: float, said: str, fill: str, size: float = FONT, anchor: str = "start", turned: bool = False
    ) -> None:
        """A text whose base line begins, is centred or ends at a point; `turned`: read from below."""
        place = f'transform="translate({x:.2f} {y:.2f}) rotate(-90)"' if turned else f'x="{x:.2f}" y="{y:.2f}"'
        look = f'font-size="{size}" text-anchor="{anchor}" fill="{fill}"'
        self.parts.append(f"<text {place} {look}>{escape(cleaned(said))}</text>")

    def within(self, x: float, said: str, size: float, share: float = 1.0) -> float:
        """`x`, or so far left of it that a text which goes right of it with this share of its width is not cut."""
        return max(0.0, min(x, self.width - share * text_width(said, size)))

    def svg(self, label: str) -> str:
        """The whole drawing, described by `label`."""
        root = f'<svg viewBox="0 0 {self.width:.2f} {self.height:.2f}" aria-label={quoteattr(cleaned(label.strip()))}>'
        return tidy(f"{root}{''.join(self.parts)}</svg>")


def text_width(text: str, size: float = FONT) -> float:
    """About how wide a text is, in points."""
    return size * sum(_WIDTHS.get(mark, 0.72 if mark.isupper() else 0.63) for mark in text)


def short(name: str, width: float = 240.0) -> str:
    """A label that fits beside a figure of this width in points."""
    most = int(width / 10)
    return name if len(name) <= most else f"{name[: most - 1]}…"
