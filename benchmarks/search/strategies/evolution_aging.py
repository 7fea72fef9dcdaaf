"""REA: regularised (aging) evolution."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from benchmarks.search.problem import TRIES, SearchProblem
from benchmarks.search.protocol import Evaluation, Strategy, Trial
from benchmarks.search.registry import strategy
from diswot_errors import UsageError


@strategy("evolution-aging", paper="Real et al., AAAI 2019 (REA)")
class AgingEvolution(Strategy):
    """The best of a small tournament mutates, the oldest of the population leaves.

    Population 10 and tournament 3 as in the search experiments of NAS-Bench-201. A network may be asked for again.
    """

    def __init__(self, problem: SearchProblem, seed: int, *, population: int = 10, tournament: int = 3) -> None:
        super().__init__(problem, seed)
        if population < 1 or tournament < 1:
            raise UsageError(
                f"evolution-aging: population and tournament are at least 1, got {population} and {tournament}"
            )
        self.size, self.tournament = population, tournament
        self.population: deque[tuple[Any, float]] = deque()
        self._started = False

    def propose(self) -> list[Trial]:
        """The first population, then one child at a time."""
        archs = [self._child()] if self._started else self.problem.shuffled(self.rng)[: self.size]
        self._started = True
        return [Trial(arch, self.problem.fidelities[-1]) for arch in archs]

    def learn(self, evaluations: Sequence[Evaluation]) -> None:
        """Append; while the population is too large the oldest leaves."""
        self.population.extend((e.trial.arch, e.value) for e in evaluations if e.value is not None)
        while len(self.population) > self.size:
            self.population.popleft()

    def _child(self) -> Any:
        for _ in range(TRIES if self.population else 0):
            rivals = self.rng.sample(list(self.population), min(self.tournament, len(self.population)))
            child = self.problem.mutate(max(rivals, key=lambda member: member[1])[0], self.rng)
            if child is not None:
                return child
        return self.problem.draw(self.rng)
