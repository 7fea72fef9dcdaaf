"""The score store: one SQLite file that knows the answer to every question asked before.

A question is everything a score depends on but the architecture (`question.Question`); an answer is kept for each
(question, architecture). One process writes at a time; every `add` is one transaction, so that a killed run leaves
whole answers only, and any number of processes may read.

Every answer carries a checksum of itself and its question. What no longer fits it was damaged on disk: it is dropped,
counted in `damaged`, and computed again.

What was an answer stays one: a value, 'nan', 'infinite' and 'not-applicable' are properties of the question and are
kept. 'out-of-memory' and 'failed' are accidents of a machine or of code at work, are not kept, and are tried again.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, fields
from pathlib import Path

from benchmarks.scoring.question import Answer, Question
from diswot_errors import DataError
from nb201_data.files import cache_dir

APPLICATION_ID = 0x44735754  # in the header of the file, so that no foreign database is taken for ours
LAYOUT = 2
KEPT = frozenset({"ok", "nan", "infinite", "not-applicable"})
WAIT_SECONDS = 60.0  # for another process to finish writing
FEW = 500  # architectures that are looked up one by one; of more all are read

_KEY = tuple(field.name for field in fields(Question))
_KINDS = {"int": "INTEGER", "str": "TEXT"}
_CREATE = (
    "CREATE TABLE questions (id INTEGER PRIMARY KEY, "
    + ", ".join(f"{field.name} {_KINDS[str(field.type)]} NOT NULL" for field in fields(Question))
    + f", UNIQUE ({', '.join(_KEY)}))",
    "CREATE TABLE scores (question INTEGER NOT NULL REFERENCES questions (id), arch TEXT NOT NULL, value REAL, "
    "status TEXT NOT NULL, reason TEXT NOT NULL, seconds REAL NOT NULL, checksum INTEGER NOT NULL, "
    "PRIMARY KEY (question, arch)) WITHOUT ROWID",
)


def default_store() -> Path:
    """In the user's cache folder: a store can be deleted at any time, what it held is then scored again."""
    return cache_dir() / f"scores-{LAYOUT}.sqlite"


def _checksum_of(question: Question) -> Callable[[str, Iterable[object]], int]:
    """64 bits over all that a row, (arch, answer), says and the question that it answers."""
    begun = hashlib.blake2b(f"({astuple(question)!r}, ".encode("utf-8", "surrogatepass"), digest_size=8)

    def checksum(arch: str, answer: Iterable[object]) -> int:
        values = (float(value) if isinstance(value, int) else value for value in answer)
        whole = begun.copy()
        whole.update(repr((arch, *values))[1:].encode("utf-8", "surrogatepass"))
        return int.from_bytes(whole.digest(), "big", signed=True)

    return checksum


