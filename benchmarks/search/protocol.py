"""Ask and tell: what a search strategy, its questions and its answers are. No torch.

A strategy never sees how a question is answered, by how many workers or in which order: it asks for a batch, and
learns from it once the whole batch has been answered, in the order in which it asked. Its trajectory is therefore a
function of (problem, seed, settings, answers) alone. That makes its state plain: the list of answers. `restore` asks
the same questions again and hands the recorded answers in; the random numbers follow by themselves, and a new strategy
is resumable without a line of its own.
"""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Protocol, runtime_checkable

from benchmarks.search.problem import SearchProblem
from diswot_errors import UsageError

FULL = 0
"""The fidelity of an objective that knows only one; others number theirs, in epochs."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is the value of this architecture, at this fidelity?"""

    arch: Any
    fidelity: int = FULL

    @property
    def key(self) -> tuple[str, int]:
        """Two questions with the same key have the same answer."""
        return str(self.arch), self.fidelity


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an objective returns: a value (higher is better) or a reason, and its cost where that is not wall time."""

    value: float | None
    reason: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that has been answered. Seconds are 0 where the answer was already known."""

    question: Question
    value: float | None
    seconds: float = 0.0
    reason: str = ""

    @property
    def rank_value(self) -> float:
        """The value, or minus infinity for a failure: a failure is never preferred."""
        return float("-inf") if self.value is None else self.value


@runtime_checkable
class Objective(Protocol):
    """What is maximised. A plain function of an architecture will do too: see `as_objective`."""

    @property
    def name(self) -> str: ...

    @property
    def fidelities(self) -> tuple[int, ...]: ...  # ascending; the last one is what counts

    def __call__(self, arch: Any, fidelity: int) -> Outcome: ...


@dataclass(frozen=True)
class FunctionObjective:
    """A function arch -> value as an objective of one fidelity."""

    function: Callable[[Any], float]

    @property
    def name(self) -> str:
        """The function's own name."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    @property
    def fidelities(self) -> tuple[int, ...]:
        """One."""
        return (FULL,)

    def __call__(self, arch: Any, fidelity: int) -> Outcome:
        return Outcome(float(self.function(arch)))


def as_objective(objective: "Objective | Callable[[Any], float]") -> Objective:
    """An objective as it is, a plain function wrapped."""
    return objective if isinstance(objective, Objective) else FunctionObjective(objective)


class Strategy(ABC):
    """A search strategy: `propose` the next batch, `learn` from its answers. Settings are keyword-only arguments.

    Every question counts as one evaluation, also one that was asked before (it is then answered from memory, at no cost
    in seconds): a strategy that goes round in circles pays for it.
    """

    name: ClassVar[str]

    def __init__(self, problem: SearchProblem, seed: int) -> None:
        self.problem = problem
        self.rng = Random(seed)
        self.answers: list[Answer] = []
        self._batch: list[Question] = []
        self._pending: dict[int, Answer] = {}

    @abstractmethod
    def propose(self) -> list[Question]:
        """The next batch; empty when there is nothing left to ask."""

    def learn(self, answers: Sequence[Answer]) -> None:  # noqa: B027  (random search learns nothing)
        """Take in the answers to the whole batch, in the order of asking."""

    def ask(self) -> list[Question]:
        """The questions that are open: the rest of the current batch, or a new one. Empty: the search is over."""
        if not self._batch:
            self._batch = self.propose()
        return [question for position, question in enumerate(self._batch) if position not in self._pending]

    def tell(self, answer: Answer) -> None:
        """Answer one open question; the order among those of a batch does not matter."""
        for position, question in enumerate(self._batch):
            if position not in self._pending and question == answer.question:
                self._pending[position] = answer
                break
        else:
            raise UsageError(f"{self.name} was told about {answer.question}, which it has not asked")
        if len(self._pending) == len(self._batch):
            answers = [self._pending[position] for position in range(len(self._batch))]
            self._batch, self._pending = [], {}
            self.answers += answers
            self.learn(answers)

    def state(self) -> list[list[Any]]:
        """Everything needed to go on later, as JSON: the answers so far, [arch, fidelity, value, seconds, reason]."""
        told = [*self.answers, *(self._pending[position] for position in sorted(self._pending))]
        return [[*answer.question.key, answer.value, answer.seconds, answer.reason] for answer in told]

    def restore(self, state: Iterable[Sequence[Any]]) -> list[Answer]:
        """Bring a fresh strategy to `state`, and return the answers; `UsageError` where it had not asked for them."""
        restored = []
        for position, (arch, fidelity, value, seconds, reason) in enumerate(state):
            asked = next((question for question in self.ask() if question.key == (arch, fidelity)), None)
            if asked is None:
                raise UsageError(
                    f"cannot resume {self.name}: evaluation {position + 1} was {arch} at fidelity {fidelity}, "
                    f"which this search does not ask there; resume with the same seed and settings, or start anew"
                )
            restored.append(Answer(asked, value, seconds, reason))
            self.tell(restored[-1])
        return restored


def near(name: str, known: Iterable[str]) -> str:
    """What to put behind an unknown name: '; did you mean ...?' with the known ones like it, or a full stop."""
    matches = difflib.get_close_matches(name, list(known), n=2, cutoff=0.5)
    return f"; did you mean {' or '.join(matches)}?" if matches else "."
