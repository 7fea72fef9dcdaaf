"""SVG that can stand inside a page: no script, no address, no style that leaks, colours that follow light and dark."""

import re
from xml.etree import ElementTree

from diswot_errors import DataError

ELEMENTS = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan", "defs", "clipPath", "use"})
ATTRIBUTES = frozenset(
    {"id", "d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "width", "height", "viewBox", "transform"}
    | {"style", "clip-path", "clip-rule", "fill-rule", "role", "aria-label", "dx", "dy", "href"}
)
# Figures are drawn in these colours; each becomes a variable of the page's style sheet, with the value for files.
COLOURS = {
    "ink": ("#010101", "#1d1f21"),
    "muted": ("#020202", "#6b7075"),
    "rule": ("#030303", "#d9dbdd"),
    "accent": ("#040404", "#1f6feb"),
    "second": ("#050505", "#c2571a"),
    "third": ("#060606", "#2e7d4f"),
    "fourth": ("#070707", "#8250a8"),
}
_PATH_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_DOT = re.compile(r"M ?([-\d.]+ [-\d.]+) ?L ?\1(?= ?(?:M|$))")  # a line of no length: a round dot


def colour(name: str) -> str:
    """The colour to draw in so that the page decides what it looks like."""
    return COLOURS[name][0]


def tidy(text: str, label: str = "") -> str:
    """Keep only drawing: known elements and attributes, references inside the figure, short numbers.

    Namespaces, metadata (dates, addresses), style elements and unreferenced ids go; so does anything that could act.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DataError(f"not an SVG figure: {error}") from error
    if _local(root.tag) != "svg":
        raise DataError(f"not an SVG figure: its root is <{_local(root.tag)}>")
    _clean(root)
    used = set(re.findall(r"#([\w-]+)", " ".join(value for each in root.iter() for value in each.attrib.values())))
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
    root.attrib.pop("height", None)
    root.attrib.pop("width", None)
    root.set("role", "img")
    if label:
        root.set("aria-label", label)
    return _coloured(ElementTree.tostring(root, encoding="unicode", short_empty_elements=True))


def _clean(element: ElementTree.Element) -> None:
    for child in list(element):
        if not isinstance(child.tag, str) or _local(child.tag) not in ELEMENTS:
            element.remove(child)
        else:
            _clean(child)
    element.tag = _local(element.tag)
    kept = {_local(name): value.strip() for name, value in element.attrib.items() if _local(name) in ATTRIBUTES}
    element.attrib.clear()
    for name, value in kept.items():
        if name == "href" and not value.startswith("#"):
            continue
        if name in ("style", "clip-path") and re.search(r"url\((?!#)|@|\\|expression", value):
            continue
        element.set(name, _short(value) if name in ("d", "x", "y") else value)
    element.tail = None
    if element.text is not None and not element.text.strip():
        element.text = None


def _short(value: str) -> str:
    """Numbers to two decimals (of a point), white space to one blank, dots as a move and a line of no length."""
    rounded = _PATH_NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
    return _DOT.sub(r"M\1h0", re.sub(r"\s+", " ", rounded))


def _coloured(text: str) -> str:
    for name, (drawn, shown) in COLOURS.items():
        text = text.replace(drawn, f"var(--{name}, {shown})")
    return text


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
