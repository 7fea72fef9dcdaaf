"""Run a strategy against an objective: exact budget, resumable, the same trajectory on any number of workers."""

import math
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.search.constraints import Constraint
from benchmarks.search.problem import SearchProblem
from benchmarks.search.protocol import Answer, Objective, Outcome, Question, Strategy, as_objective
from benchmarks.search.registry import get_strategy, make_strategy
from benchmarks.search.trajectory import TrajectoryFile
from benchmarks.workers import Workers
from diswot_errors import UsageError
from nb201_data.spaces import SearchSpace

Progress = Callable[[Answer, int], None]
Found = tuple[float | None, float, str]  # value, seconds, reason


class Improvement(NamedTuple):
    """An answer better than all before it, after how many evaluations and seconds."""

    evaluations: int
    seconds: float
    answer: Answer


@dataclass(frozen=True)
class SearchResult:
    """What a search found, and all it looked at on the way."""

    strategy: str
    settings: dict[str, Any]
    trajectory: tuple[Answer, ...]
    stopped: str
    """Why it ended: 'evaluations', 'seconds' (the budgets), or 'exhausted' (the strategy had nothing left to ask)."""

    @cached_property
    def improvements(self) -> tuple["Improvement", ...]:
        """The best so far each time it changed, at the highest fidelity that gave a value."""
        highest = max((a.question.fidelity for a in self.trajectory if a.value is not None), default=None)
        best, spent, found = -math.inf, 0.0, []
        for count, answer in enumerate(self.trajectory, start=1):
            spent += answer.seconds
            if answer.question.fidelity == highest and answer.rank_value > best:
                best = answer.rank_value
                found.append(Improvement(count, spent, answer))
        return tuple(found)

    @property
    def best(self) -> Any | None:
        """The highest value at the highest fidelity that gave one, the first of equals; None: all failed."""
        return self.improvements[-1].answer.question.arch if self.improvements else None

    @property
    def value(self) -> float | None:
        """What the best was found for."""
        return self.improvements[-1].answer.value if self.improvements else None

    @property
    def evaluations(self) -> int:
        """Questions answered, repeated ones included: what the budget counts."""
        return len(self.trajectory)

    @property
    def distinct(self) -> int:
        """Different architectures among them."""
        return len({answer.question.key[0] for answer in self.trajectory})

    @property
    def failed(self) -> int:
        """Evaluations without a value."""
        return sum(answer.value is None for answer in self.trajectory)

    @property
    def seconds(self) -> float:
        """Cost of all evaluations: wall seconds of one worker, or what the objective says they cost."""
        return math.fsum(answer.seconds for answer in self.trajectory)


