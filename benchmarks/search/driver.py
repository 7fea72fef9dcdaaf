"""A search step by step: exact budget, resumable, the same trajectory however its trials are valued."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.command.claim import claimed
from benchmarks.engines.progress import Progress
from benchmarks.search import trajectory
from benchmarks.search.constraints import Constraint
from benchmarks.search.objective import Objective, as_objective
from benchmarks.search.problem import SearchProblem
from benchmarks.search.protocol import Evaluation, Trial, Value
from benchmarks.search.registry import get_strategy, make_strategy
from diswot_errors import UsageError
from nb201_data.spaces import SearchSpace

UNLIMITED = 10**18
"""Seconds, where no limit was given: a number, so that it is known to be larger than any limit."""
Watch = Callable[[Evaluation, int], object]
"""Told of every evaluation, those that a file holds included, and of how many there are."""

GROWING = ("budget", "max_seconds")
"""What may be larger where a search goes on: a search of less is the beginning of one of more."""


class Improvement(NamedTuple):
    """An evaluation better than all before it, after how many evaluations and seconds."""

    evaluations: int
    seconds: float
    evaluation: Evaluation


@dataclass(frozen=True)
class SearchResult:
    """What a search found, and all it looked at on the way."""

    strategy: str
    settings: dict[str, Any]
    trajectory: tuple[Evaluation, ...]
    stopped: str
    """Why it ended: 'evaluations', 'seconds' (the budgets), or 'exhausted' (the strategy had nothing left to ask)."""

    @cached_property
    def improvements(self) -> tuple[Improvement, ...]:
        """The best so far each time it changed, at the highest fidelity that gave a value."""
        highest = max((e.trial.fidelity for e in self.trajectory if e.value is not None), default=None)
        best, spent, found = -math.inf, 0.0, []
        for count, evaluation in enumerate(self.trajectory, start=1):
            spent += evaluation.seconds
            if evaluation.trial.fidelity == highest and evaluation.rank_value > best:
                best = evaluation.rank_value
                found.append(Improvement(count, spent, evaluation))
        return tuple(found)

    @property
    def best(self) -> Any | None:
        """The highest value at the highest fidelity that gave one, the first of equals; None: all failed."""
        return self.improvements[-1].evaluation.trial.arch if self.improvements else None

    @property
    def value(self) -> float | None:
        """What the best was found for."""
        return self.improvements[-1].evaluation.value if self.improvements else None

    @property
    def evaluations(self) -> int:
        """Trials valued, repeated ones included: what the budget counts."""
        return len(self.trajectory)

    @property
    def distinct(self) -> int:
        """Different architectures among them."""
        return len({str(evaluation.trial.arch) for evaluation in self.trajectory})

    @property
    def failed(self) -> int:
        """Evaluations without a value."""
        return sum(evaluation.value is None for evaluation in self.trajectory)

    @property
    def seconds(self) -> float:
        """Cost of all evaluations: wall seconds of one worker, or what the objective says they cost."""
        return math.fsum(evaluation.seconds for evaluation in self.trajectory)


class Search:
    """A search that its owner drives: value its `trials`, `tell` the values, as long as there are trials.

    It makes `budget` evaluations, fewer only if the cost reaches `max_seconds` or nothing is left to ask for. A trial
    that was valued before counts as an evaluation, but takes its value from memory in 0 seconds and is none of
    `trials`; `charged`, it costs its seconds again. An evaluation that would end after `max_seconds` is not counted.
    """

    def __init__(
        self,
        problem: SearchProblem,
        strategy: str,
        budget: int,
        *,
        seed: int = 0,
        settings: dict[str, Any] | None = None,
        max_seconds: float = math.inf,
        charged: bool = False,
        watch: Watch = lambda evaluation, count: None,
    ) -> None:
        if budget < 1 or not max_seconds > 0:
            raise UsageError(f"budget and max_seconds must be positive, got {budget} and {max_seconds}")
        self.problem, self.strategy, self.seed = problem, strategy, seed
        self.settings = get_strategy(strategy).resolve(settings or {})
        self.budget, self.max_seconds, self.charged, self.watch = budget, max_seconds, charged, watch
        self.trajectory: list[Evaluation] = []
        self.trials: list[Trial] = []
        self.stopped = ""
        self._asker = make_strategy(strategy, problem, seed, self.settings)
        self._batch: list[Trial] = []
        self._known: dict[tuple[str, int], Evaluation] = {}
        self._spent = 0.0
        self._file: Path | None = None
        self._advance()

    def resume(self, file: Path) -> "Search":
        """Go on where the file ends, and write what follows to it at once."""
        self._file = file
        for evaluation in self._asker.restore(trajectory.read(file)):
            self._keep(evaluation)
        self._advance()
        return self

    @property
    def result(self) -> SearchResult:
        """What was found so far."""
        return SearchResult(self.strategy, self.settings, tuple(self.trajectory), self.stopped)

    def run(self, objective: Objective) -> SearchResult:
        """To the end."""
        while self.trials:
            self.tell(objective.values(self.trials))
        return self.result

    def tell(self, values: Iterable[Value]) -> None:
        """The values of `trials` in their order. Where they come one by one, each is kept before the next is made."""
        self._take(values)
        self._advance()

    def _take(self, values: Iterable[Value]) -> None:
        found = iter(values)
        for trial in self._batch:
            if known := self._known.get(trial.key):
                new = Evaluation(trial, known.value, known.seconds if self.charged else 0.0, known.reason)
            else:
                new = Evaluation.of(trial, next(found))
            if self._spent + new.seconds > self.max_seconds:
                self.stopped = "seconds"
                return
            self._asker.tell(new)
            if self._file:
                trajectory.append(self._file, len(self.trajectory) + 1, new)
            self._keep(new)

    def _keep(self, evaluation: Evaluation) -> None:
        self._known.setdefault(evaluation.trial.key, evaluation)
        self._spent += evaluation.seconds
        self.trajectory.append(evaluation)
        self.watch(evaluation, len(self.trajectory))

    def _advance(self) -> None:
        """To the next batch with something new in it, or to the end."""
        self.trials = []
        while not self.stopped and not self.trials:
            left = self.budget - len(self.trajectory)
            self._batch = self._asker.ask()[:left] if left > 0 else []
            self.trials = list({t.key: t for t in self._batch if t.key not in self._known}.values())
            if not self._batch:
                self.stopped = "evaluations" if left <= 0 else "exhausted"
            elif not self.trials:
                self._take(())

    def identity(self, objective: Objective) -> dict[str, Any]:
        """Every setting that decides the trajectory."""
        problem = self.problem
        return {
            "space": problem.space.name,
            "skeleton": str(problem.space.skeleton),
            "objective": objective.name,
            "fidelities": list(objective.fidelities),
            "constraints": [str(constraint) for constraint in problem.constraints],
            "strategy": self.strategy,
            "settings": self.settings,
            "seed": self.seed,
            "budget": self.budget,
            "max_seconds": UNLIMITED if math.isinf(self.max_seconds) else self.max_seconds,
        }


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
    charged: bool = False,
    folder: Path | None = None,
    watch: Watch = lambda evaluation, count: None,
) -> SearchResult:
    """Search `space`; the budgets are those of `Search`.

    With a `folder` the search goes on where its `trajectory.csv` ends, to the same budget or a larger one, with the
    trajectory of an uninterrupted search; a folder of another search is refused.
    """
    objective = as_objective(objective)
    problem = SearchProblem(space, tuple(constraints), objective.fidelities)
    limits: dict[str, Any] = {"max_seconds": max_seconds, "charged": charged}
    search = Search(problem, strategy, budget, seed=seed, settings=settings, watch=watch, **limits)
    if folder is None:
        return search.run(objective)
    with claimed(folder, search.identity(objective), growing=GROWING):
        return search.resume(folder / trajectory.NAME).run(objective)


def watched(shown: Progress) -> Watch:
    """Advances `shown` with the best value so far."""
    best = -math.inf

    def watch(evaluation: Evaluation, count: int) -> None:
        nonlocal best
        best = max(best, evaluation.rank_value)
        shown.advance(note=f"best {best:.6g}")

    return watch
