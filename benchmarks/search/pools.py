"""The architectures that meet the constraints: listed, or of a space that is too large for that found by trial."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Protocol

from benchmarks.scoring.order import LISTED
from benchmarks.search.constraints import Constraint, feasible
from diswot_errors import UsageError
from nb201_data.spaces import SearchSpace

TRIALS = 10_000
"""Random architectures, of which one at least must meet the constraints."""


DRAWS = 20
"""Random architectures of a list that are looked at before those that are left are listed."""


class Pool(Protocol):
    """What strategies choose from."""

    def archs(self) -> Sequence[Any]:
        """All of them, in the order of the space; a refusal where they cannot be listed."""

    def allowed(self, arch: Any) -> bool:
        """Whether the architecture is one of them."""

    def draw(self, rng: Random) -> Any:
        """One of them, drawn uniformly."""

    def first(self, rng: Random, known: set[Any]) -> Any | None:
        """One that is not known yet, drawn uniformly; None where there is none."""

    def shuffled(self, rng: Random) -> Sequence[Any]:
        """All of them in random order."""


class ListedPool:
    """The architectures as a list."""

    def __init__(self, space: SearchSpace, constraints: Sequence[Constraint]) -> None:
        self._archs = feasible(space, constraints)
        self._known = frozenset(self._archs)

    def archs(self) -> Sequence[Any]:
        """All of them, in the order of the space."""
        return self._archs

    def allowed(self, arch: Any) -> bool:
        """Whether it is in the list."""
        return arch in self._known

    def draw(self, rng: Random) -> Any:
        """One of the list."""
        return rng.choice(self._archs)

    def first(self, rng: Random, known: set[Any]) -> Any | None:
        """One of those that are not known yet: drawn until it is one, listed where they are few."""
        for _ in range(DRAWS):
            if (arch := self.draw(rng)) not in known:
                return arch
        fresh = [arch for arch in self._archs if arch not in known]
        return rng.choice(fresh) if fresh else None

    def shuffled(self, rng: Random) -> Sequence[Any]:
        """The list in random order."""
        order = list(self._archs)
        rng.shuffle(order)
        return order


class SievedPool:
    """Architectures of a space that nobody lists: drawn from all of it until one meets the constraints."""

    def __init__(self, space: SearchSpace, constraints: Sequence[Constraint]) -> None:
        self._space, self._constraints = space, tuple(constraints)
        self.draw(Random(0))

    def archs(self) -> Sequence[Any]:
        """A refusal."""
        raise UsageError(
            f"{self._space.name} has {len(self._space):,} architectures, too many to list, as this strategy does: take "
            "random, evolution or evolution-aging"
        )

    def allowed(self, arch: Any) -> bool:
        """Whether it is of the space and meets the constraints."""
        return arch in self._space.all() and all(constraint.met(arch) for constraint in self._constraints)

    def draw(self, rng: Random) -> Any:
        """The first of up to 10,000 random architectures that meets the constraints."""
        return self._draw(rng, set())

    def first(self, rng: Random, known: set[Any]) -> Any | None:
        """The same, of those that are not known."""
        return self._draw(rng, known)

    def shuffled(self, rng: Random) -> Sequence[Any]:
        """In the order in which they are drawn, none twice; drawn when asked for."""
        return _Drawn(self, Random(rng.random()))

    def _draw(self, rng: Random, known: set[Any]) -> Any:
        for _ in range(TRIALS):
            arch = self._space.draw(rng)
            if arch not in known and all(constraint.met(arch) for constraint in self._constraints):
                return arch
        raise UsageError(
            f"none of {TRIALS:,} random architectures of {self._space.name} ({self._space.skeleton}) meets "
            f"{' and '.join(map(str, self._constraints))}: raise the limit"
        )


class _Drawn(Sequence[Any]):
    """The first elements of a random order, made as far as they are asked for."""

    def __init__(self, pool: SievedPool, rng: Random) -> None:
        self._pool, self._rng, self._known = pool, rng, dict[Any, None]()

    def __len__(self) -> int:
        return len(self._pool._space)

    def __getitem__(self, place: Any) -> Any:
        stop = place.stop if isinstance(place, slice) else place + 1
        while len(self._known) < stop:
            self._known[self._pool.first(self._rng, set(self._known))] = None
        return list(self._known)[place]

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))


def pool_of(space: SearchSpace, constraints: Sequence[Constraint]) -> Pool:
    """The architectures that meet the constraints; `UsageError` before a search can start where none does."""
    return (ListedPool if len(space) <= LISTED else SievedPool)(space, constraints)
