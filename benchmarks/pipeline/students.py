"""Which students are compared: the one that was found, and those it has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.pipeline.plan import PipelinePlan
from benchmarks.search.constraints import feasible
from diswot_errors import DataError

FOUND, LARGEST, BEST, RANDOM = "found", "most params", "best in the table", "random"


@dataclass(frozen=True)
class Choice:
    """The students by their part in the comparison; one may have several parts, and is then trained once."""

    found: Any
    largest: Any
    equals: int  # students with as many parameters as `largest`, itself included
    best: Any | None  # None without a table
    random: tuple[Any, ...]
    pool: int  # students that were to choose from

    @property
    def roles(self) -> dict[Any, tuple[str, ...]]:
        """Every student once, with all its parts; in the order of the report."""
        parts: dict[Any, list[str]] = {}
        pairs = [(self.found, FOUND), (self.largest, LARGEST), (self.best, BEST)]
        pairs += [(arch, f"{RANDOM} {place}") for place, arch in enumerate(self.random, start=1)]
        for arch, part in pairs:
            if arch is not None:
                parts.setdefault(arch, []).append(part)
        return {arch: tuple(names) for arch, names in parts.items()}

    @property
    def repeated(self) -> list[str]:
        """What is said of students with more than one part."""
        return [f"{' and '.join(names)} are one network" for names in self.roles.values() if len(names) > 1]

    @property
    def others(self) -> tuple[Any, ...]:
        """The random students but for the found one."""
        return tuple(arch for arch in self.random if arch != self.found)


def choose(plan: PipelinePlan, found: Any | None) -> Choice:
    """The students of the comparison, all within the constraints and without dead branches.

    The random ones are the first of a shuffled order, so that a larger number adds to a smaller one. Of several with
    the most parameters the first of that order is taken.
    """
    if found is None:
        raise DataError(f"no network got a value from {plan.score}, so nothing was found: try another --score")
    allowed = set(feasible(plan.space, plan.constraints))
    order = [arch for arch in plan.space.distinct() if arch in allowed]
    Random(f"random students {plan.seed}").shuffle(order)
    params = {arch: plan.space.params(arch) for arch in order}
    largest = max(order, key=params.__getitem__)
    return Choice(
        found=plan.space.canonical(found),
        largest=largest,
        equals=sum(value == params[largest] for value in params.values()),
        best=_best(plan, allowed),
        random=tuple(order[: plan.students]),
        pool=len(order),
    )


def _best(plan: PipelinePlan, allowed: set[Any]) -> Any | None:
    """The allowed student with the highest accuracy in the table."""
    if plan.truth is None:
        return None
    known = {plan.space.parse(key): value for key, value in plan.truth.values.items()}
    within = [arch for arch in known if arch in allowed]
    return plan.space.canonical(max(within, key=known.__getitem__)) if within else None
