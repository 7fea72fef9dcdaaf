"""Where a command that computes no score looks them up: the stores and files that it is given, the released tables."""

from __future__ import annotations

import argparse
import hashlib
from contextlib import ExitStack
from pathlib import Path

from benchmarks.scores.books import open_book, there
from benchmarks.scoring.release import Book
from benchmarks.scoring.released import Released
from diswot_errors import UsageError


def books_of(options: argparse.Namespace) -> list[Book]:
    """What `--store` names, then the released tables, read once: of two answers to one question the first counts."""
    with ExitStack() as stack:
        sources = [*(open_book(path, stack) for path in options.store), Released(tables_of(options))]
        return [list(book) for book in sources]


def hashes_of(options: argparse.Namespace) -> dict[str, str]:
    """Source -> SHA-256 of its file, or of the cards of a folder, which hold those of their tables."""
    return {str(path): _hash(path) for path in (*map(there, options.store), tables_of(options))}


def tables_of(options: argparse.Namespace) -> Path:
    """The folder of released tables."""
    if not options.tables.is_dir():
        raise UsageError(f"--tables {options.tables}: no such folder; expected released tables, or leave it out")
    return Path(options.tables)


def some_released(options: argparse.Namespace) -> Released:
    """The released tables, of a command that is about them: without any there is nothing to say."""
    released = Released(tables_of(options))
    if not released.tables:
        raise UsageError(
            f"--tables {options.tables} holds no released tables (NAME.json beside NAME.npz): name a folder that does, "
            "or leave it out"
        )
    return released


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        found.update(file.read_bytes())
    return found.hexdigest()[:16]
