"""Where a command that computes no score looks them up: the stores and files that it is given, the released tables."""

from __future__ import annotations

import argparse
import hashlib
from contextlib import ExitStack
from pathlib import Path

from benchmarks.scores.books import open_book
from benchmarks.scoring.release import Book


def books_of(options: argparse.Namespace) -> list[Book]:
    """What `--store` names, then the released tables, read once: of two answers to one question the first counts."""
    with ExitStack() as stack:
        return [list(open_book(path, stack)) for path in (*options.store, options.tables)]


def hashes_of(options: argparse.Namespace) -> dict[str, str]:
    """Source -> SHA-256 of its file, or of the cards of a folder, which hold those of their tables."""
    paths = (*options.store, options.tables)
    with ExitStack() as stack:
        for path in paths:
            open_book(path, stack)  # says what is wrong with it
    return {str(path): _hash(path) for path in paths}


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        found.update(file.read_bytes())
    return found.hexdigest()[:16]
