"""Two sources of scores side by side, stores made one, and released scores computed again."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.engines.device import settle
from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.release import Book, same
from benchmarks.scoring.released import ScoreTable
from benchmarks.scoring.resolve import absent
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.setting import FIRST_TEACHER_SEED, Setting
from benchmarks.scoring.store import Store

TOLERANCE = 1e-3
"""Relative; what docs/proxies.md states of fp32 scores against float64."""


@dataclass(frozen=True)
class Conflict:
    """One question, one architecture, two answers."""

    question: Question
    arch: str
    first: Answer
    second: Answer

    def __str__(self) -> str:
        q = self.question
        return (
            f"{q.proxy} (version {q.version}) of {self.arch} on {q.space} {q.skeleton}, {q.images}, {q.init}, seed "
            f"{q.seed}: {_shown(self.first)} and {_shown(self.second)}"
        )


@dataclass(frozen=True)
class Difference:
    """How many answers only the first has, only the second, both alike; and those that contradict."""

    first: int
    second: int
    alike: int
    conflicts: tuple[Conflict, ...]


def diff(first: Book, second: Book) -> Difference:
    """Every answer of both."""
    left, right = dict(first), dict(second)
    first_only, second_only, alike = 0, 0, 0
    conflicts: list[Conflict] = []
    for question in dict.fromkeys([*left, *right]):
        mine, theirs = left.get(question, {}), right.get(question, {})
        first_only += len(mine.keys() - theirs.keys())
        second_only += len(theirs.keys() - mine.keys())
        for arch in mine.keys() & theirs.keys():
            if same(mine[arch], theirs[arch]):
                alike += 1
            else:
                conflicts.append(Conflict(question, arch, mine[arch], theirs[arch]))
    return Difference(first_only, second_only, alike, tuple(sorted(conflicts, key=str)))


def merge(store: Store, book: Book) -> tuple[int, list[Conflict]]:
    """Add what the store lacks: how many answers, and every conflict. What the store has stays; twice is as once."""
    added = 0
    conflicts: list[Conflict] = []
    for question, found in book:
        known = store.known(question)
        new = [(question, arch, answer) for arch, answer in found.items() if arch not in known]
        store.add(new)
        added += len(new)
        both = sorted(found.keys() & known.keys())
        conflicts += [Conflict(question, a, known[a], found[a]) for a in both if not same(known[a], found[a])]
    return added, conflicts


@dataclass(frozen=True)
class Checked:
    """Released scores computed again: to the bit, within the tolerance, and others.

    few: columns that were compared on fewer networks than asked for and than they hold: their proxy has moved on.
    """

    exact: int
    near: int
    conflicts: tuple[Conflict, ...]
    few: tuple[str, ...]


def verify(table: ScoreTable, sample: int, seed: int) -> Checked:
    """Score some networks of a table again, in this process and with this torch: of every column some that it holds."""
    from proxies.registry import get

    current = [name for name, column in table.card.columns.items() if get(name).version == column.version]
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)  # the columns that hold the same networks
    for name in current:
        alike[tuple(table.answers(name))].append(name)
    exact, near, compared = 0, 0, dict.fromkeys(table.card.columns, 0)
    conflicts: list[Conflict] = []
    settle()
    with TemporaryDirectory() as folder, Store(Path(folder) / "scores.sqlite") as store, Runner(store) as runner:
        for archs, names in alike.items():
            chosen = random.Random(seed).sample(archs, min(sample, len(archs)))
            infos = [get(name) for name in names]
            answers = runner.scores(Setting.of(table.card.any_question), infos, chosen, [table.card.setting["seed"]])
            for (name, _), found in answers.items():
                question = table.card.question(name)
                compared[name] += len(chosen)
                for arch, old in table.answers(name, chosen).items():
                    if same(old, found[arch]):
                        exact += 1
                    elif close(old, found[arch]):
                        near += 1
                    else:
                        conflicts.append(Conflict(question, arch, old, found[arch]))
    few = [name for name, column in table.card.columns.items() if compared[name] < min(sample, column.networks)]
    return Checked(exact, near, tuple(conflicts), tuple(few))


def close(one: Answer, other: Answer) -> bool:
    """Two values within `TOLERANCE` of the larger one."""
    if one.value is None or other.value is None:
        return one.status == other.status
    return abs(one.value - other.value) <= TOLERANCE * max(abs(one.value), abs(other.value))


def unverifiable(table: ScoreTable) -> str:
    """Why a table cannot be computed again here, or ''."""
    asked = table.card.any_question
    if asked.device != "cpu":
        return f"scored on {asked.device}"
    if asked.teacher and asked.teacher_seed != FIRST_TEACHER_SEED + asked.seed:
        return "scored with a teacher of a file"
    return absent(asked.images, Setting.of(asked).split)


def _shown(answer: Answer) -> str:
    return repr(answer.value) if answer.status == "ok" else answer.status
