"""What `python -m benchmarks.scores` prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.scores.compare import Conflict
from benchmarks.scoring.question import Question
from benchmarks.scoring.release import Book
from reports.tables import format_count

MOST = 20  # conflicts that are printed


def info_text(path: Path, book: Book) -> str:
    """A line for each setting: how many proxies, networks and scores."""
    proxies: dict[str, set[tuple[str, int]]] = defaultdict(set)
    networks: dict[str, set[str]] = defaultdict(set)
    scores: dict[str, int] = defaultdict(int)
    for question, found in book:
        setting = _setting(question)
        proxies[setting].add((question.proxy, question.version))
        networks[setting] |= found.keys()
        scores[setting] += len(found)
    lines = [
        f"  {setting}: {format_count(len(proxies[setting]), 'proxy')}, "
        f"{format_count(len(networks[setting]), 'network')}, {format_count(scores[setting], 'score')}"
        for setting in sorted(scores)
    ]
    return "\n".join([f"{path}: {format_count(sum(scores.values()), 'score')}", *lines])


def conflicts_text(conflicts: Sequence[Conflict], word: str) -> str:
    """The first of them, each on a line, and how many there are; empty without any."""
    if not conflicts:
        return ""
    more = [f"  and {len(conflicts) - MOST:,} more"] if len(conflicts) > MOST else []
    return "\n".join(
        [f"{format_count(len(conflicts), 'conflict')}, {word}:", *(f"  {each}" for each in conflicts[:MOST]), *more, ""]
    )


def _setting(question: Question) -> str:
    teacher = f", teacher {question.teacher}" if question.teacher else ""
    return (
        f"{question.space} {question.skeleton}, {question.init} weights, seed {question.seed}, {question.batch_size} "
        f"{question.split} images of {question.images}{teacher}, {question.device}, torch {question.torch}, recipe "
        f"{question.recipe}"
    )
