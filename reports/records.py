"""A run on disk: written by a command, read by `python -m reports`. The layout is described in `reports.schema`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from diswot_errors import DataError, UsageError
from reports.csv_files import header_of, read_records, read_table, read_text, write_records, write_table, write_text
from reports.schema import (
    RANKED_PAGE,
    ArchName,
    Claim,
    Column,
    Correlation,
    Figure,
    Formula,
    Manifest,
    Name,
    ScoreRow,
    Section,
    TruthRow,
)
from reports.svg import SvgError, tidy
from reports.texts import checked, cleaned, shown
from reports.typed_json import decoded, read_json, write_json

TABLES: dict[str, type] = {
    "scores": ScoreRow,
    "truth": TruthRow,
    "correlations": Correlation,
    "names": ArchName,
    "formulas": Formula,
}

KEYS = {"truth": "arch", "correlations": "proxy", "names": "arch", "formulas": "proxy"}
"""What a table has one row of."""
CARD, LONGEST_CARD = "card.md", 500_000


@dataclass(frozen=True)
class Page:
    """What a command says in words: the title of its page, the first paragraphs, and sections."""

    title: str
    lead: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class _Section:
    """A section as sections.json has it: its table and figures lie in files of their own."""

    name: Name
    title: str
    intro: tuple[str, ...]
    table: tuple[Column, ...] | None
    figures: tuple[Figure, ...]
    claims: tuple[Claim, ...]
    code: str
    note: str
    level: Literal[2, 3]


@dataclass(frozen=True)
class _Page:
    """sections.json."""

    title: str
    lead: tuple[str, ...]
    sections: tuple[_Section, ...]


@dataclass(frozen=True)
class Run:
    """All records of a run. `page` holds further sections, or the whole page of a command that correlates nothing.

    card: the data card of the ground truth, as Markdown.
    """

    manifest: Manifest
    scores: tuple[ScoreRow, ...] = ()
    truth: tuple[TruthRow, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    page: Page | None = None
    names: tuple[ArchName, ...] = ()
    formulas: tuple[Formula, ...] = ()
    card: str = ""


def write_run(folder: Path, run: Run) -> None:
    """Write all records into `folder`, each file atomically; the manifest last, so that it marks a complete run."""
    for name, kind in TABLES.items():
        if records := getattr(run, name):
            write_records(folder / f"{name}.csv", kind, records)
        else:
            (folder / f"{name}.csv").unlink(missing_ok=True)  # of an earlier run into the same folder
    if run.card:
        write_text(folder / CARD, cleaned(run.card, LONGEST_CARD))
    else:
        (folder / CARD).unlink(missing_ok=True)
    if run.page is not None:
        _write_page(folder, run.page, bool(run.correlations))
    else:
        (folder / "sections.json").unlink(missing_ok=True)
    write_json(folder / "manifest.json", asdict(run.manifest))


def manifest_of(folder: Path) -> Manifest:
    """The manifest of a run. Raises UsageError when `folder` is none, DataError when the file is broken."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; expected a run, a folder with manifest.json and its tables")
    if not (folder / "manifest.json").is_file():
        raise UsageError(f"{folder} holds no manifest.json; expected the folder that a command wrote with --out")
    return decoded(Manifest, read_json(folder / "manifest.json"), str(folder / "manifest.json"))


def read_run(folder: Path) -> Run:
    """Read a run. Raises UsageError when `folder` is none, DataError when a file in it is broken."""
    manifest = manifest_of(folder)
    tables: dict[str, Any] = {
        name: tuple(read_records(path, kind)) for name, kind in TABLES.items() if (path := _file(folder, name))
    }
    for name, key in KEYS.items():
        if twice := _twice([getattr(record, key) for record in tables.get(name, ())]):
            raise DataError(f"{_file(folder, name)}: two rows of {shown(twice)}, expected one")
    card = _card(folder / CARD) if (folder / CARD).is_file() else ""
    page = _read_page(folder, bool(tables.get("correlations"))) if (folder / "sections.json").is_file() else None
    if page is None and not tables.get("correlations"):
        raise UsageError(f"{folder} holds neither rows in correlations.csv nor sections.json; there is nothing to show")
    return Run(manifest, card=card, page=page, **tables)


def _file(folder: Path, name: str) -> Path | None:
    """Where a table lies, as it is or packed."""
    return next((path for end in (".csv", ".csv.gz") if (path := folder / f"{name}{end}").is_file()), None)


def _card(path: Path) -> str:
    try:
        return checked(read_text(path), LONGEST_CARD)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None


def _write_page(folder: Path, page: Page, ranked: bool) -> None:
    described = _Page(page.title, page.lead, tuple(map(_described, page.sections)))
    if problem := _clash(described, ranked):
        raise ValueError(problem)
    for section in page.sections:
        if section.table is not None:
            write_table(folder / f"{section.name}.csv", section.table)
        for figure in section.figures:
            write_text(folder / f"{section.name}.{figure.name}.svg", tidy(figure.svg))
    write_json(folder / "sections.json", asdict(described))


def _described(section: Section) -> _Section:
    columns = None if section.table is None else section.table.columns
    figures = tuple(replace(figure, svg="") for figure in section.figures)
    return _Section(**(_shallow(section) | {"table": columns, "figures": figures}))


def _clash(page: _Page, ranked: bool) -> str:
    """Why the files of a page, or its sections and those of a ranking, could not be told apart; or ''."""
    rule = get_args(Name)[1]
    for section in page.sections:
        for name in (section.name, *(figure.name for figure in section.figures)):
            if not rule.holds(name) or name in TABLES:
                return f"{shown(name)} cannot name a file of a run; expected {rule}, and not the name of a table"
        if twice := _twice([figure.name for figure in section.figures]):
            return f"two figures of section {section.name!r} have the name {twice!r}"
        if twice := _twice(header_of(section.table or ())):
            return f"two columns of section {section.name!r} have the name {shown(twice)}"
    twice = _twice([*(RANKED_PAGE if ranked else ()), *(section.name for section in page.sections)])
    return f"two sections have the name {twice!r}" if twice else ""


def _twice(names: Sequence[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _read_page(folder: Path, ranked: bool) -> Page:
    path = folder / "sections.json"
    content: _Page = decoded(_Page, read_json(path), str(path))
    if problem := _clash(content, ranked):
        raise DataError(f"{path}: {problem}")
    return Page(content.title, content.lead, tuple(_section(folder, each) for each in content.sections))


def _section(folder: Path, found: _Section) -> Section:
    table = None
    if found.table is not None:
        table = read_table(folder / f"{found.name}.csv", found.table)
    figures = [_figure(folder / f"{found.name}.{figure.name}.svg", figure) for figure in found.figures]
    return Section(**(_shallow(found) | {"table": table, "figures": tuple(figures)}))


def _figure(path: Path, figure: Figure) -> Figure:
    try:
        return replace(figure, svg=tidy(read_text(path)))
    except SvgError as error:
        raise DataError(f"{path}: {error}") from error


def _shallow(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


__all__: Sequence[str] = ["Page", "Run", "read_run", "write_run"]
