"""Where scores lie, read alike: a store, a folder of released tables, a CSV or Parquet file.

A file has one row an answer: all fields of the question, then arch, value, status, reason, seconds. Numbers in a CSV
are Python's repr, so that reading gives the same bits back; an empty value is none.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.release import Book, Found, same
from benchmarks.scoring.released import Released
from benchmarks.scoring.store import KEPT, Store
from diswot_errors import DataError, UsageError
from nb201_data.sealed import write_whole

KEY = tuple(field.name for field in fields(Question))
WHOLE = frozenset(field.name for field in fields(Question) if str(field.type) == "int")
COLUMNS = (*KEY, "arch", *Answer._fields)
SUFFIXES = (".csv", ".csv.gz", ".parquet")


def there(path: Path) -> Path:
    """The path; refused where nothing lies."""
    if not (path.is_dir() or path.is_file()):
        raise UsageError(f"nothing at {path}: give a score store, a folder of released tables, or a .csv, .csv.gz, ...")
    return path


def open_book(path: Path, stack: ExitStack) -> Book:
    """What lies at `path`, told by its kind and name; a store is closed with the stack."""
    if there(path).is_dir():
        if not any(path.glob("*.json")):
            raise UsageError(f"{path} holds no released tables: expected files NAME.json and NAME.npz")
        return Released(path)
    if path.name.endswith(SUFFIXES):
        return read_rows(path)
    if not path.stat().st_size:
        raise DataError(f"{path} is empty: expected a score store, or a file that `scores export` wrote")
    return stack.enter_context(Store(path))


def write_rows(path: Path, book: Book) -> int:
    """Write every answer to a file whose name ends in .csv, .csv.gz or .parquet; how many."""
    if not path.name.endswith(SUFFIXES):
        raise UsageError(f"{path.name}: expected a name that ends in {', '.join(SUFFIXES)}")
    rows = [(*astuple(question), arch, *answer) for question, found in book for arch, answer in found.items()]
    write_whole(path, _parquet(rows) if path.suffix == ".parquet" else _csv(rows, path.suffix == ".gz"))
    return len(rows)


def read_rows(path: Path) -> list[tuple[Question, Found]]:
    """The answers of a file, by question; `DataError` with the row where one cannot be read."""
    book: dict[Question, Found] = {}
    for number, row in enumerate(_rows(path), 2):
        try:
            asked: dict[str, Any] = {name: _whole(row[name]) if name in WHOLE else str(row[name]) for name in KEY}
            question = Question(**asked)
            value = None if row["value"] in ("", None) else float(row["value"])
            answer = Answer(value, str(row["status"]), str(row["reason"]), float(row["seconds"]))
            if answer.status not in KEPT or (value is None) == (answer.status == "ok"):
                raise ValueError(f"status {answer.status!r} with value {value}")
            if not all(math.isfinite(number) for number in (value or 0.0, answer.seconds)):
                raise ValueError(f"value {value} after {answer.seconds} s, expected finite numbers")
            if (before := book.get(question, {}).get(str(row["arch"]), answer)) != answer and not same(before, answer):
                raise ValueError(f"{row['arch']} has another answer to the same question further up")
        except KeyError as error:
            lacking = ", ".join(name for name in COLUMNS if name not in row)
            raise DataError(
                f"{path} lacks the columns {lacking}: expected a file that `scores export` wrote"
            ) from error
        except (ValueError, TypeError, OverflowError) as error:
            raise DataError(f"{path}, row {number}: {error}") from error
        book.setdefault(question, {})[str(row["arch"])] = answer
    if not book:
        raise DataError(f"{path} holds no score: expected a file that `scores export` wrote")
    return list(book.items())


def _whole(text: Any) -> int:
    """A number that a store holds."""
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError(f"{number}, expected a whole number of at most 63 bits")
    return number


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix == ".parquet":
        parquet = _pyarrow()
        try:
            rows = parquet.read_table(path).to_pylist()
        except (OSError, ValueError) as error:  # pyarrow's own are both
            raise DataError(f"{path} cannot be read: {error}") from error
        yield from ({name: "" if value is None else value for name, value in row.items()} for row in rows)
        return
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
        yield from csv.DictReader(io.StringIO(text, newline=""))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _csv(rows: Iterable[tuple[Any, ...]], packed: bool) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    content = stream.getvalue().encode("utf-8")
    return gzip.compress(content, mtime=0) if packed else content


def _parquet(rows: list[tuple[Any, ...]]) -> bytes:
    parquet = _pyarrow()
    import pyarrow

    kinds = {name: pyarrow.int64() for name in WHOLE} | dict.fromkeys(("value", "seconds"), pyarrow.float64())
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in COLUMNS])
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    stream = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_arrays(arrays, schema=schema), stream)
    return stream.getvalue()


def _pyarrow() -> Any:
    """`pyarrow.parquet`, an extra."""
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow: pip install 'diswot-bench[parquet]', or use .csv.gz") from error
    return parquet
