"""The table of distilled accuracies: one row per (arch, seed), appended as it is measured by one process at a time."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from diswot_errors import DataError, UsageError
from nb201_data.sealed import locked
from nb201_data.spaces import get_space
from nb201_data.truth import csv_rows
from nb201_data.truth.measured import CHOSEN, TABLES
from proxies.distillation.names import slug
from reports.csv_files import write_text

DISTILLER = "kd"
"""The usual one: a table that has no column `distiller` was measured with it."""


@dataclass(frozen=True, slots=True)
class PairRow:
    """One pair of training runs, distilled and alone, under the same schedule and seed. Accuracies in percent.

    Where a cell was trained alone only (`--alone`), teacher and distiller are empty and the distilled columns are None.
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
    distiller: str = DISTILLER

    @property
    def key(self) -> tuple[str, int]:
        """What a row answers, in its table."""
        return self.arch, self.seed

    @property
    def kind(self) -> tuple[str, str, str]:
        """(protocol, teacher, distiller), which all rows of a table share."""
        return self.protocol, self.teacher, self.distiller

    @property
    def networks(self) -> tuple[str, str, str, int]:
        """(space, skeleton, images, epochs), which all rows of a table share too."""
        return self.space, self.skeleton, self.images, self.epochs

    @property
    def answer(self) -> tuple[float | None, ...]:
        """What was measured; when, where and how fast is left out."""
        distilled = (self.distilled_top1, self.distilled_best, self.distilled_loss)
        return *distilled, self.vanilla_top1, self.vanilla_best, self.vanilla_loss


PERCENTS = ("distilled_top1", "vanilla_top1", "distilled_best", "vanilla_best")
COLUMNS = tuple(field.name for field in fields(PairRow))
PLAIN = COLUMNS[:-1]  # without distiller


def table_path(protocol: str, distiller: str = DISTILLER, teacher: str = "", *, chosen: bool = False) -> Path:
    """Where the project keeps pairs of a protocol; without a distiller: runs alone. `teacher`: another than usual.

    chosen: of cells that somebody named, which are no sample.
    """
    other = "" if distiller in ("", DISTILLER) else slug(distiller)
    words = ("kd" if distiller else "alone", "nb201", protocol, teacher, other)
    return TABLES / f"{CHOSEN if chosen else ''}{'-'.join(word for word in words if word)}.csv"


def read_rows(path: Path) -> list[PairRow]:
    """All rows of a table; none where there is no file. What was cut off while being written is passed over, and so is
    a second row with the same answer; one with another answer is refused."""
    return list(_read(path)[0].values())


def _read(path: Path) -> tuple[dict[tuple[str, int], PairRow], int]:
    """The rows by what they answer, and how many lines repeat one."""
    found: dict[tuple[str, int], PairRow] = {}
    lines = 0
    for line in csv_rows.read_rows(path, PLAIN, ("distiller",), growing=True) if path.is_file() else ():
        row, lines = _row(line), lines + 1
        if found.setdefault(row.key, row).answer != row.answer:
            raise line.fault("arch", f"{_named(row)} is there already with another result; delete the wrong row")
    if len(kinds := sorted({row.kind for row in found.values()})) > 1:
        raise DataError(f"{path} mixes pairs of {' and '.join(map(_kind, kinds))}: give each a table of its own")
    if len(made := {row.networks: row for row in found.values()}) > 1:
        raise DataError(f"{path} mixes {' and '.join(map(_networks, made.values()))}: give each a table of its own")
    return found, lines - len(found)


def append(path: Path, rows: Sequence[PairRow]) -> None:
    """Add rows at the end, on disk when this returns; a line that was cut off is removed first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        file.seek(0)
        there = file.read()
        keep = there.rfind(b"\n") + 1
        columns = _header(there) if keep else _columns(rows)
        text = "".join(_line(row, columns) for row in rows)
        file.truncate(keep)
        try:
            file.write((text if keep else ",".join(columns) + "\n" + text).encode())
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                file.truncate(keep)
            raise DataError(f"cannot write {path}: {error.strerror}; free some space, what it had is kept") from error


@contextlib.contextmanager
def growing(path: Path, kind: tuple[str, str, str] | None = None) -> Iterator[list[PairRow]]:
    """The rows of a table that nobody else adds to as long as the context lasts; of this kind, where there are any.

    Rows that are there twice with one answer, as two harvests of old wrote them, are there once from now on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    busy = (
        f"another harvest is at work on {path}: wait for it, or give this one a --table of its own, "
        "whose rows are added later with --merge"
    )
    with locked(path.resolve().with_name(f".{path.name}.lock"), busy):
        found, repeated = _read(path)
        rows = _of_kind(path, list(found.values()), kind)
        if repeated:
            columns = _header(path.read_bytes())
            write_text(path, ",".join(columns) + "\n" + "".join(_line(row, columns) for row in rows))
            print(f"{path}: {repeated} rows were there twice and are there once now", flush=True)
        yield rows


