"""A run on disk: written by a command, read by `python -m reports`. The layout is described in `reports.schema`."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from diswot_errors import DataError, UsageError
from reports.csv_files import read_records, read_table, write_records, write_table, write_text
from reports.schema import Column, Correlation, Figure, Manifest, Score, Section, Truth, Verdict
from reports.svg import tidy

TABLES: dict[str, type] = {"scores": Score, "truth": Truth, "correlations": Correlation}


@dataclass(frozen=True)
class Page:
    """What a command says in words: the title of its page, the first paragraphs, and sections."""

    title: str
    lead: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Run:
    """All records of a run. `page` holds further sections, or the whole page of a command that correlates nothing."""

    manifest: Manifest
    scores: tuple[Score, ...] = ()
    truth: tuple[Truth, ...] = ()
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
    _write_json(folder / "manifest.json", asdict(run.manifest))


def read_run(folder: Path) -> Run:
    """Read a run. Raises UsageError when `folder` is none, DataError when a file in it is broken."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; expected a run, a folder with manifest.json and its tables")
    if not (folder / "manifest.json").is_file():
        raise UsageError(f"{folder} holds no manifest.json; expected the folder that a command wrote with --out")
    manifest = _from_json(folder / "manifest.json", Manifest, _read_json(folder / "manifest.json"))
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
        columns = None if section.table is None else [asdict(column) for column in section.table.columns]
        figures = [asdict(replace(figure, svg="")) for figure in section.figures]
        described.append(asdict(replace(section, table=None, figures=())) | {"table": columns, "figures": figures})
    _write_json(folder / "sections.json", {"title": page.title, "lead": list(page.lead), "sections": described})


def _read_page(folder: Path) -> Page:
    path = folder / "sections.json"
    content = _from_json(path, Page, _read_json(path))
    return replace(content, lead=tuple(content.lead), sections=tuple(_section(path, each) for each in content.sections))


def _section(path: Path, content: Any) -> Section:
    plain = _from_json(path, Section, content)
    table, figures = None, []
    if plain.table is not None:
        columns = [_from_json(path, Column, column) for column in content["table"]]
        table = read_table(path.parent / _file(path, f"{plain.name}.csv"), columns)
    for each in content["figures"]:
        figure = _from_json(path, Figure, each)
        file = path.parent / _file(path, f"{plain.name}.{figure.name}.svg")
        figures.append(replace(figure, svg=tidy(file.read_text(encoding="utf-8"))))
    verdicts = tuple(_from_json(path, Verdict, each) for each in content["verdicts"])
    return replace(plain, intro=tuple(plain.intro), table=table, figures=tuple(figures), verdicts=verdicts)


def _file(path: Path, name: str) -> str:
    if not re.fullmatch(r"[a-z0-9_.-]+", name) or not (path.parent / name).is_file():
        raise DataError(f"{path} names {name!r}, which is not a file beside it")
    return name


def _from_json(path: Path, kind: type, content: Any) -> Any:
    """A dataclass from a JSON object whose keys are exactly its fields."""
    expected = {field.name for field in fields(kind)}
    if not isinstance(content, dict) or set(content) != expected:
        found = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise DataError(
            f"{path}: {found} do not describe a {kind.__name__.lower()}; expected the keys {sorted(expected)}"
        )
    return kind(**content)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error


def _write_json(path: Path, content: Any) -> None:
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


__all__: Sequence[str] = ["Page", "Run", "read_run", "write_run"]
