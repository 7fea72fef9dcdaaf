"""Self-contained pages: one HTML file with its style and figures inside, no script, no address outside."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.csv_files import write_text
from reports.pages import page_of
from reports.records import read_run
from reports.schema import Cell, Column, Estimate, Section
from reports.svg import tidy
from reports.tables import format_cell, format_interval, format_number, format_spread

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def render(run_folder: Path) -> Path:
    """Make `report.html` of a run from its records alone, and return its path."""
    run = read_run(run_folder)
    made = page_of(run)
    notes = [note.text for note in run.manifest.notes]
    return page(made.title, made.lead, made.sections, run_folder / "report.html", notes=notes)


def page(
    title: str, lead: Sequence[str], sections: Sequence[Section], out_path: Path, *, notes: Sequence[str] = ()
) -> Path:
    """Write a page: title, `notes` (conditions a reader must know first), `lead` (one paragraph a string), sections.

    All text is escaped; figures are reduced to drawing.
    """
    from markupsafe import Markup

    template = _environment().get_template("page.html.j2")
    drawings = {figure.svg: Markup(tidy(figure.svg)) for section in sections for figure in section.figures}
    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))
    text = template.render(title=title, lead=lead, notes=notes, sections=sections, drawings=drawings, style=style)
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
