"""Score everything."""

from benchmarks.search.problem import SearchProblem
from benchmarks.search.protocol import Strategy, Trial
from benchmarks.search.registry import strategy

BATCH = 256


@strategy("exhaustive", paper="none: the honest baseline where an evaluation is cheap")
class Exhaustive(Strategy):
    """Every architecture that really differs and is allowed, in the order of the space: no luck involved.

    Architectures with the same canonical form are the same network; of those only one that is allowed is asked for: the
    canonical one where it meets the constraints, else the first that does.
    """

    def __init__(self, problem: SearchProblem, seed: int) -> None:
        super().__init__(problem, seed)
        space = problem.space
        representatives = {space.canonical(arch): arch for arch in reversed(problem.archs)}
        representatives |= {arch: arch for arch in representatives if problem.allowed(arch)}
        asked = set(representatives.values())
        self._order = [arch for arch in problem.archs if arch in asked]
        self._next = 0

    def propose(self) -> list[Trial]:
        """The next 256, at full fidelity."""
        batch = self._order[self._next : self._next + BATCH]
        self._next += len(batch)
        return [Trial(arch, self.problem.fidelities[-1]) for arch in batch]
