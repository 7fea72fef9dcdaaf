"""Self-contained pages: one HTML file with its style, figures and one script inside, no address outside."""

import base64
import hashlib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.cells import cell_of, drawing, short_name
from reports.csv_files import write_text
from reports.interactive import as_script, data_of
from reports.pages import Made, page_of
from reports.records import read_run
from reports.schema import Cell, Column, Estimate
from reports.svg import tidy
from reports.tables import ASIDE, format_cell, format_interval, format_number, format_spread, proxy_of

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"


def render(run_folder: Path) -> Path:
    """Make `report.html` of a run from its records alone, and return its path."""
    run = read_run(run_folder)
    labels = {row.arch: row.name for row in run.names}
    return page(page_of(run), run_folder / "report.html", labels=labels, data=data_of(run))


def page(
    made: Made,
    out_path: Path,
    *,
    labels: Mapping[str, str] | None = None,
    data: Mapping[str, Any] | None = None,
    links: Mapping[str, str] | None = None,
    sources: Mapping[str, str] | None = None,
    aside: Collection[str] = ASIDE,
) -> Path:
    """Write a page. All text is escaped; figures are reduced to drawing; cells get short names (and their `labels`).

    links: where a text cell leads; sources: where the numbers of a column come from. Relative addresses.
    aside: columns of the table of proxies that the script hides until they are asked for.
    data: what its script knows, see `reports.interactive`; the script runs by its hash, and no other.
    """
    from markupsafe import Markup

    def drawn(svg: str) -> Markup:
        return Markup(tidy(svg))

    def cell_name(text: Cell) -> tuple[str, Markup] | None:
        """Short name and drawing of a text that is an architecture."""
        cell = cell_of(text) if isinstance(text, str) else None
        return (short_name(str(text), labels), Markup(drawing(cell))) if cell else None

    template = _template()
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = template.render(
        page=made,
        links=links or {},
        sources=sources or {},
        aside=aside,
        drawn=drawn,
        cell_name=cell_name,
        style=style,
        script=Markup(script),
        script_hash=digest,
        data=Markup(as_script(data or {})),
    )
    write_text(out_path, text)
    return out_path


def shown(column: Column, cell: Cell) -> tuple[str, str, str]:
    """What stands in a cell, smaller after it, and below it: value, spread and interval of an estimate."""
    if not isinstance(cell, Estimate) or cell.value is None:
        return format_cell(column, cell), "", ""
    spread, interval = format_spread(cell, column.digits), format_interval(cell, column.digits)
    return format_number(cell.value, column.digits), spread, interval


def sorted_by(column: Column, cell: Cell) -> str:
    """The attribute that holds the number a cell is sorted by; '' for texts."""
    from markupsafe import Markup

    if column.of_words:
        return ""
    value = cell.value if isinstance(cell, Estimate) else cell
    return Markup(' data-v="{}"').format("" if value is None else value)


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(proxy_of=proxy_of, shown=shown, sorted_by=sorted_by)
    return environment.get_template("page.html.j2")
