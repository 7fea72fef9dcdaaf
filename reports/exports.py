"""Every table of a run as LaTeX, CSV or Parquet, every figure as SVG or PDF: a file for each, named by its section."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from diswot_errors import DataError, UsageError
from reports.csv_files import write_records, write_table, write_text
from reports.frames import record_types, rows_of, table_rows, table_types
from reports.html import TEMPLATES
from reports.pages import page_of
from reports.records import TABLES, Run
from reports.schema import Column, Figure, Table
from reports.svg import tidy
from reports.tables import format_cell

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_LATEX = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # a row may begin with it
    "]": "{]}",
    "−": "$-$",
    "±": r"$\pm$",
    "ρ": r"$\rho$",
    "τ": r"$\tau$",
    "×": r"$\times$",
    "–": "--",
    "…": r"\ldots{}",
}


def latex(run: Run, folder: Path) -> list[Path]:
    """Each table as a `tabular` with the rules of booktabs."""
    return [_text(folder / f"{name}.tex", as_latex(table)) for name, table in _tables(run)]


def csv(run: Run, folder: Path) -> list[Path]:
    """Each table with all digits, and the records."""
    paths = []
    for name, table in _tables(run):
        write_table(folder / f"{name}.csv", table)
        paths.append(folder / f"{name}.csv")
    for name, kind in TABLES.items():
        if records := getattr(run, name):
            write_records(folder / f"records.{name}.csv", kind, records)
            paths.append(folder / f"records.{name}.csv")
    return paths


def parquet(run: Run, folder: Path) -> list[Path]:
    """Each table with all digits, and the records; the type of a column is that of its kind. Needs pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow: pip install 'diswot-bench[parquet]', or use --csv") from error
    found = {name: (table_rows(table), table_types(table)) for name, table in _tables(run)}
    found |= {f"records.{name}": (rows_of(getattr(run, name)), record_types(kind)) for name, kind in TABLES.items()}
    folder.mkdir(parents=True, exist_ok=True)
    arrow = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    paths = []
    for name, (rows, types) in found.items():
        if rows:
            schema = pyarrow.schema([(column, arrow[kind]) for column, kind in types.items()])
            columns = [[_as(kind, row[column]) for row in rows] for column, kind in types.items()]
            paths.append(folder / f"{name}.parquet")
            pyarrow.parquet.write_table(pyarrow.table(columns, schema=schema), paths[-1])
    return paths


def _as(kind: type, value: object) -> object:
    """A cell as its column has it: a text column may hold numbers."""
    return value if value is None or isinstance(value, kind) else kind(value)


def svg(run: Run, folder: Path) -> list[Path]:
    """Each figure as a file of its own, in the colours of the light page."""
    return [_text(folder / f"{name}.svg", standalone(figure.svg)) for name, figure in _figures(run)]


def web_svg(run: Run, folder: Path) -> list[Path]:
    """Each figure as a file of its own, for a README or a site: it follows the light and dark of its reader."""
    return [_text(folder / f"{name}.svg", in_both_lights(figure.svg)) for name, figure in _figures(run)]


def pdf(run: Run, folder: Path) -> list[Path]:
    """Each figure on a page of its size, printed by a headless Chromium."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise DataError(f"PDF needs one of {', '.join(BROWSERS)} on the PATH; --svg writes the figures without it")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with tempfile.TemporaryDirectory() as place:
        for name, figure in _figures(run):
            drawing = standalone(figure.svg)
            width, height = _size(drawing)
            page = Path(place) / "figure.html"
            page.write_text(
                f"<!DOCTYPE html><meta charset=utf-8><style>@page {{ size: {width}pt {height}pt; margin: 0 }} "
                f"body {{ margin: 0 }} svg {{ display: block; width: {width}pt; height: {height - 0.5}pt; "
                f"font-family: sans-serif }}</style>{drawing}",
                encoding="utf-8",
            )
            paths.append(folder / f"{name}.pdf")
            command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
            command += [f"--user-data-dir={place}/profile", f"--print-to-pdf={paths[-1].resolve()}", page.as_uri()]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
            if done.returncode or not paths[-1].is_file():
                raise DataError(f"{browser} made no {paths[-1].name}: {done.stderr.strip()[-200:]}")
    return paths


FORMATS: dict[str, Callable[[Run, Path], list[Path]]] = {
    "latex": latex, "csv": csv, "parquet": parquet, "svg": svg, "web_svg": web_svg, "pdf": pdf,
}  # fmt: skip


def as_latex(table: Table) -> str:
    """A `tabular`: text to the left, numbers to the right, intervals beside their value."""
    places = "".join("l" if column.of_words else "r" for column in table.columns)
    head = [column.head.strip() for column in table.columns]
    body = [[_shown(c, cell) for c, cell in zip(table.columns, row, strict=True)] for row in table.rows]
    lines = [" & ".join(map(in_latex, row)) + r" \\" for row in body]
    heads = [" & ".join(map(in_latex, head)) + r" \\", r"\midrule"] if any(head) else []
    return "\n".join(
        ["% needs \\usepackage{booktabs}", rf"\begin{{tabular}}{{{places}}}", r"\toprule", *heads, *lines,
         r"\bottomrule", r"\end{tabular}", ""]
    )  # fmt: skip


def in_latex(text: str) -> str:
    """A text that LaTeX sets as it is, on one line."""
    return "".join(_LATEX.get(mark, mark) for mark in " ".join(text.split()))


def standalone(drawing: str) -> str:
    """A drawing as a file: with its namespace, and colours instead of the page's variables."""
    plain = re.sub(r"var\(--[a-z]+, (#[0-9a-f]{6})\)", r"\1", tidy(drawing))
    return plain.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"', 1)


def in_both_lights(drawing: str) -> str:
    """A drawing as a file that follows light and dark like the page: with the colours of its style sheet."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    light = re.search(r":root \{.*?\n\}\n", style, re.DOTALL)
    dark = re.search(r"@media \(prefers-color-scheme: dark\) \{.*?\n\}\n", style, re.DOTALL)
    assert light and dark
    head = '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"'
    return re.sub(r"<svg([^>]*)>", rf"{head}\1><style>{light[0]}{dark[0]}</style>", tidy(drawing), count=1)


def _size(drawing: str) -> tuple[float, float]:
    found = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', drawing)
    return (float(found[1]), float(found[2])) if found else (300.0, 300.0)


def _shown(column: Column, cell: object) -> str:
    return format_cell(column, cell)  # type: ignore[arg-type]


def _tables(run: Run) -> list[tuple[str, Table]]:
    return [(section.name, section.table) for section in page_of(run).sections if section.table is not None]


def _figures(run: Run) -> list[tuple[str, Figure]]:
    page = page_of(run)
    found = [(f"{section.name}.{figure.name}", figure) for section in page.sections for figure in section.figures]
    return [*([("answer", page.picture)] if page.picture else []), *found]


def _text(path: Path, text: str) -> Path:
    write_text(path, text)
    return path
