"""Drawings of others: only drawing is left of them, and our own pass unharmed."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from reports_support import measured_run

from diswot_errors import DataError
from reports import figures
from reports.html import page
from reports.pages import Made
from reports.records import Page, Run, read_run, write_run
from reports.schema import Estimate, Figure, Section
from reports.svg import COLOURS, SvgError, tidy

HOSTILE_SVG = {
    "script": "<svg><script>alert(1)</script></svg>",
    "handler": '<svg onload="alert(1)"><path onclick="x" d="M0 0"/></svg>',
    "fixed": '<svg style="position:fixed;inset:0;z-index:9"><rect style="fill: #040404; position: absolute"/></svg>',
    "image-set": "<svg><rect style=\"background:image-set('http://evil/x' 1x);fill:red\"/></svg>",
    "address in fill": '<svg><rect fill="url(http://evil/x)" style="fill:url(//evil/x)"/></svg>',
    "local file": '<svg><rect style="stroke: url(page.svg#a)"/></svg>',
    "image": '<svg xmlns:x="http://www.w3.org/1999/xlink"><image x:href="http://evil/x"/><use x:href="http://e#a"/></svg>',
    "foreign": '<svg><foreignObject><iframe src="x"/></foreignObject></svg>',
    "link": '<svg><a href="javascript:alert(1)"><text>here</text></a></svg>',
    "animation": '<svg><rect><animate attributeName="href" to="javascript:alert(1)"/><set/></rect></svg>',
    "style element": "<svg><style>@import 'http://evil/x'; body{display:none}</style></svg>",
    "escapes": '<svg><rect style="fi\\6cl: \\75rl(http://evil/x); color: expression(alert(1))"/></svg>',
    "class and data": '<svg class="badge good" data-x="1" tabindex="0" autofocus=""><text class="x">t</text></svg>',
    "custom property": '<svg style="--accent: url(http://evil/x)"><rect fill="var(--accent, url(http://evil/x))"/></svg>',
    "filter": '<svg><rect filter="url(#f)" mask="url(http://evil/#m)" style="filter:url(http://evil/f)"/></svg>',
    "entity": '<!DOCTYPE svg [<!ENTITY a "javascript:alert(1)">]><svg><use href="&a;"/></svg>',
    "digits": f'<svg><path d="M{"1" * 200_000}x"/><rect x="{"1" * 200_000}!" transform="scale({"1" * 90_000}"/></svg>',
}
OWN = re.compile(rf"var\(--(?:{'|'.join(COLOURS)}), #[0-9a-f]{{6}}\)")


@pytest.mark.parametrize("drawing", HOSTILE_SVG.values(), ids=HOSTILE_SVG)
def test_only_drawing_is_left_of_a_figure(drawing: str) -> None:
    made = tidy(drawing)
    assert len(made) < 200 or "1111" in made
    assert not re.search(
        r"evil|alert|script|import|url\(|position|background|class|data-|tabindex|animate|expression|//|@", made
    )
    root = ElementTree.fromstring(made)
    assert not any(name.startswith("on") for each in root.iter() for name in each.attrib)
    assert tidy(str(made)) == made and tidy(made) is made


def test_copies_of_copies_are_not_drawn() -> None:
    levels = "".join(f'<g id="a{i}"><use href="#a{i - 1}"/><use href="#a{i - 1}"/></g>' for i in range(1, 40))
    made = tidy(f'<svg><defs><g id="a0"><path d="M0 0"/></g>{levels}</defs><use href="#a39"/></svg>')
    assert made.count('href="#a0"') == 2 and made.count("href") == 2


def test_entities_that_multiply_are_refused() -> None:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    with pytest.raises(SvgError):
        tidy(f'<!DOCTYPE svg [<!ENTITY e0 "ha">{entities}]><svg><text>&e11;</text></svg>')


def test_our_own_drawings_pass_unharmed() -> None:
    points = {"a": [(0.0, Estimate(1.0, 0.5, 2.0)), (1.0, Estimate(2.0))], "b": [(0.0, Estimate(1.0))]}
    for made in (
        figures.lines(points, title="t", x_label="x", styles={"b": "dots"}),
        figures.scatter([1.0, 2.0], [1.0, 2.0], title="t", highlight=True),
        figures.heat_map(["a", "b"], [[1.0, None], [-0.5, 1.0]], title="t"),
        figures.dots(["a"], [450.0], x_label="ms"),
        figures.intervals(["a"], [Estimate(0.5, 0.4, 0.6)], title="t"),
    ):
        assert tidy(str(made)) == made and OWN.search(made) and "<text" in made


def test_figures_are_checked_when_they_are_written(tmp_path: Path) -> None:
    section = Section("own", "t", figures=(Figure("f", "<svg><script>alert(1)</script></svg>"),))
    write_run(tmp_path, Run(measured_run(cells=8).manifest, page=Page("t", sections=(section,))))
    assert "script" not in (tmp_path / "own.f.svg").read_text()
    none = replace(section, figures=(Figure("f", "x"),))
    with pytest.raises(DataError, match="not an SVG"):
        write_run(tmp_path, Run(read_run(tmp_path).manifest, page=Page("t", sections=(none,))))


def test_a_hostile_figure_is_reduced_to_drawing(tmp_path: Path) -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" onload="alert(1)" '
        'viewBox="0 0 9 9"><script>alert(1)</script><style>*{color:red}</style><a href="javascript:alert(1)"/>'
        '<path id="unused" d="M 0.123456 1 L 2 2" style="fill: url(http://example.org/x)" onclick="alert(1)"/>'
        '<use xlink:href="http://example.org/#a"/><use xlink:href="#known"/><g id="known"/><foreignObject/></svg>'
    )
    made = Made("T", (), None, "", "", (Section("a", "A", figures=(Figure("f", svg),)),))
    out = page(made, tmp_path / "page.html")
    drawn = out.read_text().split("<figure")[1].split("</figure>")[0]
    shapes = '<path d="M 0.12 1 L 2 2" /><use /><use href="#known" /><g id="known" />'
    assert drawn.split("\n")[1] == f'<svg viewBox="0 0 9 9" role="img">{shapes}</svg>'
