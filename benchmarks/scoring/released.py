"""Released scores: what this project scored, shipped as one compact file a setting, and read as a second source.

A table is `NAME.npz` and `NAME.json`, its card. The card holds what all its questions share, how many networks there
are, which torch made it and which others it is known to reproduce with, and the SHA-256 of the file. In the file are
`places` (n,) in the fixed order of the space (`order.space_order`), and for each proxy

    outcome.PROXY  (n,) unsigned    0 not scored, else the place, from 1, in the card's list of (status, reason)
    value.PROXY    (8, n) uint8     byte planes of the float64 values, 0 where there is none: exact, and they pack well

No arrays of objects: nothing in a file is run. A table answers a question that agrees in all but the build of torch;
torch's version must be one that the card lists (`python -m benchmarks.scores verify` is how one gets there).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring.order import LISTED, space_order
from benchmarks.scoring.question import Answer, Question
from diswot_errors import DataError
from nb201_data.spaces import get_space

FORMAT = 1
RELEASED = Path(__file__).parents[2] / "nb201_data" / "tables" / "scores"
OWN = ("proxy", "version", "origin")  # parts of a question that differ within a table
SHARED = tuple(field.name for field in fields(Question) if field.name not in OWN)
PROBED = 10_000  # places of an order that is not listed whose architectures its hash is of
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Column:
    """One proxy of a table. `seconds`: the mean over its networks; `outcomes`: (status, reason) by code, from 1."""

    version: int
    origin: str
    networks: int
    seconds: float
    outcomes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Card:
    """What a table says of itself, as its JSON file holds it."""

    format: int
    setting: dict[str, Any]  # SHARED
    order: str  # SHA-256 of the space's order
    networks: int
    reproduces: tuple[str, ...]  # versions of torch
    versions: dict[str, str]
    machine: str
    columns: dict[str, Column]
    bytes: int = 0
    sha256: str = ""

    def question(self, proxy: str) -> Question:
        """What the column of a proxy answers."""
        column = self.columns[proxy]
        return Question(proxy=proxy, version=column.version, origin=column.origin, **self.setting)

    @property
    def any_question(self) -> Question:
        """That of the first column."""
        return self.question(next(iter(self.columns)))

    def text(self) -> str:
        """The file's content."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True)
class ScoreTable:
    """A table on disk: its card, and its arrays when they are asked for."""

    path: Path  # of the card
    card: Card

    @cached_property
    def arrays(self) -> Arrays:
        """All arrays by name, once the seal is checked."""
        content = self._content()
        if self.card.order != order_hash(self.card.setting["space"]):
            space = self.card.setting["space"]
            raise DataError(f"{self.path} counts the architectures of {space} in another order than this version")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
        if not self._fits(found):
            raise DataError(f"{self.path} names other columns or outcomes than its file holds; {_ADVICE}")
        return found

    def _fits(self, arrays: Arrays) -> bool:
        """Whether the card describes these arrays."""
        columns = self.card.columns
        if set(arrays) != {"places", *(f"{part}.{name}" for name in columns for part in ("outcome", "value"))}:
            return False
        return all(arrays[f"outcome.{name}"].max(initial=0) <= len(one.outcomes) for name, one in columns.items())

    def _content(self) -> bytes:
        """The file that the card is about: of a writer that was killed behind the card it waits beside its place.

        A table that has grown since its card was read is taken as it is now.
        """
        path, found = self.path.with_suffix(".npz"), ""
        for _ in range(2):
            for place in (waiting(path), path):
                try:
                    content = place.read_bytes()
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise DataError(f"{place}: {error.strerror}; {_ADVICE}") from error
                found = hashlib.sha256(content).hexdigest()
                if found == self.card.sha256:
                    return content
            object.__setattr__(self, "card", read_card(self.path))
        if not found:
            raise DataError(f"{path} is not there, though its card is; {_ADVICE}")
        raise DataError(f"{path} is altered: expected sha256:{self.card.sha256}, found sha256:{found}; {_ADVICE}")

    @cached_property
    def archs(self) -> list[str]:
        """The architectures, in the order of the space."""
        order = space_order(self.card.setting["space"])
        return [order[place] for place in self.arrays["places"]]

    @cached_property
    def row(self) -> dict[str, int]:
        """Architecture -> row of the table."""
        return {arch: row for row, arch in enumerate(self.archs)}

    def answers(self, proxy: str, archs: Sequence[str] | None = None) -> dict[str, Answer]:
        """The answers there are for these architectures, or for all."""
        arrays = self.arrays  # before its card, which may be read again with it
        column = self.card.columns[proxy]
        held = self.archs if archs is None else [arch for arch in archs if arch in self.row]
        rows = slice(None) if archs is None else [self.row[arch] for arch in held]
        codes = arrays[f"outcome.{proxy}"][rows].tolist()
        values = _joined(arrays[f"value.{proxy}"][:, rows]).tolist()
        found: dict[str, Answer] = {}
        for arch, code, value in zip(held, codes, values, strict=True):
            if code:
                status, reason = column.outcomes[code - 1]
                found[arch] = Answer(value if status == "ok" else None, status, reason, column.seconds)
        return found


