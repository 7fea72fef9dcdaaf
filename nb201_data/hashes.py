"""Hashes of files and tables, written `kind:digits`: md5, sha256, sha256-prefix (as in file names), table-sha256."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any


def hash_of(path: Path, expected: str) -> str:
    """Hash of a file, written the way `expected` is: same kind, same number of digits."""
    kind, _, digits = expected.partition(":")
    if kind == "table-sha256":
        return f"{kind}:{table_hash(path)}"
    digest = hashlib.new(kind.removesuffix("-prefix"))
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return f"{kind}:{digest.hexdigest()[: len(digits)]}"


def hash_of_bytes(content: bytes, expected: str) -> str:
    """Like `hash_of`, for content already in memory."""
    kind, _, digits = expected.partition(":")
    return f"{kind}:{hashlib.new(kind.removesuffix('-prefix'), content).hexdigest()[: len(digits)]}"


def table_hash(path: Path) -> str:
    """sha256 of what a CSV file says: order of rows, line ends and digits beyond the fourth do not matter."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = ["\x1f".join(_canonical(cell) for cell in row) for row in csv.reader(stream)]
    return hashlib.sha256("\x1e".join([*rows[:1], *sorted(rows[1:])]).encode()).hexdigest()


def _canonical(cell: str) -> str:
    """A number to four decimals; a JSON value with sorted keys and its numbers likewise; anything else as it is."""
    try:
        value = _plain(json.loads(cell))
    except (ValueError, RecursionError, OverflowError):  # OverflowError: a whole number that no float holds
        return cell
    return value if isinstance(value, str) else json.dumps(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return f"{value:.4f}" if isinstance(value, int | float) and not isinstance(value, bool) else value
