"""What a strategy may know about what it searches: the architectures that meet the constraints, and the moves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from benchmarks.search.constraints import Constraint
from benchmarks.search.pools import Pool, pool_of
from nb201_data.spaces import SearchSpace

TRIES = 200
"""How often in a row a move that breaks the constraints is repeated before a random allowed architecture takes over."""


@dataclass(frozen=True)
class SearchProblem:
    """A space, constraints on it, and the fidelities that can be asked for (ascending; the last one counts)."""

    space: SearchSpace
    constraints: tuple[Constraint, ...] = ()
    fidelities: tuple[int, ...] = (0,)
    pool: Pool = field(init=False, repr=False)
    """Those that meet the constraints. Finding none raises before a search can start."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "pool", pool_of(self.space, self.constraints))

    @property
    def archs(self) -> Sequence[Any]:
        """Those that meet the constraints, in the order of the space; a refusal where that is too large to list."""
        return self.pool.archs()

    def allowed(self, arch: Any) -> bool:
        """Whether the architecture is of the space and meets the constraints."""
        return self.pool.allowed(arch)

    def draw(self, rng: Random) -> Any:
        """One allowed architecture, drawn uniformly."""
        return self.pool.draw(rng)

    def fresh(self, rng: Random, known: set[Any]) -> Any | None:
        """One allowed architecture that is not known yet, drawn uniformly; None where all are."""
        return self.pool.first(rng, known)

    def shuffled(self, rng: Random) -> Sequence[Any]:
        """All allowed architectures in random order; with equal seeds, strategies that start so start alike."""
        return self.pool.shuffled(rng)

    def mutate(self, arch: Any, rng: Random) -> Any | None:
        """A neighbour if it is allowed, else None."""
        child = self.space.mutate(arch, rng)
        return child if self.allowed(child) else None

    @cached_property
    def choices(self) -> tuple[tuple[Any, ...], ...]:
        """What there is to choose from at each position of an architecture's genes."""
        self.pool.archs()  # refuses what cannot be listed
        columns = zip(*map(self.space.genes, self.space.all()), strict=True)
        return tuple(tuple(dict.fromkeys(column)) for column in columns)

    @cached_property
    def _by_genes(self) -> dict[tuple[int, ...], Any]:
        index = [{gene: i for i, gene in enumerate(column)} for column in self.choices]
        return {
            tuple(lookup[gene] for lookup, gene in zip(index, self.space.genes(arch), strict=True)): arch
            for arch in self.archs
        }

    @cached_property
    def _encoded(self) -> dict[Any, tuple[int, ...]]:
        return {arch: code for code, arch in self._by_genes.items()}

    def encode(self, arch: Any) -> tuple[int, ...]:
        """The index of the choice at each position, of an allowed architecture."""
        return self._encoded[arch]

    def decode(self, code: Sequence[int]) -> Any | None:
        """The architecture with these choices, or None where it is not allowed."""
        return self._by_genes.get(tuple(code))
