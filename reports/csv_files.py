"""Typed tables as CSV: dataclass records and `Table`s. What is read back equals what was written, bit for bit."""

import csv
import gzip
import io
import math
import os
import re
import tempfile
import typing
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from diswot_errors import DataError
from reports import texts
from reports.limits import Limit
from reports.schema import Cell, Column, Estimate, Table, Verdict, VerdictKind

Record = TypeVar("Record")
MOST_UNPACKED = 2**30  # bytes
PARTS = ("value", "low", "high", "spread")  # of an Estimate, the first under the bare name


@dataclass(frozen=True)
class Part:
    """One column of a file: its name, how its text is read, and what is expected there."""

    column: str
    parse: Callable[[str], Any]
    expected: str


@dataclass(frozen=True)
class Field:
    """One column or, for an estimate four, for a verdict two: a value taken apart and put together again."""

    name: str
    parts: tuple[Part, ...]
    apart: Callable[[Any], Sequence[Any]] = lambda value: (value,)
    together: Callable[..., Any] = lambda value: value


def read_text(path: Path) -> str:
    """A text file. Raises DataError when it cannot be read or is no UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a UTF-8 text file: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    """Write atomically: a reader sees the old file or the new one, never half of one.

    Where a link leads is written, and what is no file, such as /dev/stdout, is written into.
    """
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        return
    path = path.resolve() if path.is_symlink() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes private files
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def write_records(path: Path, kind: type[Record], records: Iterable[Record]) -> None:
    """Write dataclass records, one row each, columns in field order."""
    layout, records = _record_fields(kind), list(records)
    _write(path, layout, [map(attrgetter(field.name), records) for field in layout])


def read_records(path: Path, kind: type[Record]) -> list[Record]:
    """Read what `write_records` wrote, also packed as `.gz`. Raises DataError with file, line, column and what was
    expected."""
    return [kind(*values) for values in _read(path, _record_fields(kind))]


def header_of(columns: Iterable[Column]) -> list[str]:
    """The header of a table with these columns."""
    return [part.column for column in columns for part in _table_field(column).parts]


def write_table(path: Path, table: Table) -> None:
    """Write a table; each column's kind fixes how its cells are written."""
    for row in table.rows:
        if len(row) != len(table.columns):
            raise ValueError(f"{path.name}: a row has {len(row)} cells, expected {len(table.columns)}: {row!r}")
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    _write(path, [_table_field(column) for column in table.columns], columns)


def read_table(path: Path, columns: Sequence[Column]) -> Table:
    """Read a table with the given columns."""
    return Table(tuple(columns), tuple(tuple(row) for row in _read(path, [_table_field(column) for column in columns])))


def _record_fields(kind: type) -> list[Field]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return [_field(field.name, hints[field.name]) for field in fields(kind)]


def _table_field(column: Column) -> Field:
    types = {"integer": int | None, "number": float | None, "estimate": Estimate | None, "verdict": Verdict | None}
    return _field(column.name, types.get(column.kind, str))


def _field(name: str, kind: Any) -> Field:
    if typing.get_origin(kind) is typing.Annotated:
        kind, *limits = typing.get_args(kind)
        field = _field(name, kind)
        for limit in limits:
            field = replace(field, parts=tuple(_limited(part, limit) for part in field.parts))
        return field
    if kind in (Estimate, Estimate | None):
        columns = (name if part == "value" else f"{name}_{part}" for part in PARTS)
        parts = tuple(Part(column, _optional(_number), "a finite number, or nothing") for column in columns)
        return Field(name, parts, lambda value: [getattr(value or Estimate(), part) for part in PARTS], Estimate)
    if kind in (Verdict, Verdict | None):
        parse = _optional(lambda text: VerdictKind(text))  # type: ignore[call-arg]
        kinds = Part(name, parse, f"one of {', '.join(VerdictKind)}, or nothing")
        parts = (kinds, Part(f"{name}_detail", texts.checked, "text"))
        return Field(name, parts, lambda value: (value.kind, value.detail) if value else (None, ""), _verdict)
    for own, parse, expected in ((float, _number, "a finite number"), (int, _integer, "an integer")):
        if kind == own:
            return Field(name, (Part(name, parse, expected),))
        if kind == own | None:
            return Field(name, (Part(name, _optional(parse), f"{expected}, or nothing"),))
    if kind is str:
        return Field(name, (Part(name, texts.checked, "text"),))
    raise TypeError(f"field {name!r} has type {kind}, which no column can hold")


def _limited(part: Part, limit: Limit) -> Part:
    def parse(text: str) -> Any:
        value = part.parse(text)
        if value is not None and not limit.holds(value):
            raise ValueError(text)
        return value

    return Part(part.column, parse, f"{part.expected} ({limit})")


def _verdict(kind: VerdictKind | None, detail: str) -> Verdict | None:
    return Verdict(kind, detail) if kind else None


_is_number = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII).fullmatch
_is_integer = re.compile(r"-?\d{1,19}", re.ASCII).fullmatch


def _number(text: str) -> float:
    if not _is_number(text) or not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


