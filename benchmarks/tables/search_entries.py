"""Which searches Table 8 takes: among which networks, by which scores, and which rows are not run, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.scoring.columns import parts_of
from benchmarks.search.choices import NATIVE
from benchmarks.search.constraints import Constraint
from benchmarks.search.problem import SearchProblem
from benchmarks.search.tabular import training_seconds
from benchmarks.tables.search_rows import REFERENCE, Contender, Kind, Terms
from benchmarks.tables.search_scores import EPOCHS, Searcher
from nb201_data.spaces import SearchSpace, get_space
from reports.tables import format_duration

COMMAND = "python -m benchmarks.search_table"
ANYWHERE: tuple[Kind, ...] = ("score", "draw", "largest")
LOOKS_UP: tuple[Kind, ...] = ("accuracy", "score")


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

    @property
    def paid(self) -> int:
        """Evaluations that its seconds pay for, of the cheapest kind, were there as many networks."""
        each = training_seconds(self.data, EPOCHS) if self.scored is None else self.scored.seconds
        return max(1, int(self.seconds // each)) if each else self.networks

    @property
    def exhaustive(self) -> bool:
        """Whether it looks at every network: then it is one result for each draw of the weights, whatever the order."""
        return self.contender.kind in LOOKS_UP and not self.computes and min(self.paid, self.most) == self.networks

    def folder(self, out: Path) -> Path:
        """Of its own."""
        return out / "searches" / f"{self.data}-{self.contender.key}-{self.seed}"


@dataclass(frozen=True)
class NotRun:
    """A row without searches: why, and the command that runs it."""

    data: str
    pool: str
    contender: Contender
    why: str
    how: str


def entries_of(
    contenders: Sequence[Contender],
    known: Mapping[str, Sequence[Searcher]],
    seeds: int,
    shared_seeds: int,
    terms: Terms,
) -> tuple[list[Entry], list[NotRun]]:
    """All searches of the table and the rows that have none. `known`: by data set, whose scores are there.

    Where not all networks are scored, there are two fields: all networks for the searches that need no score, and
    those that are scored for the searches by scores and, beside them, for random search by accuracy. The latter has
    none of the other searches by accuracy: what is printed for them pays for every network that is scored so far.
    """
    entries: list[Entry] = []
    without: list[NotRun] = []
    for data, found in known.items():
        pools = _pools(found, contenders, terms)
        for contender in contenders:
            for pool in pools if contender.kind in ANYWHERE or contender.key == REFERENCE else [ALL]:
                if contender.kind == "score" and pool is not pools[-1]:
                    continue  # the scored ones have a field of their own
                scored = next((one for one in found if one.name == contender.score), None)
                if lacking := _lacking(data, contender, terms, found, scored):
                    without.append(NotRun(data, pool.key, contender, *lacking))
                    continue
                first = Entry(data, contender, 0, terms, pool, scored)
                count = {"shared": min(seeds, shared_seeds), "largest": 1}.get(contender.kind, seeds)
                if first.exhaustive:
                    count = min(count, len(scored.by_seed) if scored else 1)
                entries += [replace(first, seed=seed) for seed in range(count)]
    return entries, without


def _pools(found: Sequence[Searcher], contenders: Sequence[Contender], terms: Terms) -> list[Pool]:
    """All networks, and those that are scored where these are fewer and are asked for."""
    among = found and len(found[0].archs) < len(get_space("nb201")) and not terms.compute
    asked = any(contender.kind == "score" for contender in contenders)
    return [ALL, Pool("scored", found[0].archs)] if among and asked else [ALL]


def _lacking(
    data: str, contender: Contender, terms: Terms, found: Sequence[Searcher], scored: Searcher | None
) -> tuple[str, str] | None:
    """Why a row is not run, and the command that runs it; None where nothing is lacking."""
    again = f"`{COMMAND} --data {data} --rows {contender.key}"
    if contender.kind == "shared" and terms.shared_minutes is None:
        channels = NATIVE[data].channels
        return f"no minutes to train {channels} channels", f"{again} --shared-minutes 600` trains ten hours a search"
    if contender.kind != "score" or terms.compute or scored is not None:
        return None
    names = ",".join(parts_of(contender.score))
    computing = f"{again} --compute` scores what it looks at, for {format_duration(contender.seconds(data))} a search"
    if not found:
        return "no cell is scored", computing
    sweep = f"python -m benchmarks.sweep --ground-truth nb201:{data}:test:200 --proxies {names}"
    return "no scores of these cells", f"`{sweep} --cells {len(found[0].archs)}` makes them; {computing}"
