"""RS: random search."""

from benchmarks.search.problem import SearchProblem
from benchmarks.search.protocol import Strategy, Trial
from benchmarks.search.registry import strategy

BATCH = 64


@strategy("random", paper="Bergstra and Bengio, JMLR 2012")
class RandomSearch(Strategy):
    """Allowed architectures in random order, none twice: the baseline that every other strategy has to beat."""

    def __init__(self, problem: SearchProblem, seed: int) -> None:
        super().__init__(problem, seed)
        self._order = problem.shuffled(self.rng)
        self._next = 0

    def propose(self) -> list[Trial]:
        """The next 64 of the shuffled order, at full fidelity."""
        batch = self._order[self._next : self._next + BATCH]
        self._next += len(batch)
        return [Trial(arch, self.problem.fidelities[-1]) for arch in batch]
