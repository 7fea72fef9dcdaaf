"""Algorithm 1 of the DisWOT paper."""

from collections.abc import Sequence
from typing import Any

from benchmarks.search.problem import TRIES, SearchProblem
from benchmarks.search.protocol import Evaluation, Strategy, Trial
from benchmarks.search.registry import strategy
from diswot_errors import UsageError


@strategy("evolution", paper="DisWOT, CVPR 2023, Algorithm 1")
class Evolution(Strategy):
    """Tournament of r x P networks, a random one of its top k mutates, the lowest of the population leaves.

        P_0 = P random networks, scored
        repeat: Q = r x P random networks of the population; parent = a random one of the top k of Q
                child = mutate(parent); if it meets the constraints: score it, append it, drop the lowest score

    The paper's values of P, r and k are not known. The defaults 36, 8/36 and 5 are those of the authors' released
    search on NAS-Bench-201, which however takes the *lowest* five of the tournament and drops the oldest network; this
    follows the paper. A child that breaks a constraint costs nothing, and after 200 of them in a row a random network
    takes its place. The paper does not say whether a network may enter twice; `repeats=False` forbids it, and networks
    that have no new neighbour left are no parents then.
    """

    def __init__(
        self,
        problem: SearchProblem,
        seed: int,
        *,
        population: int = 36,
        ratio: float = 8 / 36,
        top: int = 5,
        children: int = 1,
        repeats: bool = True,
    ) -> None:
        super().__init__(problem, seed)
        if population < 1 or not 0 < ratio <= 1 or top < 1 or children < 1:
            raise UsageError(
                f"evolution: population, top and children are at least 1 and 0 < ratio <= 1; "
                f"got {population}, {top}, {children} and {ratio}"
            )
        self.size, self.tournament, self.top = population, max(1, round(ratio * population)), top
        self.children, self.repeats = children, repeats
        self.population: list[tuple[Any, float]] = []
        self._seen: set[Any] = set()
        self._left: dict[Any, list[Any]] = {}
        self._started = False

    def propose(self) -> list[Trial]:
        """The first population, then `children` offspring at a time (published: one)."""
        if self._started:
            archs = [arch for arch in (self._child() for _ in range(self.children)) if arch is not None]
        else:
            archs, self._started = list(self.problem.shuffled(self.rng)[: self.size]), True
            self._seen.update(archs)
        return [Trial(arch, self.problem.fidelities[-1]) for arch in archs]

    def learn(self, evaluations: Sequence[Evaluation]) -> None:
        """Append; while the population is too large drop the lowest score, the oldest of equals."""
        self.population += [(e.trial.arch, e.value) for e in evaluations if e.value is not None]
        while len(self.population) > self.size:
            self.population.remove(min(self.population, key=lambda member: member[1]))

    def _child(self) -> Any | None:
        parents = self.population if self.repeats else [member for member in self.population if self._open(member[0])]
        for _ in range(TRIES if parents else 0):
            rivals = self.rng.sample(parents, min(self.tournament, len(parents)))
            best = sorted(rivals, key=lambda member: member[1], reverse=True)[: self.top]
            child = self.problem.mutate(self.rng.choice(best)[0], self.rng)
            if child is not None and self._take(child):
                return child
        child = self.problem.fresh(self.rng, set() if self.repeats else self._seen)
        self._seen.add(child)
        return child

    def _open(self, arch: Any) -> bool:
        """Whether it has a neighbour that is allowed and new. Each is looked at once: what was seen stays seen."""
        if arch not in self._left:
            self._left[arch] = list(self.problem.space.neighbours(arch))
        left = self._left[arch]
        while left and (left[-1] in self._seen or not self.problem.allowed(left[-1])):
            left.pop()
        return bool(left)

    def _take(self, child: Any) -> bool:
        new = child not in self._seen
        self._seen.add(child)
        return new or self.repeats
