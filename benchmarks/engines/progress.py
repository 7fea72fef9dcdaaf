"""How far a long piece of work is: a bar in a terminal, and in a log file a line at least every half minute."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import ClassVar

from tqdm import tqdm

EVERY = 30.0  # seconds between two lines of a log
_LINE = "{desc}{n_fmt}/{total_fmt} {unit}s, {elapsed} elapsed, {remaining} left{postfix}"


class Progress:
    """A context around work of `total` parts; `advance` after each. Nothing is shown when it ends at once.

    Work in many short spells, a context each, has its lines too: at the end of one, where none was due before.
    """

    _told: ClassVar[float | None] = None  # when the last line was written, or the first context began

    def __init__(self, total: int, unit: str, label: str = "", *, done: int = 0, every: float = EVERY) -> None:
        self._bar: tqdm[None] = tqdm(
            total=total,
            initial=done,
            unit=unit,
            desc=(label if sys.stderr.isatty() else f"{label}: ") if label else None,
            leave=False,
            smoothing=0.1,
            bar_format=None if sys.stderr.isatty() else _LINE,
            file=sys.stderr if sys.stderr.isatty() else _Nothing(),
        )
        self._every, self._ended = every, threading.Event()
        self._thread = None if sys.stderr.isatty() else threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> Progress:
        if self._thread is not None:
            Progress._told = Progress._told or time.monotonic()
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            if time.monotonic() - (Progress._told or 0.0) >= self._every:
                self._tell()
        self._bar.close()

    def advance(self, parts: int = 1, note: str = "") -> None:
        """So many parts more are done; `note` says something about the last."""
        if note:
            self._bar.set_postfix_str(note, refresh=False)
        self._bar.update(parts)

    def _speak(self) -> None:
        while not self._ended.wait(self._every):
            self._tell()

    def _tell(self) -> None:
        Progress._told = time.monotonic()
        print(str(self._bar), file=sys.stderr, flush=True)


class _Nothing:
    """Where tqdm writes when the lines of a log say it."""

    def write(self, text: str) -> None: ...

    def flush(self) -> None: ...
