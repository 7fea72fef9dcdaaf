"""What is maximised: an objective values a batch of trials. No torch."""

import pickle
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Protocol, runtime_checkable

from benchmarks.engines.team import Team
from benchmarks.search.protocol import FULL, Trial, Value
from diswot_errors import UsageError


@runtime_checkable
class Objective(Protocol):
    """A plain function of an architecture will do too: see `as_objective`."""

    @property
    def name(self) -> str: ...

    @property
    def fidelities(self) -> tuple[int, ...]: ...  # ascending; the last one is what counts

    def values(self, trials: Sequence[Trial]) -> Iterator[Value]:
        """One for each, in their order."""
        ...


class EachByItself(ABC):
    """An objective whose trials have nothing to do with one another: each is valued when it is looked at."""

    @abstractmethod
    def value(self, trial: Trial) -> Value:
        """Of one trial."""

    def timed(self, trial: Trial) -> Value:
        """With the wall seconds that it took, where it names no cost."""
        begin = time.perf_counter()
        value = self.value(trial)
        return value if value.seconds is not None else replace(value, seconds=time.perf_counter() - begin)

    def values(self, trials: Sequence[Trial]) -> Iterator[Value]:
        """One for each, in their order."""
        return map(self.timed, trials)


class FunctionObjective(EachByItself):
    """A function arch -> value as an objective of one fidelity."""

    fidelities = (FULL,)

    def __init__(self, function: Callable[[Any], float]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", type(function).__name__)

    def value(self, trial: Trial) -> Value:
        """What the function returns."""
        return Value(float(self.function(trial.arch)))


def as_objective(objective: Objective | Callable[[Any], float]) -> Objective:
    """An objective as it is, a plain function wrapped."""
    return objective if isinstance(objective, Objective) else FunctionObjective(objective)


@dataclass(frozen=True)
class _Spread:
    """An objective whose trials go to worker processes; each of them keeps one copy of it."""

    name: str
    fidelities: tuple[int, ...]
    frozen: bytes
    team: Team

    def values(self, trials: Sequence[Trial]) -> Iterator[Value]:
        early: dict[int, Value] = {}
        arriving = self.team.each(partial(_remote, self.frozen), enumerate(trials))
        for position in range(len(trials)):
            while position not in early:
                early.update([next(arriving)])
            yield early.pop(position)


def on_workers(objective: Objective | Callable[[Any], float], team: Team) -> Objective:
    """The objective with its trials valued by `team`; as it is where that is this process alone."""
    objective = as_objective(objective)
    if team.here:
        return objective
    try:
        return _Spread(objective.name, objective.fidelities, pickle.dumps(objective), team)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UsageError(f"{objective.name} cannot go to other processes: {error}; use one worker") from error


def _remote(frozen: bytes, job: tuple[int, Trial]) -> tuple[int, Value]:
    return job[0], _thawed(frozen).timed(job[1])


@lru_cache(maxsize=1)
def _thawed(frozen: bytes) -> EachByItself:
    thawed: EachByItself = pickle.loads(frozen)
    return thawed
