"""What `python -m benchmarks.scores` prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.scores.compare import Conflict
from benchmarks.scoring.question import Question
from benchmarks.scoring.release import Book
from reports.cells import short_name
from reports.schema import Cell, Column, Table
from reports.tables import NOTHING, as_text, format_count

MOST = 20  # conflicts that are printed
Setting = tuple[str, ...]
_SETTING: dict[str, Callable[[Question], str]] = {
    "space": lambda asked: asked.space,
    "skeleton": lambda asked: asked.skeleton,
    "weights": lambda asked: asked.init,
    "seed": lambda asked: str(asked.seed),
    "images": lambda asked: f"{asked.batch_size} of {asked.images}",
    "split": lambda asked: asked.split,
    "teacher": lambda asked: _teacher(asked) if asked.teacher else NOTHING,
    "device": lambda asked: asked.device,
    "torch": lambda asked: asked.torch,
    "recipe": lambda asked: str(asked.recipe),
}
"""What a row stands for; the rest of a question goes with these."""


def info_text(path: Path, book: Book) -> str:
    """A row for each setting: how many proxies, networks and scores; what is alike in all stands above."""
    proxies: dict[Setting, set[tuple[str, int]]] = defaultdict(set)
    networks: dict[Setting, set[str]] = defaultdict(set)
    scores: dict[Setting, int] = defaultdict(int)
    for question, found in book:
        setting = tuple(of(question) for of in _SETTING.values())
        proxies[setting].add((question.proxy, question.version))
        networks[setting] |= found.keys()
        scores[setting] += len(found)
    lines = [f"{path}: {format_count(sum(scores.values()), 'score')}"]
    if not scores:
        return lines[0]
    alike = {name: values.pop() for name, *own in zip(_SETTING, *scores, strict=True) if len(values := set(own)) == 1}
    if alike:
        lines.append(f"all: {', '.join(f'{name} {value}' for name, value in alike.items() if value != NOTHING)}")
    kept = [place for place, name in enumerate(_SETTING) if name not in alike]
    rows: list[tuple[Cell, ...]] = [
        (*(one[place] for place in kept), len(proxies[one]), len(networks[one]), scores[one]) for one in sorted(scores)
    ]
    counts = (Column(name, "integer") for name in ("proxies", "networks", "scores"))
    columns = (*(Column(name) for name in _SETTING if name not in alike), *counts)
    lines.append(as_text(Table(columns, tuple(rows))))
    return "\n".join(lines)


def conflicts_text(conflicts: Sequence[Conflict], word: str) -> str:
    """The first of them, each on a line, and how many there are; empty without any."""
    if not conflicts:
        return ""
    more = [f"  and {len(conflicts) - MOST:,} more"] if len(conflicts) > MOST else []
    return "\n".join(
        [f"{format_count(len(conflicts), 'conflict')}, {word}:", *(f"  {each}" for each in conflicts[:MOST]), *more, ""]
    )


def _teacher(question: Question) -> str:
    """Its short name, and which file where its weights are of one."""
    own = question.teacher_init.startswith("sha256:")
    return f"{short_name(question.teacher)}{f' {question.teacher_init[:14]}' if own else ''}"
