"""The table of distilled accuracies: one row per (arch, protocol, seed), appended as it is measured."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from diswot_errors import DataError

TABLES = Path(__file__).parents[2] / "nb201_data" / "tables"


@dataclass(frozen=True, slots=True)
class Row:
    """One pair of training runs, distilled and alone, under the same schedule and seed. Accuracies in percent.

    Where a cell was trained alone only (`--alone`), the teacher is empty and the distilled columns are None.
    """

    space: str
    arch: str
    skeleton: str
    images: str
    protocol: str
    teacher: str
    seed: int
    epochs: int
    distilled_top1: float | None
    vanilla_top1: float
    distilled_best: float | None
    vanilla_best: float
    distilled_loss: float | None
    vanilla_loss: float
    seconds: float
    device: str
    torch: str
    version: str
    date: str

    @property
    def key(self) -> tuple[str, str, int]:
        """What a row answers."""
        return self.arch, self.protocol, self.seed


COLUMNS = tuple(field.name for field in fields(Row))
_KINDS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "float | None": lambda text: float(text) if text else None,
    "str": str,
}


def table_path(protocol: str, alone: bool = False) -> Path:
    """Where the project keeps the table of a protocol: of pairs, or of runs without a teacher only."""
    return TABLES / f"{'alone' if alone else 'kd'}-nb201-{protocol}.csv"


def read_rows(path: Path) -> list[Row]:
    """All rows of a table; none where there is no file. A last line cut off while being written is passed over."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    reader = csv.reader(whole.splitlines())
    header = tuple(next(reader, ()))
    if header != COLUMNS:
        raise DataError(f"{path}, line 1: expected the columns {','.join(COLUMNS)}, found {','.join(header)}")
    rows = []
    for values in reader:
        if len(values) != len(COLUMNS):
            raise DataError(f"{path}, line {reader.line_num}: expected {len(COLUMNS)} values, found {len(values)}")
        try:
            kinds = (_KINDS[str(field.type)] for field in fields(Row))
            rows.append(Row(*(kind(value) for kind, value in zip(kinds, values, strict=True))))
        except ValueError as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}") from None
    return rows


def append(path: Path, rows: Iterable[Row]) -> None:
    """Add rows at the end, on disk when this returns; a cut-off last line is removed first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        keep = file.read().rfind(b"\n") + 1
        if keep != size:
            file.truncate(keep)
        lines = [] if keep else [",".join(COLUMNS)]
        lines += [_line(row) for row in rows]
        file.write("".join(line + "\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())


def merge(path: Path, others: Iterable[Path]) -> int:
    """Append the rows of other tables that `path` lacks; how many. Two answers to one question are refused."""
    known = {row.key: row for row in read_rows(path)}
    new: list[Row] = []
    for other in others:
        if not other.is_file():
            raise DataError(f"no table at {other}: give the path of a CSV that a harvest wrote")
        for row in read_rows(other):
            if row.key not in known:
                known[row.key] = row
                new.append(row)
            elif known[row.key] != row:
                raise DataError(f"{other} and {path} both measured {row.arch}, seed {row.seed}, with different results")
    if new:
        append(path, new)
    return len(new)


def _line(row: Row) -> str:
    values = astuple(row)
    for value in values:
        if isinstance(value, str) and set(value) & set(',"\n\r'):
            raise DataError(f"a table cell cannot hold {value!r}")
    return ",".join("" if value is None else str(value) for value in values)
