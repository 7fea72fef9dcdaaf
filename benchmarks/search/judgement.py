"""How good is what a search found? Read from the truth once, after the search: no strategy ever sees it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.search.constraints import Constraint
from nb201_data.spaces import SearchSpace


@dataclass(frozen=True)
class Judgement:
    """Where the found architecture stands among those of the truth that meet the constraints."""

    accuracy: float | None
    """Its true accuracy in percent; None where the truth does not hold it."""
    regret: float | None
    """The best accuracy that the constraints allow, minus its own."""
    percentile: float | None
    """Share of the allowed architectures that are truly worse, ties counting half, in percent."""
    best: str
    """The architecture that is truly best."""
    known: int
    """How many allowed architectures the truth holds."""


def judge(
    space: SearchSpace, arch: Any, truth: Mapping[str, float], constraints: Sequence[Constraint] = ()
) -> Judgement:
    """Look `arch` up in `truth` (accuracy by str(arch)), under its own name or that of its canonical form."""
    return judge_all(space, [arch], truth, constraints)[0]


def judge_all(
    space: SearchSpace, archs: Iterable[Any], truth: Mapping[str, float], constraints: Sequence[Constraint] = ()
) -> list[Judgement]:
    """`judge` for several results of one problem."""
    allowed = {key: value for key, value in truth.items() if all(c.met(space.parse(key)) for c in constraints)}
    best = max(allowed, key=allowed.__getitem__, default="")
    return [_judge(space, arch, truth, allowed, best) for arch in archs]


def _judge(
    space: SearchSpace, arch: Any, truth: Mapping[str, float], allowed: Mapping[str, float], best: str
) -> Judgement:
    accuracy = None
    if arch is not None:
        accuracy = truth.get(str(arch), truth.get(str(space.canonical(arch))))
    if accuracy is None or not allowed:
        return Judgement(accuracy, None, None, best, len(allowed))
    below = sum((value < accuracy) + 0.5 * (value == accuracy) for value in allowed.values())
    return Judgement(accuracy, allowed[best] - accuracy, 100 * below / len(allowed), best, len(allowed))
