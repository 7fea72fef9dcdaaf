"""Typed tables as CSV: dataclass records and `Table`s. What is read back equals what was written, bit for bit."""

import csv
import math
import os
import re
import tempfile
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from diswot_errors import DataError
from reports.schema import Cell, Column, Estimate, Table

Record = TypeVar("Record")
PARTS = ("value", "low", "high", "spread")  # of an Estimate, the first under the bare name


@dataclass(frozen=True)
class Field:
    """One column or, for an estimate, four: how a value becomes text and text a value."""

    name: str
    columns: tuple[str, ...]
    parse: Callable[[str], Any]
    expected: str


def write_text(path: Path, text: str) -> None:
    """Write atomically: a reader sees the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes private files
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_records(path: Path, kind: type[Record], records: Iterable[Record]) -> None:
    """Write dataclass records, one row each, columns in field order."""
    layout = _record_fields(kind)
    _write(path, layout, ([getattr(record, field.name) for field in layout] for record in records))


def read_records(path: Path, kind: type[Record]) -> list[Record]:
    """Read what `write_records` wrote. Raises DataError with file, line, column and what was expected."""
    return [kind(*values) for values in _read(path, _record_fields(kind))]


def write_table(path: Path, table: Table) -> None:
    """Write a table; each column's kind fixes how its cells are written."""
    _write(path, [_table_field(column) for column in table.columns], table.rows)


def read_table(path: Path, columns: Sequence[Column]) -> Table:
    """Read a table with the given columns."""
    return Table(tuple(columns), tuple(tuple(row) for row in _read(path, [_table_field(column) for column in columns])))


def _record_fields(kind: type) -> list[Field]:
    hints = typing.get_type_hints(kind)
    return [_field(field.name, hints[field.name]) for field in fields(kind)]


def _table_field(column: Column) -> Field:
    types = {"integer": int | None, "number": float | None, "estimate": Estimate | None}
    return _field(column.name, types.get(column.kind, str))


def _field(name: str, kind: Any) -> Field:
    optional = kind in (float | None, int | None, Estimate | None)
    empty = ", or nothing" if optional else ""
    if kind in (Estimate, Estimate | None):
        columns = tuple(name if part == "value" else f"{name}_{part}" for part in PARTS)
        return Field(name, columns, _optional(_number), "a finite number, or nothing")
    if kind in (float, float | None):
        return Field(name, (name,), _optional(_number) if optional else _number, f"a finite number{empty}")
    if kind in (int, int | None):
        return Field(name, (name,), _optional(_integer) if optional else _integer, f"an integer{empty}")
    if kind is str:
        return Field(name, (name,), str, "text")
    raise TypeError(f"field {name!r} has type {kind}, which no column can hold")


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?\d+", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _optional(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: parse(text) if text else None


def _write(path: Path, layout: Sequence[Field], rows: Iterable[Sequence[Cell]]) -> None:
    lines = [",".join(_quoted(column) for field in layout for column in field.columns)]
    for row in rows:
        if len(row) != len(layout):
            raise ValueError(f"{path.name}: a row has {len(row)} cells, expected {len(layout)}: {row!r}")
        lines.append(
            ",".join(text for field, cell in zip(layout, row, strict=True) for text in _texts(path, field, cell))
        )
    write_text(path, "\n".join(lines) + "\n")


def _texts(path: Path, field: Field, cell: Cell) -> Iterator[str]:
    values = [cell] if len(field.columns) == 1 else [getattr(cell or Estimate(), part) for part in PARTS]
    for column, value in zip(field.columns, values, strict=True):
        text = "" if value is None else value if isinstance(value, str) else repr(_plain(value))
        try:
            field.parse(text)
        except ValueError:
            raise ValueError(
                f"{path.name}, column {column!r}: cannot write {cell!r}, expected {field.expected}"
            ) from None
        yield _quoted(text)


def _plain(value: Any) -> Any:
    """NumPy scalars as Python numbers, whose repr is the number alone."""
    return value.item() if hasattr(value, "item") else value


def _quoted(text: str) -> str:
    """RFC 4180, and carriage returns quoted too; `csv.writer` leaves these bare in older versions of Python."""
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _read(path: Path, layout: Sequence[Field]) -> Iterator[list[Any]]:
    columns = [column for field in layout for column in field.columns]
    parsers = [(field, column) for field in layout for column in field.columns]
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            _check_header(path, next(reader, []), columns)
            for row in reader:
                if len(row) != len(columns) and not (row == [] and len(columns) == 1):
                    raise DataError(f"{path}, line {reader.line_num}: {len(row)} fields, expected {len(columns)}")
                texts = iter(row or [""])
                values = [_value(path, reader.line_num, field, column, next(texts)) for field, column in parsers]
                yield _grouped(layout, values)
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a UTF-8 CSV file: {error}") from error


def _check_header(path: Path, header: list[str], columns: list[str]) -> None:
    if header != columns:
        missing = [column for column in columns if column not in header]
        unknown = [column for column in header if column not in columns]
        problem = f"missing {missing}, unknown {unknown}" if missing or unknown else f"order {header}"
        raise DataError(f"{path}, line 1: wrong header ({problem}); expected {','.join(columns)}")


def _value(path: Path, line: int, field: Field, column: str, text: str) -> Any:
    try:
        return field.parse(text)
    except ValueError:
        raise DataError(f"{path}, line {line}, column {column!r}: {text!r}, expected {field.expected}") from None


def _grouped(layout: Sequence[Field], values: list[Any]) -> list[Any]:
    """The columns of an estimate as one Estimate."""
    remaining = iter(values)
    return [
        Estimate(*(next(remaining) for _ in field.columns)) if len(field.columns) > 1 else next(remaining)
        for field in layout
    ]
