"""Which networks of a truth a number is about: never left unsaid, since it decides the number."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nb201_data.ground_truth import GroundTruth
from nb201_data.spaces import SearchSpace, get_space

LEAST = 10  # networks, below which nothing is said
ENOUGH = 0.9
"""The share of some networks that a score must have a value for to count as there."""


@dataclass(frozen=True)
class Population:
    """Networks of a truth under a name."""

    key: str  # 'all', 'live'
    name: str
    archs: tuple[str, ...]


def space_of(truth: GroundTruth) -> SearchSpace:
    """Of the networks of a truth, in its skeleton."""
    space = get_space(truth.space)
    return space.with_skeleton(truth.skeleton or space.skeleton)


def populations(truth: GroundTruth) -> list[Population]:
    """All networks of a truth, and where some of them have dead branches those that have none."""
    space = get_space(truth.space)
    archs = tuple(truth.values)
    parsed = {arch: space.parse(arch) for arch in archs}
    alive = tuple(arch for arch, each in parsed.items() if space.canonical(each) == each)
    whole = Population("all", f"all {len(archs):,} networks of {truth.name}", archs)
    if len(alive) == len(archs) or len(alive) < LEAST:
        return [whole]
    return [whole, Population("live", f"the {len(alive):,} of {len(archs):,} without dead branches", alive)]


def fair(order: Sequence[str], there: Collection[str]) -> bool:
    """Whether networks are a fair sample of those of a random order: they are its first ones, but for a tenth.

    What was scored on the cells without dead branches alone says nothing of all.
    """
    return sum(arch in there for arch in order[: len(there)]) >= ENOUGH * len(there)
