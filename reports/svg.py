"""SVG that can stand inside a page: only drawing, attributes of known forms, colours that follow light and dark."""

import re
from collections.abc import Iterator
from typing import Any, cast
from xml.etree import ElementTree

from diswot_errors import DataError

DEEPEST = 20  # elements in one another
LONGEST = 5_000_000  # characters
_N = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_ID = r"[A-Za-z_][\w.-]{0,79}"
_NUMBER = rf"{_N}(?:px|pt|%)?"
_LOCAL = rf"url\(#{_ID}\)"
_COLOUR = r"none|currentColor|black|white|#[0-9a-fA-F]{3,8}|var\(--[a-z]+, #[0-9a-f]{6}\)"
_FORMS = {
    "id": _ID,
    "d": r"[MmLlHhVvCcSsQqTtAaZze\d\s,.+-]*",
    "viewBox": r"[e\d\s,.+-]+",
    "transform": r"(?:(?:translate|scale|rotate|matrix)\([e\d\s,.+-]+\)[\s,]*)*",
    "clip-path": _LOCAL,
    "clip-rule": "nonzero|evenodd",
    "fill-rule": "nonzero|evenodd",
    "href": f"#{_ID}",
    "role": "img",
    "aria-label": r"[\s\S]*",
    "fill": f"{_COLOUR}|{_LOCAL}",
    "stroke": _COLOUR,
    "text-anchor": "start|middle|end",
    "dominant-baseline": "central|middle|auto",
    "font": r"[\w\s.,'\"-]*",
    "font-family": r"[\w\s.,'\"-]*",
    "font-weight": r"normal|bold|\d{3}",
    "font-style": "normal|italic",
    "stroke-linecap": "butt|round|square",
    "stroke-linejoin": "miter|round|bevel",
    "stroke-dasharray": r"none|[\d\s,.]+",
    **dict.fromkeys(("x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "dx", "dy", "width", "height"), _NUMBER),
    **dict.fromkeys(("opacity", "fill-opacity", "stroke-opacity"), _NUMBER),
    **dict.fromkeys(("stroke-width", "stroke-miterlimit", "stroke-dashoffset", "font-size"), _NUMBER),
}
ATTRIBUTES = {name: re.compile(form) for name, form in _FORMS.items()}
ELEMENTS = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan", "defs", "clipPath", "use"})
STYLES = frozenset(
    {"fill", "stroke", "opacity", "font", "text-anchor", "dominant-baseline", "clip-path", "clip-rule", "fill-rule"}
    | {name for name in ATTRIBUTES if name.startswith(("stroke-", "fill-", "font-"))}
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
_PATH_NUMBER = re.compile(r"(?<![\d.])-?\d{1,12}\.\d{1,30}(?:e-?\d{1,3})?(?![\d.e])")
_DOT = re.compile(r"M ?([-\d.]+ [-\d.]+) ?L ?\1(?= ?(?:M|$))")  # a line of no length: a round dot


class SvgError(DataError):
    """What should be a figure is none."""


def colour(name: str) -> str:
    """The colour to draw in so that the page decides what it looks like."""
    return COLOURS[name][0]


class Drawn(str):
    """A figure that is drawing and nothing else."""

    __slots__ = ()


def tidy(text: str, label: str = "") -> Drawn:
    """Keep only drawing: known elements, attributes and style properties of known forms, short numbers.

    All else goes: namespaces, metadata, style elements, scripts, addresses, ids that nothing refers to. Raises SvgError
    for what is no SVG at all. What is tidy stays as it is.
    """
    if isinstance(text, Drawn) and not label:
        return text
    root = _parsed(text)
    _clean(root)
    used = set(re.findall(r"#([\w.-]+)", " ".join(value for each in root.iter() for value in each.attrib.values())))
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
    root.attrib.pop("height", None)
    root.attrib.pop("width", None)
    root.set("role", "img")
    if label:
        root.set("aria-label", label)
    return Drawn(_coloured(ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)))


def _parsed(text: str) -> ElementTree.Element:
    if len(text) > LONGEST:
        raise SvgError(f"not an SVG figure: {len(text):,} characters, expected at most {LONGEST:,}")
    parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(("start", "end"))
    root: ElementTree.Element | None = None
    depth = 0
    try:
        for start in range(0, len(text), 65_536):
            parser.feed(text[start : start + 65_536])
            for event, element in cast("Iterator[tuple[str, ElementTree.Element]]", parser.read_events()):
                root = element if root is None else root
                depth += 1 if event == "start" else -1
                if depth > DEEPEST:
                    raise SvgError(f"not an SVG figure: over {DEEPEST} elements in one another")
        parser.close()
    except (ElementTree.ParseError, ValueError) as error:
        raise SvgError(f"not an SVG figure: {error}") from error
    if root is None or _local(root.tag) != "svg":
        raise SvgError(f"not an SVG figure: its root is <{_local(root.tag) if root is not None else ''}>")
    return root


def _clean(root: ElementTree.Element) -> None:
    for element in list(root.iter()):
        for child in list(element):
            if not isinstance(child.tag, str) or _local(child.tag) not in ELEMENTS:
                element.remove(child)
        if isinstance(element.tag, str):
            element.tag = _local(element.tag)
        kept = {_local(name): value.strip() for name, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update(_allowed(kept))
        element.tail = None
        if element.text is not None and not (element.tag in ("text", "tspan") and element.text.strip()):
            element.text = None
    multiplied = {each.get("id") for each in root.iter() if any(inner.tag == "use" for inner in each.iter())}
    for element in root.iter():
        if element.tag == "use" and element.get("href", "#")[1:] in multiplied:
            element.attrib.pop("href", None)  # a copy of copies: the drawing would grow without end


def _allowed(attributes: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in attributes.items():
        if name == "style":
            pairs = (part.partition(":") for part in value.split(";"))
            kept = [(key.strip(), own.strip()) for key, _, own in pairs]
            style = "; ".join(f"{key}: {own}" for key, own in kept if key in STYLES and _fits(key, own))
            if style:
                yield name, style
        elif name in ATTRIBUTES and _fits(name, value):
            yield name, _short(value) if name in ("d", "x", "y") else value


def _fits(name: str, value: str) -> bool:
    if len(value) > 300 and name not in ("d", "aria-label"):
        return False
    return ATTRIBUTES[name].fullmatch(value) is not None


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
