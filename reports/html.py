"""Self-contained pages: one HTML file with its style and figures inside, no script, no address outside."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reports.cells import cell_of, drawing, short_name
from reports.csv_files import write_text
from reports.pages import Made, page_of
from reports.records import read_run
from reports.schema import Cell, Column, Estimate
from reports.svg import tidy
from reports.tables import format_cell, format_interval, format_number, format_spread

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def render(run_folder: Path) -> Path:
    """Make `report.html` of a run from its records alone, and return its path."""
    run = read_run(run_folder)
    return page(page_of(run), run_folder / "report.html", labels={row.arch: row.name for row in run.names})


def page(made: Made, out_path: Path, *, labels: Mapping[str, str] | None = None) -> Path:
    """Write a page. All text is escaped; figures are reduced to drawing; cells get short names (and their `labels`)."""
    from markupsafe import Markup

    def drawn(svg: str) -> Markup:
        return Markup(tidy(svg))

    def cell_name(text: Cell) -> tuple[str, Markup] | None:
        """Short name and drawing of a text that is an architecture."""
        cell = cell_of(text) if isinstance(text, str) else None
        return (short_name(str(text), labels), Markup(drawing(cell))) if cell else None

    template = _environment().get_template("page.html.j2")
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    text = template.render(page=made, drawn=drawn, cell_name=cell_name, style=style)
    write_text(out_path, text)
    return out_path


def shown(column: Column, cell: Cell) -> tuple[str, str, str]:
    """What stands in a cell, smaller after it, and below it: value, spread and interval of an estimate."""
    if not isinstance(cell, Estimate) or cell.value is None:
        return format_cell(column, cell), "", ""
    spread, interval = format_spread(cell, column.digits), format_interval(cell, column.digits)
    return format_number(cell.value, column.digits), spread, interval


def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(shown=shown)
    return environment