def run_search(
    space: SearchSpace,
    strategy: str,
    objective: Objective | Callable[[Any], float],
    budget: int,
    *,
    constraints: Sequence[Constraint] = (),
    seed: int = 0,
    settings: dict[str, Any] | None = None,
    max_seconds: float = math.inf,
    workers: int = 1,
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> SearchResult:
    """Search `space` with `budget` evaluations, fewer only if the cost reaches `max_seconds` or nothing is left to ask.

    With a `folder` every evaluation is written to its `trajectory.csv` at once; `resume=True` goes on from there, to
    the end of the same budget or of a larger one, with the trajectory of an uninterrupted search. A repeated question
    counts as an evaluation but is answered from memory in 0 seconds. An evaluation that would end after `max_seconds`
    is not counted. The result does not depend on `workers` (processes); with several the objective must be picklable.
    """
    if budget < 1 or not max_seconds > 0 or workers < 1:
        raise UsageError(f"budget, max_seconds and workers must be positive, got {budget}, {max_seconds} and {workers}")
    objective = as_objective(objective)
    problem = SearchProblem(space, tuple(constraints), objective.fidelities)
    resolved = get_strategy(strategy).resolve(settings or {})
    asker = make_strategy(strategy, problem, seed, resolved)
    identity = {
        "space": space.name,
        "skeleton": str(space.skeleton),
        "objective": objective.name,
        "fidelities": list(objective.fidelities),
        "constraints": [str(constraint) for constraint in constraints],
        "strategy": strategy,
        "settings": resolved,
        "seed": seed,
    }
    with ExitStack() as stack:
        file = stack.enter_context(TrajectoryFile(folder, identity, resume)) if folder else None
        trajectory = _resumed(asker, file, budget) if file else []
        if progress:
            for count, answer in enumerate(trajectory, start=1):
                progress(answer, count)
        evaluate = stack.enter_context(_Evaluator(objective, workers))
        stopped = _search(asker, evaluate, trajectory, budget, max_seconds, file, progress)
    return SearchResult(strategy, resolved, tuple(trajectory), stopped)


def _resumed(asker: Strategy, file: TrajectoryFile, budget: int) -> list[Answer]:
    rows = file.rows
    if len(rows) > budget:
        raise UsageError(
            f"{file.path} holds {len(rows)} evaluations, more than the budget of {budget}; raise it or start anew"
        )
    return asker.restore(rows)


def _search(
    asker: Strategy,
    evaluate: "_Evaluator",
    trajectory: list[Answer],
    budget: int,
    max_seconds: float,
    file: TrajectoryFile | None,
    progress: Progress | None,
) -> str:
    known = {answer.question.key: answer for answer in trajectory}
    spent = math.fsum(answer.seconds for answer in trajectory)
    while len(trajectory) < budget:
        questions = asker.ask()[: budget - len(trajectory)]
        if not questions:
            return "exhausted"
        for answer in evaluate(questions, known):
            if spent + answer.seconds > max_seconds:
                return "seconds"
            spent += answer.seconds
            trajectory.append(answer)
            asker.tell(answer)
            if file:
                file.append(answer)
            if progress:
                progress(answer, len(trajectory))
    return "evaluations"


class _Evaluator:
    """Answers questions in their order, on one or more processes; what is known is not computed again."""

    def __init__(self, objective: Objective, workers: int) -> None:
        self.objective = objective
        self._team: Workers | None = None
        if workers > 1:
            try:
                self._team = Workers(workers, _thaw, pickle.dumps(objective))
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                raise UsageError(f"{objective.name} cannot go to other processes: {error}; use one worker") from error

    def __enter__(self) -> "_Evaluator":
        if self._team:
            self._team.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._team:
            self._team.__exit__(kind, error, trace)

    def __call__(self, questions: Sequence[Question], known: dict[tuple[str, int], Answer]) -> Iterator[Answer]:
        new = {question.key: question for question in questions if question.key not in known}
        found = self._ordered(list(new.values()))
        for question in questions:
            earlier = known.get(question.key)
            if earlier is None:
                value, seconds, reason = next(found)
                answer = Answer(question, value, seconds, reason)
                known[question.key] = answer
            else:
                answer = Answer(question, earlier.value, 0.0, earlier.reason)
            yield answer

    def _ordered(self, questions: Sequence[Question]) -> Iterator[Found]:
        if self._team is None:
            for question in questions:
                yield evaluate_one(self.objective, question)
            return
        early: dict[int, Found] = {}
        arriving = self._team.each(_remote, enumerate(questions))
        for position in range(len(questions)):
            while position not in early:
                early.update([next(arriving)])
            yield early.pop(position)


def evaluate_one(objective: Objective, question: Question) -> Found:
    """(value, seconds, reason): what is not a finite number has no value; an exception is not swallowed."""
    begin = time.perf_counter()
    outcome: Outcome = objective(question.arch, question.fidelity)
    seconds = time.perf_counter() - begin if outcome.seconds is None else outcome.seconds
    if outcome.value is None or not math.isfinite(outcome.value):
        return None, seconds, outcome.reason or ("no value" if outcome.value is None else f"value is {outcome.value}")
    return float(outcome.value), seconds, outcome.reason


_objective: Objective | None = None


def _thaw(frozen: bytes) -> None:
    global _objective
    _objective = pickle.loads(frozen)


def _remote(job: tuple[int, Question]) -> tuple[int, Found]:
    assert _objective is not None
    return job[0], evaluate_one(_objective, job[1])