def _integer(text: str) -> int:
    if not _is_integer(text):
        raise ValueError(text)
    return int(text)


def _optional(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: parse(text) if text else None


def _write(path: Path, layout: Sequence[Field], columns: Iterable[Iterable[Cell]]) -> None:
    header = ",".join(_cell(part.column) for field in layout for part in field.parts)
    written = [_column(path, field, cells) for field, cells in zip(layout, columns, strict=True)]
    write_text(path, "\n".join([header, *map(",".join, zip(*written, strict=True))]) + "\n")


def _column(path: Path, field: Field, cells: Iterable[Cell]) -> list[str]:
    """A column as it stands in a file. Plain cells repeat: each is looked at once, floats by repr (0.0 is -0.0)."""
    cells = list(cells)
    kinds = set(map(type, cells))
    if not (kinds <= {str, int, type(None)} or kinds <= {float, type(None)}):
        return [_parts(path, field, cell) for cell in cells]
    keys = list(map(repr, cells)) if float in kinds else cells
    written = {key: _parts(path, field, cell) for key, cell in dict(zip(keys, cells, strict=True)).items()}
    return list(map(written.__getitem__, keys))


def _parts(path: Path, field: Field, cell: Cell) -> str:
    parts = zip(field.parts, field.apart(cell), strict=True)
    return ",".join([_text(path, part, value, cell) for part, value in parts])


def _text(path: Path, part: Part, value: Any, cell: Cell) -> str:
    """One part of a cell, of which a message shows the whole."""
    text = "" if value is None else texts.cleaned(value) if isinstance(value, str) else repr(_plain(value))
    try:
        part.parse(text)
    except ValueError:
        raise ValueError(
            f"{path.name}, column {part.column!r}: cannot write {texts.shown(cell)}, expected {part.expected}"
        ) from None
    return _cell(text) if isinstance(value, str) else text


def _cell(text: str) -> str:
    """A text as it stands in a file: no formula, quoted where it must be."""
    return _quoted(texts.defused(text))


def _plain(value: Any) -> Any:
    """NumPy scalars as Python numbers, whose repr is the number alone."""
    return value.item() if hasattr(value, "item") else value


def _quoted(text: str) -> str:
    """RFC 4180, and carriage returns quoted too; `csv.writer` leaves these bare in older versions of Python."""
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _read(path: Path, layout: Sequence[Field]) -> Iterator[list[Any]]:
    parts = [part for field in layout for part in field.parts]
    parsers, flat = [_parser(part) for part in parts], len(parts) == len(layout)
    try:
        with _opened(path) as file:
            reader = csv.reader(file, strict=True)
            _check_header(path, [texts.restored(cell) for cell in next(reader, [])], [part.column for part in parts])
            for row in reader:
                if len(row) != len(parts) and not (row == [] and len(parts) == 1):
                    raise DataError(f"{path}, line {reader.line_num}: {len(row)} fields, expected {len(parts)}")
                try:
                    values = [parse(cell) for parse, cell in zip(parsers, row or [""], strict=True)]
                except ValueError:
                    raise _fault(path, reader.line_num, parts, row or [""]) from None
                left = iter(values)
                yield values if flat else [field.together(*(next(left) for _ in field.parts)) for field in layout]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a UTF-8 CSV file: {error}") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _opened(path: Path) -> typing.TextIO:
    """A text, unpacked where it is packed; of a small file that unpacks to more than memory nothing is taken."""
    if path.suffix != ".gz":
        return path.open(encoding="utf-8", newline="")
    with gzip.open(path) as packed:
        content = packed.read(MOST_UNPACKED + 1)
    if len(content) > MOST_UNPACKED:
        raise DataError(f"{path} unpacks to more than {MOST_UNPACKED / 2**30:g} GiB: no run of ours does")
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")


def _check_header(path: Path, header: list[str], columns: list[str]) -> None:
    if header != columns:
        missing = [column for column in columns if column not in header]
        unknown = [column for column in header if column not in columns]
        lists = f"missing {texts.shown(missing)}, unknown {texts.shown(unknown)}"
        problem = lists if missing or unknown else f"order {texts.shown(header)}"
        expected = ",".join(columns[:12]) + f" and {len(columns) - 12} more" * (len(columns) > 12)
        raise DataError(f"{path}, line 1: wrong header ({problem}); expected {expected}")


def _parser(part: Part) -> Callable[[str], Any]:
    """What reads a cell of one column; texts repeat, and each is looked at once."""
    return cache(lambda cell: part.parse(texts.restored(cell)))


def _fault(path: Path, line: int, parts: Sequence[Part], row: Sequence[str]) -> DataError:
    """What is wrong with the first cell of a row that cannot be read."""
    for part, cell in zip(parts, row, strict=True):
        text = texts.restored(cell)
        try:
            part.parse(text)
        except ValueError as error:
            said = str(error) if part.parse is texts.checked else f"{texts.shown(text)}, expected {part.expected}"
            return DataError(f"{path}, line {line}, column {part.column!r}: {said}")
    raise AssertionError("every cell can be read")
