"""The rows of a file; one with a flipped bit; a made file of the catalogue, and what a fetch left behind."""

import csv
import dataclasses
import gzip
import hashlib
import io
from pathlib import Path

from nb201_data.catalogue import DataFile

GOOD = b"the content that was published" * 1_000


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, packed or not."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def flipped(content: bytes, bit: int) -> bytes:
    """The content with one bit changed."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def made_file(*urls: str, content: bytes = GOOD, **changes: object) -> DataFile:
    record = DataFile(
        "made/file",
        "a file of this test",
        "made/deep/file.bin",
        "none",
        "this test",
        f"sha256:{hashlib.sha256(content).hexdigest()}",
        urls=urls,
    )
    return dataclasses.replace(record, **changes)  # type: ignore[arg-type]


def left_in(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or "incoming" in path.name
    )
