"""Run small commands as a user does, disturb them, and read what they leave."""

import contextlib
import hashlib
import importlib
import importlib.util
import os
import random
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from golden.play import TABLES, _tables, _write_teacher
from golden.questions import QUESTIONS, QUICK, TINY, Question

import diswot_ending

ROOT = Path(__file__).parents[2]
MARK = "DISWOT_FAULTS"  # in the environment of every process of a bench, so that none is overlooked
LONGEST = 900  # characters of a message
PASSING_ROWS = {"cost", "elapsed", "seconds"}  # of tables that are lists of facts
PATIENCE = 400  # seconds for a command, on a machine that has other things to do


def question(name: str) -> Question:
    """One of the golden ones, by two workers where it has a choice."""
    (found,) = (each for each in QUESTIONS if each.name == name)
    return replace(found, lines=tuple(line.replace("--workers 1", "--workers 2") for line in found.lines))


ALONE = f"--workers 1 {QUICK}"
CORRELATION = Question(
    "correlation",
    (f"benchmarks.correlation --proxies m_s,synflow,nwot --seeds 2 --sample 10 --batch-size 8 --workers 2 {QUICK}",),
)
SEARCH = Question(
    "search",
    (f"benchmarks.search --strategy evolution --score m_s,l2_norm --budget 200 --set population=4 {TINY} {ALONE}",),
)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    def refused(self, *words: str, code: int | tuple[int, ...] = (1, 2)) -> str:
        """Its one message, which holds these words; an exit code of failure and no traceback."""
        assert self.code in ((code,) if isinstance(code, int) else code), f"exit code {self.code}: {self.err}"
        assert "Traceback" not in self.err, self.err
        messages = [line for line in self.err.splitlines() if line.startswith("error: ") or ": error: " in line]
        assert len(messages) == 1, self.err
        assert len(messages[0]) <= LONGEST, f"{len(messages[0])} characters"
        assert all(word in messages[0] for word in words), messages[0]
        return messages[0]

    def done(self) -> "Ended":
        """It succeeded without a traceback."""
        assert self.code == 0 and "Traceback" not in self.err, self.err[-2000:]
        return self


def _hears_ctrl_c() -> None:
    """In the child: a shell that runs the tests in the background has its children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Bench:
    """A folder in which a question is asked: its run folder, store, data and cache."""

    folder: Path
    question: Question
    data: str = ""
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.question.teacher:
            _write_teacher(self.folder / "data" / "teachers" / "embedded_resnet20.pth")

    @property
    def out(self) -> Path:
        """The run folder."""
        return self.folder / "out"

    @property
    def store(self) -> Path:
        """The scores."""
        return self.folder / "store.sqlite"

    def command(self, line: str) -> list[str]:
        """As it is typed."""
        places = {"out": self.out, "store": self.store, "tables": TABLES}
        name, *arguments = shlex.split(line)
        return [sys.executable, "-m", name, *(argument.format(**places) for argument in arguments)]

    def start(self, line: str) -> subprocess.Popen[str]:
        """A process group of its own."""
        environment = {
            **os.environ,
            **{"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(self.folder / "cache"), "OMP_NUM_THREADS": "1"},
            **{"NB201_DATA_DIR": self.data or str(self.folder / "data"), MARK: self.mark},
        }
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        pipes |= {"start_new_session": True, "errors": "replace", "preexec_fn": _hears_ctrl_c}
        return subprocess.Popen(self.command(line), cwd=self.folder, env=environment, **pipes)

    def ask(self) -> list[Ended]:
        """All lines of the question, undisturbed."""
        return [self._collected(self.start(line)).done() for line in self.question.lines]

    def disturbed(self, delay: float, number: int = signal.SIGKILL, group: bool = False) -> Ended:
        """The question, ended by a signal after so many seconds, if it takes that long."""
        for line in self.question.lines:
            process = self.start(line)
            end = time.monotonic() + delay
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.005)
            ended = self.signalled(process, number, group)
            if ended.code != 0:
                break
        return ended

    def signalled(self, process: subprocess.Popen[str], number: int, group: bool = False) -> Ended:
        """How a process ends that is sent a signal, if it has not ended; `group`: and its workers."""
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(process.pid, number)
        return self._collected(process)

    def _collected(self, process: subprocess.Popen[str]) -> Ended:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Ended(process.returncode, out, err)

    def orphans(self, within: float = 30) -> list[int]:
        """Processes of this bench that are still there after so many seconds."""
        end = time.monotonic() + within
        while (found := list(_marked(self.mark))) and time.monotonic() < end:
            time.sleep(0.1)
        return found

    def left(self) -> dict[str, Any]:
        """All that decides: what is written, and the answers in the store."""
        return self.written() | {"store": self.answers()}

    def written(self) -> dict[str, Any]:
        """Tables without their seconds, and weights."""
        names = {str(self.folder): "FOLDER"}
        found: dict[str, Any] = dict(_tables(self.out, names, ())) if self.out.is_dir() else {}
        for file, table in found.items():
            if file.endswith(("result.csv", "teacher.csv")):
                found[file] = [row for row in zip(*table.values(), strict=True) if row[0] not in PASSING_ROWS]
        for path in sorted(self.out.rglob("*.pth")):
            found[str(path.relative_to(self.out))] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def answers(self) -> list[Any]:
        """Every row of the store but its seconds, its question spelt out."""
        if not self.store.is_file() or not self.store.stat().st_size:
            return []
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as store:
            columns = [row[1] for row in store.execute("PRAGMA table_info(questions)") if row[1] != "id"]
            asked = ", ".join(f"q.{column}" for column in columns)
            joined = "scores s JOIN questions q ON s.question = q.id"
            query = f"SELECT {asked}, s.arch, s.value, s.status, s.reason FROM {joined}"
            return sorted(store.execute(query).fetchall(), key=repr)


def _marked(mark: str) -> Iterator[int]:
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in (place / "environ").read_bytes():
                yield int(place.name)


def ended(capsys: pytest.CaptureFixture[str], line: str, *more: str) -> Ended:
    """A command in this process, as `python -m` would end it."""
    name, *arguments = [*shlex.split(line), *more]
    found = importlib.util.find_spec(name)
    assert found is not None
    module = importlib.import_module(f"{name}.__main__" if found.submodule_search_locations else name)
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        diswot_ending.run(module.main, arguments)
    code = end.value.code
    return Ended(code if isinstance(code, int) else int(code is not None), *capsys.readouterr())


def asked(bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ended:
    """The question of a bench, in this process."""
    monkeypatch.setenv("NB201_DATA_DIR", str(bench.folder / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(bench.folder / "cache"))
    monkeypatch.chdir(bench.folder)
    (line,) = bench.question.lines
    return ended(capsys, line.format(out=bench.out, store=bench.store))


def flips(content: bytes, seed: int, bits: int = 1) -> bytes:
    """`content` with some bits turned over."""
    rng, changed = random.Random(seed), bytearray(content)
    for _ in range(bits):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def damaged(content: bytes, seed: int) -> bytes:
    """Every third time cut off somewhere, else with some bits turned over."""
    rng = random.Random(seed)
    return content[: rng.randrange(len(content))] if seed % 3 == 2 else flips(content, seed, rng.randint(1, 3))