def rows_of(path: Path, kind: tuple[str, str, str]) -> list[PairRow]:
    """All rows of a table, which are of this kind."""
    return _of_kind(path, read_rows(path), kind)


def _of_kind(path: Path, rows: list[PairRow], kind: tuple[str, str, str] | None) -> list[PairRow]:
    if rows and kind not in (None, rows[0].kind):
        raise UsageError(f"{path} holds pairs of {_kind(rows[0].kind)}, not of {_kind(kind)}: give another --table")
    return rows


def merge(path: Path, others: Iterable[Path], keep: bool = True) -> int:
    """Append the rows of other tables that `path` lacks; how many. Two answers to one question are refused.

    keep: without it nothing is written.
    """
    with growing(path) if keep else contextlib.nullcontext(read_rows(path)) as rows:
        known, new = {row.key: row for row in rows}, list[PairRow]()
        source = dict.fromkeys(known, path)
        for other in others:
            if not other.is_file():
                raise DataError(f"no table at {other}: give the path of a CSV that a harvest wrote")
            for row in read_rows(other):
                there = next(iter(known.values()), row)
                if row.kind != there.kind:
                    raise UsageError(f"{other} holds pairs of {_kind(row.kind)}, {path} of {_kind(there.kind)}")
                if row.networks != there.networks:
                    raise UsageError(f"{other} holds {_networks(row)}, {path} {_networks(there)}")
                if row.key not in known:
                    _check_arch(other, row)
                    new.append(row)
                    source[row.key] = other
                elif known[row.key].answer != row.answer:
                    raise DataError(
                        f"{other} and {source[row.key]} both measured {_named(row)}, with different results: "
                        "find out which is right and delete the other's row"
                    )
                known.setdefault(row.key, row)
        if new and keep:
            append(path, new)
    return len(new)


def _check_arch(path: Path, row: PairRow) -> None:
    """Refuse a network that its space does not know."""
    try:
        get_space(row.space).parse(row.arch)
    except UsageError as error:
        raise DataError(f"{path}: {error}") from error


def _row(line: csv_rows.Row) -> PairRow:
    """The record of one line; the column `distiller` may be missing."""
    values = {}
    for field in fields(PairRow)[:-1]:
        kind = str(field.type)
        value = line.text(field.name) if kind == "str" else line.number(field.name)
        if value is not None and field.name in PERCENTS:
            line.percent(field.name)
        if value is None and "None" not in kind:
            raise line.fault(field.name, "empty, expected a number")
        values[field.name] = line.integer(field.name) if kind == "int" else value
    return PairRow(**values, distiller=line.text("distiller", DISTILLER if line.text("teacher") else ""))  # type: ignore[arg-type]


def _header(content: bytes) -> tuple[str, ...]:
    """The columns that a table has."""
    return tuple(name.strip() for name in next(csv.reader([content.partition(b"\n")[0].decode("utf-8-sig")])))


def _columns(rows: Sequence[PairRow]) -> tuple[str, ...]:
    """Those of a new table: the distiller is named where it is not the usual one."""
    return PLAIN if all(row.distiller in ("", DISTILLER) for row in rows) else COLUMNS


def _line(row: PairRow, columns: Sequence[str]) -> str:
    values = [getattr(row, column) for column in columns]
    if "distiller" not in columns and row.distiller not in ("", DISTILLER):
        raise DataError(f"a table without a column `distiller` cannot hold a pair of {row.distiller}")
    for value in values:
        if isinstance(value, str) and set(value) & set(',"\n\r'):
            raise DataError(f"a table cell cannot hold {value!r}")
    return ",".join("" if value is None else str(value) for value in values) + "\n"


def _named(row: PairRow) -> str:
    return f"{row.arch}, seed {row.seed}"


def _networks(row: PairRow) -> str:
    space, skeleton, images, epochs = row.networks
    return f"networks of {space} in {skeleton}, trained on {images} for {epochs} epochs"


def _kind(kind: tuple[str, str, str] | None) -> str:
    protocol, teacher, distiller = kind or ("", "", "")
    return f"{protocol} ({f'{distiller} by {teacher}' if distiller else 'alone'})"
