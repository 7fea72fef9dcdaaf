"""A run on disk: written by a command, read by `python -m reports`. The layout is described in `reports.schema`."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from diswot_errors import DataError, UsageError
from reports.csv_files import read_records, read_table, write_records, write_table, write_text
from reports.schema import Claim, Column, Correlation, Figure, Manifest, ScoreRow, Section, TruthRow
from reports.svg import tidy
from reports.typed_json import decoded, read_json, write_json

TABLES: dict[str, type] = {"scores": ScoreRow, "truth": TruthRow, "correlations": Correlation}


@dataclass(frozen=True)
class Page:
    """What a command says in words: the title of its page, the first paragraphs, and sections."""

    title: str
    lead: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class _Section:
    """A section as sections.json has it: its table and figures lie in files of their own."""

    name: str
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
    """All records of a run. `page` holds further sections, or the whole page of a command that correlates nothing."""

    manifest: Manifest
    scores: tuple[ScoreRow, ...] = ()
    truth: tuple[TruthRow, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    page: Page | None = None


def write_run(folder: Path, run: Run) -> None:
    """Write all records into `folder`, each file atomically; the manifest last, so that it marks a complete run."""
    for name, kind in TABLES.items():
        if records := getattr(run, name):
            write_records(folder / f"{name}.csv", kind, records)
        else:
            (folder / f"{name}.csv").unlink(missing_ok=True)  # of an earlier run into the same folder
    if run.page is not None:
        _write_page(folder, run.page)
    else:
        (folder / "sections.json").unlink(missing_ok=True)
    write_json(folder / "manifest.json", asdict(run.manifest))


def read_run(folder: Path) -> Run:
    """Read a run. Raises UsageError when `folder` is none, DataError when a file in it is broken."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; expected a run, a folder with manifest.json and its tables")
    if not (folder / "manifest.json").is_file():
        raise UsageError(f"{folder} holds no manifest.json; expected the folder that a command wrote with --out")
    manifest = decoded(Manifest, read_json(folder / "manifest.json"), str(folder / "manifest.json"))
    tables: dict[str, Any] = {
        name: tuple(read_records(folder / f"{name}.csv", kind))
        for name, kind in TABLES.items()
        if (folder / f"{name}.csv").is_file()
    }
    page = _read_page(folder) if (folder / "sections.json").is_file() else None
    if page is None and "correlations" not in tables:
        raise UsageError(f"{folder} holds neither correlations.csv nor sections.json; there is nothing to show")
    return Run(manifest, page=page, **tables)


def _write_page(folder: Path, page: Page) -> None:
    names = [section.name for section in page.sections]
    for name in [*names, *(figure.name for section in page.sections for figure in section.figures)]:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) or name in TABLES:
            raise ValueError(
                f"{name!r} cannot name a file of a run; expected a-z, 0-9, - and _, and not a table's name"
            )
    if len(set(names)) < len(names):
        raise ValueError(f"two sections have the same name among {names}")
    described = []
    for section in page.sections:
        if section.table is not None:
            write_table(folder / f"{section.name}.csv", section.table)
        for figure in section.figures:
            write_text(folder / f"{section.name}.{figure.name}.svg", tidy(figure.svg))
        figures = tuple(replace(figure, svg="") for figure in section.figures)
        columns = None if section.table is None else section.table.columns
        described.append(_Section(**(_shallow(section) | {"table": columns, "figures": figures})))
    write_json(folder / "sections.json", asdict(_Page(page.title, page.lead, tuple(described))))


def _read_page(folder: Path) -> Page:
    path = folder / "sections.json"
    content: _Page = decoded(_Page, read_json(path), str(path))
    return Page(content.title, content.lead, tuple(_section(path, each) for each in content.sections))


def _section(path: Path, found: _Section) -> Section:
    table, figures = None, []
    if found.table is not None:
        table = read_table(path.parent / _file(path, f"{found.name}.csv"), found.table)
    for figure in found.figures:
        file = path.parent / _file(path, f"{found.name}.{figure.name}.svg")
        figures.append(replace(figure, svg=tidy(file.read_text(encoding="utf-8"))))
    return Section(**(_shallow(found) | {"table": table, "figures": tuple(figures)}))


def _shallow(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _file(path: Path, name: str) -> str:
    if not re.fullmatch(r"[a-z0-9_.-]+", name) or not (path.parent / name).is_file():
        raise DataError(f"{path} names {name!r}, which is not a file beside it")
    return name


__all__: Sequence[str] = ["Page", "Run", "read_run", "write_run"]