class Released:
    """The tables of a folder, by question; their arrays are read when one of them is first asked."""

    def __init__(self, folder: Path = RELEASED) -> None:
        self.folder = folder
        self.tables = [ScoreTable(path, read_card(path)) for path in sorted(folder.glob("*.json"))]
        self._of = {_key(table.card.question(name)): table for table in self.tables for name in table.card.columns}

    def known(
        self, question: Question, archs: Sequence[str] | None = None, equal_on_equals: bool = False
    ) -> dict[str, Answer]:
        """The answers there are to a question.

        equal_on_equals: the proxy scores a network as the one of `space.canonical`, so that this one answers for all.
        """
        table = self._of.get(_key(question))
        if table is None or release_of(question.torch) not in table.card.reproduces:
            return {}
        found = table.answers(question.proxy, archs)
        if equal_on_equals and archs is not None and (lacking := [arch for arch in archs if arch not in found]):
            forms = forms_of(question.space, lacking)
            by_form = table.answers(question.proxy, list(dict.fromkeys(forms.values())))
            found |= {arch: by_form[form] for arch, form in forms.items() if form in by_form}
        return found

    def __iter__(self) -> Iterator[tuple[Question, dict[str, Answer]]]:
        """Every question and all its answers."""
        return iter(self._all)

    @cached_property
    def _all(self) -> list[tuple[Question, dict[str, Answer]]]:
        return [
            (table.card.question(proxy), table.answers(proxy)) for table in self.tables for proxy in table.card.columns
        ]


def waiting(path: Path) -> Path:
    """Where the next content of a file is until its card is written."""
    return path.with_name(f"{path.name}.next")


def table_name(question: Question) -> str:
    """`s0-c16n0k100r32-gaussian-seed0-alone-1f2e3d`: what a reader looks for, and a hash of all the rest."""
    digest = hashlib.sha256(repr(shared_by(question)).encode()).hexdigest()[:6]
    kind = "pairs" if question.teacher else "alone"
    return f"{question.space}-{question.skeleton}-{question.init}-seed{question.seed}-{kind}-{digest}"


def shared_by(question: Question) -> tuple[Any, ...]:
    """What the questions of one table share; another build of torch is no other table."""
    shared = {name: value for name, value in asdict(question).items() if name in SHARED and name != "torch"}
    return tuple(shared.values())


def networks_of(space: str, archs: Sequence[str]) -> tuple[str, ...]:
    """Which network each architecture is: dead branches make no other one."""
    return tuple(map(forms_of(space, archs).__getitem__, archs))


def forms_of(space: str, archs: Iterable[str]) -> dict[str, str]:
    """Of each network the one that answers for it by a proxy that does not see dead branches."""
    of = get_space(space)
    return {arch: str(of.canonical(of.parse(arch))) for arch in archs}


def read_card(path: Path) -> Card:
    """The card of a table; `DataError` where it is not one that this version reads."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise DataError(f"{path} has format {content['format']!r}, expected {FORMAT}; {_ADVICE}")
        columns = {
            name: Column(**{**column, "outcomes": tuple(map(tuple, column["outcomes"]))})
            for name, column in content["columns"].items()
        }
        card = Card(**{**content, "columns": columns, "reproduces": tuple(content["reproduces"])})
        for name in card.columns:
            card.question(name)
        if not card.columns:
            raise ValueError("it names no proxy")
        if (named := table_name(card.any_question)) != path.stem:
            raise ValueError(f"by its setting it is {named}")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path} is no card of released scores ({error}); {_ADVICE}") from error
    return card


@cache
def order_hash(space: str) -> str:
    """Of all architectures in order; of more than can be listed, of their number and of some spread over all."""
    order = space_order(space)
    if len(order) > LISTED:
        order = [str(len(order)), *order[:: len(order) // PROBED]]
    return hashlib.sha256("\n".join(order).encode()).hexdigest()


def release_of(torch: str) -> str:
    """The version without its build: `2.13.0+cpu` and `2.13.0` are one release."""
    return torch.partition("+")[0]


def planes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(n,) -> (8, n): first bytes, second bytes, ..., little-endian."""
    return np.ascontiguousarray(values.astype("<f8").view(np.uint8).reshape(-1, 8).T)


def _joined(shuffled: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The inverse of `planes`."""
    return np.ascontiguousarray(shuffled.T).reshape(-1).view("<f8")


def _key(question: Question) -> Question:
    return replace(question, torch="")


_ADVICE = "install this project again, or leave the released tables out with --no-tables"
