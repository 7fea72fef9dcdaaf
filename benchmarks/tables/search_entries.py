"""Which searches Table 8 takes: among which networks, by which scores, and which rows are not run, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.command.estimate import duration
from benchmarks.scoring.columns import parts_of
from benchmarks.search.choices import NATIVE
from benchmarks.search.constraints import Constraint
from benchmarks.search.problem import SearchProblem
from benchmarks.tables.search_rows import REFERENCE, Contender, Terms
from benchmarks.tables.search_scores import Searcher
from nb201_data.spaces import SearchSpace, get_space

COMMAND = "python -m benchmarks.search_table"


@dataclass(frozen=True)
class Pool:
    """The networks that a search may choose from. `archs` is empty where these are all of the space."""

    key: str  # 'all', 'scored'
    archs: tuple[str, ...] = field(default=(), repr=False)

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What keeps a search among them."""
        held = frozenset(self.archs)
        return (Constraint("networks without scores", 0.0, lambda arch: float(str(arch) not in held)),) if held else ()


ALL = Pool("all")


@dataclass(frozen=True)
class Entry:
    """One search. It knows the validation data and the scores, but no test accuracy."""

    data: str
    contender: Contender
    seed: int
    terms: Terms
    pool: Pool = ALL
    scored: Searcher | None = None
    """The scores that are looked up; None where they are computed, or none is asked for."""

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Which search it is."""
        return self.data, self.pool.key, self.contender.key, self.seed

    @property
    def seconds(self) -> float:
        """The published search time, its budget."""
        return self.contender.seconds(self.data)

    @property
    def computes(self) -> bool:
        """Whether networks are scored for it."""
        return self.contender.kind == "score" and self.scored is None

    @property
    def space(self) -> SearchSpace:
        """The benchmark's cells in the skeleton of the data set."""
        return get_space("nb201").with_skeleton(NATIVE[self.data])

    @property
    def problem(self) -> SearchProblem:
        """The networks that it may choose from."""
        return SearchProblem(self.space, self.pool.constraints)

    @property
    def networks(self) -> int:
        """How many it may choose from."""
        return len(self.pool.archs) or len(self.space)

    @property
    def most(self) -> int:
        """Evaluations that it may make, whatever its seconds pay for: by then it could have scored every network."""
        limit = self.terms.budget if self.contender.kind == "score" else None
        return min(self.networks, limit or self.networks)

    def folder(self, out: Path) -> Path:
        """Of its own."""
        return out / "searches" / f"{self.data}-{self.contender.key}-{self.seed}"


@dataclass(frozen=True)
class NotRun:
    """A row without searches, and what it needs."""

    data: str
    pool: str
    contender: Contender
    why: str


def entries_of(
    contenders: Sequence[Contender],
    known: Mapping[str, Sequence[Searcher]],
    seeds: int,
    shared_seeds: int,
    terms: Terms,
) -> tuple[list[Entry], list[NotRun]]:
    """All searches of the table and the rows that have none. `known`: by data set, whose scores are there.

    Where not all networks are scored, there are two fields: all networks for the searches that need no score, and
    those that are scored for the searches by scores and, beside them, for random search by accuracy.
    """
    entries: list[Entry] = []
    without: list[NotRun] = []
    for data, found in known.items():
        for contender in contenders:
            count = {"shared": min(seeds, shared_seeds), "largest": 1}.get(contender.kind, seeds)
            for pool in _pools(found, contenders, terms):
                scored = next((one for one in found if one.name == contender.score), None)
                if contender.kind == "score" and not terms.compute and (pool is ALL) != _whole(found):
                    without.append(NotRun(data, pool.key, contender, _not_all(data, contender, found)))
                elif contender.kind == "score" and not terms.compute and scored is None:
                    without.append(NotRun(data, pool.key, contender, _no_scores(data, contender, len(found[0].archs))))
                elif contender.kind == "shared" and pool is ALL and terms.shared_minutes is None:
                    without.append(NotRun(data, pool.key, contender, _no_minutes(data, contender)))
                elif pool is ALL or contender.kind in ("score", "draw", "largest") or contender.key == REFERENCE:
                    entries += [Entry(data, contender, seed, terms, pool, scored) for seed in range(count)]
    return entries, without


def _whole(found: Sequence[Searcher]) -> bool:
    return bool(found) and len(found[0].archs) == len(get_space("nb201"))


def _pools(found: Sequence[Searcher], contenders: Sequence[Contender], terms: Terms) -> list[Pool]:
    among = any(contender.kind == "score" for contender in contenders) and not terms.compute
    return [ALL, Pool("scored", found[0].archs)] if among and found and not _whole(found) else [ALL]


def _not_all(data: str, contender: Contender, found: Sequence[Searcher]) -> str:
    cells = len(get_space("nb201"))
    there = f"{len(found[0].archs) if found else 0:,} of {cells:,} cells have scores"
    return (
        f"{there}; `{COMMAND} --data {data} --rows {contender.key} --compute` scores all that it looks at, up to "
        f"{duration(contender.seconds(data))} of one core a search"
    )


def _no_scores(data: str, contender: Contender, networks: int) -> str:
    names = ",".join(parts_of(contender.score))
    return (
        f"{names}: no scores of these cells are there; `python -m benchmarks.sweep --ground-truth "
        f"nb201:{data}:test:200 --proxies {names} --cells {networks}` makes them"
    )


def _no_minutes(data: str, contender: Contender) -> str:
    return (
        f"it trains a shared network of {NATIVE[data].channels} channels; `{COMMAND} --data {data} --rows "
        f"{contender.key} --shared-minutes 600` does, for ten hours a search"
    )
