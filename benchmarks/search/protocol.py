"""Ask and tell: what a search strategy, its trials and their evaluations are. No torch.

A strategy never sees how a trial is valued, by how many workers or in which order: it asks for a batch, and learns
from it once the whole batch has been valued, in the order in which it asked. Its trajectory is therefore a function of
(problem, seed, settings, values) alone. That makes its state plain: the list of evaluations. `restore` asks for the
same trials again and hands the recorded evaluations in; the random numbers follow by themselves, and a new strategy is
resumable without a line of its own.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, ClassVar

from benchmarks.search.problem import SearchProblem
from diswot_errors import UsageError

FULL = 0
"""The fidelity of an objective that knows only one; others number theirs, in epochs."""


@dataclass(frozen=True, slots=True)
class Trial:
    """An architecture whose value is wanted, at this fidelity."""

    arch: Any
    fidelity: int = FULL

    @property
    def key(self) -> tuple[str, int]:
        """Two trials with the same key have the same value."""
        return str(self.arch), self.fidelity


@dataclass(frozen=True, slots=True)
class Value:
    """What an objective says of a trial: a number, higher being better, or a reason; and what that cost."""

    number: float | None
    reason: str = ""
    seconds: float | None = None
    """None: the wall seconds that it took, see `objective.EachByItself`."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A trial and its value. Seconds are 0 where the value was already known."""

    trial: Trial
    value: float | None
    seconds: float = 0.0
    reason: str = ""

    @classmethod
    def of(cls, trial: Trial, value: Value) -> "Evaluation":
        """What is not a finite number is no value."""
        number, seconds = value.number, value.seconds or 0.0
        if number is None or not math.isfinite(number):
            why = "no value" if number is None else f"value is {number}"
            return cls(trial, None, seconds, value.reason or why)
        return cls(trial, float(number), seconds, value.reason)

    @property
    def rank_value(self) -> float:
        """The value, or minus infinity for a failure: a failure is never preferred."""
        return -math.inf if self.value is None else self.value


class Strategy(ABC):
    """A search strategy: `propose` the next batch, `learn` from its evaluations. Settings are keyword-only arguments.

    Every trial counts as one evaluation, also one that was asked for before (its value is then known, at no cost in
    seconds): a strategy that goes round in circles pays for it.
    """

    name: ClassVar[str]

    def __init__(self, problem: SearchProblem, seed: int) -> None:
        self.problem = problem
        self.rng = Random(seed)
        self.evaluations: list[Evaluation] = []
        self._batch: list[Trial] = []
        self._told: dict[int, Evaluation] = {}

    @abstractmethod
    def propose(self) -> list[Trial]:
        """The next batch; empty when there is nothing left to ask for."""

    def learn(self, evaluations: Sequence[Evaluation]) -> None:  # noqa: B027  (random search learns nothing)
        """Take in the whole batch, in the order of asking."""

    def ask(self) -> list[Trial]:
        """The trials that are open: the rest of the current batch, or a new one. Empty: the search is over."""
        if not self._batch:
            self._batch = self.propose()
        return [trial for position, trial in enumerate(self._batch) if position not in self._told]

    def tell(self, evaluation: Evaluation) -> None:
        """What came of one open trial; the order among those of a batch does not matter."""
        for position, trial in enumerate(self._batch):
            if position not in self._told and trial == evaluation.trial:
                self._told[position] = evaluation
                break
        else:
            raise UsageError(f"{self.name} was told about {evaluation.trial}, which it has not asked for")
        if len(self._told) == len(self._batch):
            evaluations = [self._told[position] for position in range(len(self._batch))]
            self._batch, self._told = [], {}
            self.evaluations += evaluations
            self.learn(evaluations)

    def restore(self, recorded: Iterable[Evaluation]) -> list[Evaluation]:
        """Bring a fresh strategy to where these end, by key; `UsageError` where it does not ask for one of them."""
        restored = []
        for count, old in enumerate(recorded, start=1):
            trial = next((trial for trial in self.ask() if trial.key == old.trial.key), None)
            if trial is None:
                raise UsageError(
                    f"cannot go on with {self.name}: evaluation {count} was {old.trial.arch} at fidelity "
                    f"{old.trial.fidelity}, which this search does not ask for there; give the same seed and settings, "
                    "or start anew"
                )
            restored.append(replace(old, trial=trial))
            self.tell(restored[-1])
        return restored
