"""Reading CSV tables so that every complaint names the file, the line and the column."""

import csv
import difflib
import gzip
import io
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from diswot_errors import DataError
from nb201_data.numerals import real, shown, whole

_LONGEST = 600  # characters of a complaint


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; the getters refuse what does not fit."""

    path: Path
    line: int
    cells: dict[str, str]

    def fault(self, column: str, problem: str) -> DataError:
        """The error to raise about one cell of this row."""
        return DataError(f"{self.path}, line {self.line}, column '{column}': {problem[:_LONGEST]}")

    def text(self, column: str, default: str = "") -> str:
        """The cell without surrounding space; `default` where it is empty or the table lacks the column."""
        found = self.cells.get(column, "").strip()
        if not found.isprintable():
            raise self.fault(column, f"{shown(found)} holds characters that cannot be printed")
        return found or default

    def required(self, column: str) -> str:
        """The cell, which must not be empty."""
        found = self.text(column)
        if not found:
            raise self.fault(column, "empty, expected a value")
        return found

    def integer(self, column: str) -> int | None:
        """A whole number from 0 on, or None where the cell is empty or the table lacks the column."""
        found = self.text(column)
        if not found:
            return None
        number = whole(found)
        if number is None:
            raise self.fault(column, f"{shown(found)}, expected a whole number from 0 to 1,000,000,000")
        return number

    def number(self, column: str) -> float | None:
        """A finite number, or None where the cell is empty or the table lacks the column."""
        found = self.text(column)
        value = real(found or "0")
        if math.isnan(value):
            raise self.fault(column, f"{shown(found)}, expected a number")
        return value if found else None

    def percent(self, column: str) -> float:
        """An accuracy from 0 to 100."""
        found = self.required(column)
        value = real(found)
        if not 0 <= value <= 100:  # also false for nan
            raise self.fault(column, f"{shown(found)}, expected an accuracy in percent, from 0 to 100")
        return value


def read_rows(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str] | None = (),
    growing: bool = False,
    further: bool = False,
) -> Iterator[Row]:
    """The rows of a CSV file, gzipped or not; `optional=None` passes over any further column.

    `further` lets any be that is not one of the known ones misspelt.

    In a `growing` file a last line without an end is one that was cut off or is being written, and is passed over.
    Refused with `DataError`: a file that is no text, a missing, unknown or repeated column, a row of another length.
    """
    content = _content(path)
    if growing and not ",".join([*required, *(optional or ())]).startswith(content):  # more than a part of the header
        content = content[: content.rfind("\n") + 1] or content
    elif growing:
        return
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header, required, optional, further)
        kept = [(name, at) for at, name in enumerate(header) if optional is not None or name in required]
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(header):
                short = f"expected {len(header)} values ({', '.join(header)}), found {len(values)}"
                raise DataError(f"{path}, line {reader.line_num}: {short}")
            yield Row(path, reader.line_num, {name: values[at] for name, at in kept})
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: not a CSV table ({error})") from error


def _content(path: Path) -> str:
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not a text file (byte {error.start + 1} is not UTF-8), expected a CSV table"
        ) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:  # gzip raises all of them on a cut or altered file
        raise DataError(
            f"{path} cannot be read: {error}. If it is truncated or altered, get it again; else check its permissions"
        ) from error


def _check_header(
    path: Path, header: list[str], required: Sequence[str], optional: Sequence[str] | None, further: bool
) -> None:
    known = [*required, *(optional or ())]
    if len(set(header)) != len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise DataError(f"{path}, line 1: column {shown(twice)} is there twice")
    for name in header if optional is not None else ():
        if name in known:
            continue
        absent = [each for each in known if each not in header] if further else known
        near = difflib.get_close_matches(name.lower(), absent, n=1, cutoff=0.8 if further else 0.6)
        if near or not further:
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise DataError(f"{path}, line 1: unknown column {shown(name)}.{hint} Known: {', '.join(known)}")
    missing = [name for name in required if name not in header]
    if missing:
        found = ", ".join(map(shown, header[:30])) or "an empty file"
        other = next((mark for mark in (";", "\t") if len(header) == 1 and mark in header[0]), "")
        hint = f"; columns are separated by commas, not by {other!r}" if other else ""
        raise DataError(
            f"{path}, line 1: column '{missing[0]}' is missing; needed: {', '.join(required)}; found: {found}{hint}"
        )
