"""What was tried on the search half and looked at on the confirmation half: two small tables that only grow.

The k-th look at the confirmation half has intervals of confidence 1 - .05 / (k (k + 1)). The sum over all k is .05: so
with one claim a look, as that a score is better than every count in every case, the claims of all looks hold together
with 95 %, however many there will be, and none has to be taken back. A single row of a look has no such promise.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scoring.cases import Case
from benchmarks.scoring.columns import parts_of
from benchmarks.statistics.formula import Formula
from nb201_data.sealed import locked
from proxies.registry import PROXIES
from reports.csv_files import read_records, write_records

LOOKS, SEARCHES = "looks.csv", "searches.csv"
LEVEL = 0.05


@dataclass(frozen=True)
class Look:
    """One score in one case of the confirmation half. Rows of one look share number, definition and data."""

    look: int
    date: str
    score: str
    definition: str
    data: str
    tried: int  # candidates on the search half until then
    truth: str
    population: str
    conditions: str
    networks: int
    kendall: float
    closed_form: str  # the best of them there
    margin: float  # to it


@dataclass(frozen=True)
class Search:
    """One search among all candidates of some scores. The same candidates on other data are no new ones."""

    date: str
    definition: str
    data: str
    tried: int
    scores: int
    cases: int
    best: str
    margin: float  # the worst over all cases


@dataclass
class Log:
    """What was looked at and tried so far; nobody else adds to it while it is open."""

    folder: Path
    looks: list[Look]
    searches: list[Search]

    @property
    def tried(self) -> int:
        """Different candidates on the search half: each set of scores counts once, with the most that it made."""
        most: dict[str, int] = {}
        for each in self.searches:
            most[each.definition] = max(each.tried, most.get(each.definition, 0))
        return sum(most.values())

    def number(self, definition: str, data: str) -> int:
        """Which look this is: the one that it was, or the next."""
        known = [each.look for each in self.looks if (each.definition, each.data) == (definition, data)]
        return known[0] if known else max((each.look for each in self.looks), default=0) + 1

    def look(self, rows: Sequence[Look]) -> None:
        """Keep the rows of a look, unless it is there; on disk, all of them, when this returns."""
        there = {(each.definition, each.data) for each in self.looks}
        if new := [row for row in rows if (row.definition, row.data) not in there]:
            self.looks += new
            write_records(self.folder / LOOKS, Look, self.looks)

    def search(self, row: Search) -> None:
        """Keep a search, unless it is there."""
        if (row.definition, row.data) not in {(each.definition, each.data) for each in self.searches}:
            self.searches.append(row)
            write_records(self.folder / SEARCHES, Search, self.searches)


@contextmanager
def opened(folder: Path) -> Iterator[Log]:
    """The log in a folder, which nobody else adds to as long as the context lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".looks.lock", f"another process looks at or searches in {folder}: wait for it to end"):
        yield read(folder)


def read(folder: Path) -> Log:
    """The log as it is; empty where there is none."""
    looks, searches = folder / LOOKS, folder / SEARCHES
    return Log(
        folder,
        read_records(looks, Look) if looks.is_file() else [],
        read_records(searches, Search) if searches.is_file() else [],
    )


def confidence(look: int) -> float:
    """Of the intervals of this look: 97.5 % for the first, 99.2 % for the second, ..."""
    return 1 - LEVEL / (look * (look + 1))


def definition(formulas: Sequence[Formula]) -> str:
    """A hash of how they are spelt and of every proxy in them at its version."""
    names = sorted({part for formula in formulas for name in formula.names for part in parts_of(name)})
    versions = [(name, PROXIES[name].version, PROXIES[name].origin) for name in names]
    return _digest((sorted(map(str, formulas)), versions))


def data(cases: Sequence[Case]) -> str:
    """A hash of all networks, accuracies and conditions."""
    return _digest(sorted(case.digest for case in cases))


def today() -> str:
    """The day, as the log keeps it."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]
