"""Among whom a score of one network stands: released networks of its size that were asked the same question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from benchmarks.scoring.question import Question
from benchmarks.scoring.released import Card, ScoreTable, release_of
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space

BAND = 1.25
"""Of the same size is what has at most so many times more, or fewer, parameters."""
NEAREST, LEAST = 100, 10
"""Networks: so many of the nearest are taken, with those as near as the last; among fewer a percentile says nothing."""
OPTIONS = {
    "images": "--images {}",
    "init": "--init {}",
    "batch_size": "--batch-size {}",
    "split": "--split {}",
    "teacher": "--teacher '{}'",
    "teacher_init": "weights of the teacher {}",
    "device": "device {}",
    "precision": "precision {}",
    "seed": "seed {}",
    "batch_seed": "seed of the batch {}",
    "teacher_seed": "seed of the teacher {}",
    "version": "version {} of the score",
    "origin": "a score from {}",
    "recipe": "recipe {}",
}
"""What makes two scores comparable, all of a question but space, skeleton and torch; as a command takes it."""
IMPLIED = {"init": ("teacher_init",), "seed": ("batch_seed", "teacher_seed")}


@dataclass(frozen=True)
class Peers:
    """Scores of released networks of the same size, or why there are none."""

    values: tuple[float, ...] = ()
    why: str = ""


def peers(tables: Iterable[ScoreTable], question: Question, params: int) -> Peers:
    """The nearest of the released networks with a value, by parameters, from all tables that are comparable."""
    mine = _comparable(question)
    there = [table for table in tables if question.proxy in table.card.columns]
    apart = {table.path: _differences(question, mine, table.card) for table in there}
    alike = [table for table in there if not apart[table.path]]
    if not there:
        return Peers(why="no released table holds this score")
    if not alike:
        pixels = Skeleton.parse(question.skeleton).resolution
        nearest = min(there, key=lambda one: (_pixels(one.card) != pixels, len(apart[one.path])))
        return Peers(why=f"released for {', '.join(apart[nearest.path])}")
    near: list[tuple[float, float]] = []
    total = 0
    for table in alike:
        sizes = _sizes(table.card.setting["space"], table.card.setting["skeleton"], tuple(table.archs))
        for arch, answer in table.answers(question.proxy).items():
            ratio = max(sizes[arch], params) / max(1, min(sizes[arch], params))
            total += 1
            if answer.value is not None and ratio <= BAND:
                near.append((ratio, answer.value))
    if len(near) < LEAST:
        low, high = params / BAND, params * BAND
        return Peers(why=f"{len(near)} of {total:,} released networks have {low:,.0f} to {high:,.0f} parameters")
    reach = sorted(ratio for ratio, _ in near)[:NEAREST][-1]
    return Peers(tuple(value for ratio, value in near if ratio <= reach))


def percentile(value: float, values: Sequence[float], direction: str) -> float:
    """100 (number of worse ones + half the number of equal ones) / n; which end is worse, `direction` says."""
    sign = -1 if direction == "lower" else 1
    worse = sum(sign * other < sign * value for other in values)
    return 100 * (worse + sum(other == value for other in values) / 2) / len(values)


def _differences(question: Question, mine: Mapping[str, object], card: Card) -> list[str]:
    """`--init gaussian, not as-built`, for each difference; a different torch is one."""
    there = _comparable(card.question(question.proxy))
    names = [name for name in OPTIONS if there[name] != mine[name]]
    implied = {name for first in names for name in IMPLIED.get(first, ())}
    said = [f"{OPTIONS[name].format(there[name])} (here {mine[name]})" for name in names if name not in implied]
    if release_of(question.torch) not in card.reproduces:
        said.append(f"torch {' or '.join(card.reproduces)} (here {release_of(question.torch)})")
    return said


def _pixels(card: Card) -> int:
    """Of the images that a table's networks look at."""
    return Skeleton.parse(card.setting["skeleton"]).resolution


def _comparable(question: Question) -> dict[str, object]:
    """The parts of a question that two networks must share; the teacher with its skeleton."""
    parts: dict[str, object] = {name: getattr(question, name) for name in OPTIONS}
    if question.teacher and " of " not in question.teacher:
        from nb201_data.teachers import full_name  # torch, which --help does not wait for

        space = get_space(question.space).with_skeleton(Skeleton.parse(question.skeleton))
        parts["teacher"] = full_name(question.teacher, space)
    return parts


@lru_cache(maxsize=16)
def _sizes(space: str, skeleton: str, archs: tuple[str, ...]) -> Mapping[str, int]:
    """Parameters of each architecture."""
    around = get_space(space).with_skeleton(Skeleton.parse(skeleton))
    return {arch: around.params(around.parse(arch)) for arch in archs}
