"""A run as pandas tables, for notebooks; and as flat rows, for files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from diswot_errors import UsageError
from reports.pages import page_of
from reports.records import TABLES, Run, read_run
from reports.schema import Cell, Estimate, Manifest, Table, Verdict

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Frames:
    """A run: its records as tables, the tables of its page by section, and how it was made."""

    scores: "DataFrame"
    truth: "DataFrame"
    correlations: "DataFrame"
    tables: "dict[str, DataFrame]"
    manifest: Manifest


def load_run(run_folder: Path | str) -> Frames:
    """The run in a folder; an estimate is four columns and a verdict two, as in the CSV."""
    from pandas import DataFrame

    run = read_run(Path(run_folder))
    records = {name: DataFrame(rows_of(getattr(run, name))) for name in ("scores", "truth", "correlations")}
    tables = {name: DataFrame(rows) for name, rows in page_rows(run).items()}
    return Frames(**records, tables=tables, manifest=run.manifest)


def frame(run_folder: Path | str, table: str = "scores") -> "DataFrame":
    """One table of records, such as `scores`, `truth` or `correlations`; an estimate is four columns."""
    from pandas import DataFrame

    if table not in TABLES:
        raise UsageError(f"unknown table {table!r}: expected one of {', '.join(TABLES)}")
    return DataFrame(rows_of(getattr(read_run(Path(run_folder)), table)))


def rows_of(records: Iterable[Any]) -> list[dict[str, Any]]:
    """Records as flat rows."""
    return [
        {key: part for field in fields(record) for key, part in _flat(field.name, getattr(record, field.name))}
        for record in records
    ]


def table_rows(table: Table) -> list[dict[str, Any]]:
    """A table as flat rows; an empty estimate or verdict keeps its columns."""
    empty: dict[str, Cell] = {"estimate": Estimate(), "verdict": None}
    return [
        {
            key: part
            for column, cell in zip(table.columns, row, strict=True)
            for key, part in _flat(column.name, empty.get(column.kind) if cell is None else cell, column.kind)
        }
        for row in table.rows
    ]


def record_types(record: type) -> dict[str, type]:
    """The type of each column that `rows_of` gives of records of a kind: text, whole number or number."""
    hints = {name: str(hint) for name, hint in get_type_hints(record).items()}
    plain = {"float": float, "int": int}
    found: dict[str, type] = {}
    for name, hint in hints.items():
        if "Estimate" in hint:
            found |= dict.fromkeys((key for key, _ in _flat(name, Estimate())), float)
        else:
            found[name] = next((kind for word, kind in plain.items() if re.search(rf"\b{word}\b", hint)), str)
    return found


def table_types(table: Table) -> dict[str, type]:
    """The type of each column that `table_rows` gives: text, whole number or number."""
    kinds: dict[str, type] = {"integer": int, "number": float, "estimate": float}
    empty: dict[str, Cell] = {"estimate": Estimate()}
    return {
        key: kinds.get(column.kind, str)
        for column in table.columns
        for key, _ in _flat(column.name, empty.get(column.kind), column.kind)
    }


def page_rows(run: Run) -> dict[str, list[dict[str, Any]]]:
    """The tables of a run's page as flat rows, by section."""
    return {section.name: table_rows(section.table) for section in page_of(run).sections if section.table is not None}


def _flat(name: str, value: Any, kind: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, Estimate):
        return [(name, value.value), *((f"{name}_{part}", getattr(value, part)) for part in ("low", "high", "spread"))]
    if isinstance(value, Verdict) or kind == "verdict":
        return [(name, str(value.kind) if value else None), (f"{name}_detail", value.detail if value else "")]
    return [(name, value)]