class Store:
    """The answers in one file, made where there is none; a context that closes it."""

    def __init__(self, path: Path) -> None:
        self.path, self.damaged = path, 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"cannot make the folder of {path}: {error.strerror}; choose another --store") from error
        if path.is_dir():
            raise DataError(f"{path} is a folder, expected a file for scores; choose another --store")
        if "\0" in str(path):
            raise DataError(f"{str(path)!r} is the name of no file; choose another --store")
        with self._explained():
            self._connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
            self._connection.text_factory = lambda content: content.decode("utf-8", "surrogateescape")
        try:
            with self._explained():
                self._check_or_create()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def known(self, question: Question, archs: Sequence[str] | None = None) -> dict[str, Answer]:
        """The answers there are to a question, by architecture; of these architectures, or of all."""
        with self._explained():
            number = self._number(question)
            if number is None:
                return {}
            few = archs is not None and len(archs) <= FEW
            among = f" AND arch IN ({', '.join('?' * len(archs or ()))})" if few else ""
            rows = self._connection.execute(
                f"SELECT arch, value, status, reason, seconds, checksum FROM scores WHERE question = ?{among}",
                (number, *(archs or () if few else ())),
            ).fetchall()
            right = _checksum_of(question)
            damaged = [arch for arch, *answer, checksum in rows if checksum != right(arch, answer)]
            if damaged:
                self._forget(number, damaged)
        lost, wanted = set(damaged), None if archs is None else set(archs)
        return {
            arch: Answer(*answer)
            for arch, *answer, _ in rows
            if arch not in lost and (wanted is None or arch in wanted)
        }

    def _forget(self, number: int, archs: Iterable[str]) -> None:
        """Drop damaged answers: those computed again take their places. A store that is only read keeps them."""
        archs = list(archs)
        self.damaged += len(archs)
        with contextlib.suppress(sqlite3.OperationalError), self._transaction():
            for arch in archs:
                place = arch.encode("utf-8", "surrogateescape")
                self._connection.execute(
                    "DELETE FROM scores WHERE question = ? AND (arch = ? OR CAST(arch AS BLOB) = ?)",
                    (number, place, place),
                )

    def add(self, answers: Iterable[tuple[Question, str, Answer]]) -> None:
        """Keep answers to (question, architecture), all of them or none; those with a passing status are left out.

        An answer that is there already stays: the same question has one answer.
        """
        rows = [(question, arch, answer) for question, arch, answer in answers if answer.status in KEPT]
        if not rows:
            return
        with self._explained(), self._transaction():
            asked = dict.fromkeys(question for question, *_ in rows)
            numbers = {question: self._numbered(question) for question in asked}
            checksums = {question: _checksum_of(question) for question in asked}
            self._connection.executemany(
                "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (question, arch) DO NOTHING",
                [
                    (numbers[question], arch, *answer, checksums[question](arch, answer))
                    for question, arch, answer in rows
                ],
            )

    def __iter__(self) -> Iterator[tuple[Question, dict[str, Answer]]]:
        """Every question and all its answers, in the order in which they were first asked."""
        with self._explained():
            rows = self._connection.execute(f"SELECT {', '.join(_KEY)} FROM questions ORDER BY id").fetchall()
        for row in rows:
            question = Question(*row)
            yield question, self.known(question)

    def __len__(self) -> int:
        """How many answers there are."""
        with self._explained():
            return int(self._connection.execute("SELECT count(*) FROM scores").fetchone()[0])

    def _number(self, question: Question) -> int | None:
        where = " AND ".join(f"{name} = ?" for name in _KEY)
        row = self._connection.execute(f"SELECT id FROM questions WHERE {where}", astuple(question)).fetchone()
        return None if row is None else int(row[0])

    def _numbered(self, question: Question) -> int:
        found = self._number(question)
        if found is not None:
            return found
        places = ", ".join("?" * len(_KEY))
        cursor = self._connection.execute(
            f"INSERT INTO questions ({', '.join(_KEY)}) VALUES ({places})", astuple(question)
        )
        return int(cursor.lastrowid or 0)

    def _check_or_create(self) -> None:
        with self._transaction():
            application, layout = self._pragma("application_id"), self._pragma("user_version")
            tables = {row[0] for row in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables and not application:
                for statement in _CREATE:
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._connection.execute(f"PRAGMA user_version = {LAYOUT}")
                return
        if application != APPLICATION_ID:
            raise DataError(
                f"{self.path} is an SQLite database of another program (tables {', '.join(sorted(tables)) or 'none'}), "
                "expected a score store: it was left alone; choose another --store"
            )
        if layout != LAYOUT:
            age = "newer" if layout > LAYOUT else "older"
            raise DataError(
                f"{self.path} was written by a {age} version of this program (layout {layout}, expected {LAYOUT}): it "
                "was left alone; use that version, or choose another --store"
            )

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # SQLite itself rolls back when the disk is full
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """What SQLite says, in words that tell what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                advice = f"another process has been writing to it for {WAIT_SECONDS:.0f} seconds: wait for it to end"
            else:
                advice = "check that the place is writable and not full, or choose another --store"
            raise DataError(f"score store {self.path}: {error}; {advice}") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter: a message that quotes damaged bytes
            raise DataError(
                f"score store {self.path}: {error}; the file is no score store or is damaged: move it away (its scores "
                "are computed again) or choose another --store"
            ) from error
