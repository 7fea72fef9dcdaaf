"""How far a long piece of work is: a bar in a terminal, and in a log file a line at least every half minute."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

from tqdm import tqdm

EVERY = 30.0  # seconds between two lines of a log
_LINE = "{desc}{n_fmt}/{total_fmt} {unit}s, {elapsed} elapsed, {remaining} left{postfix}"


class Clock:
    """When the last line was written by any of the contexts that share it; from when on, where none was."""

    told: float | None = None


class Progress:
    """A context around work of `total` parts; `advance` after each. Nothing is shown when it ends at once.

    Work in many short spells, a context each that share a `clock`, has its lines too: at the end of one of them.
    """

    def __init__(
        self, total: int, unit: str, label: str = "", *, done: int = 0, every: float = EVERY, clock: Clock | None = None
    ) -> None:
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
        self._every, self._ended, self._clock = every, threading.Event(), clock or Clock()
        self._thread = None if sys.stderr.isatty() else threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> Progress:
        if self._thread is not None:
            self._clock.told = self._clock.told or time.monotonic()
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            if time.monotonic() - (self._clock.told or 0.0) >= self._every:
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
        self._clock.told = time.monotonic()
        print(str(self._bar), file=sys.stderr, flush=True)


class _Nothing:
    """Where tqdm writes when the lines of a log say it."""

    def write(self, text: str) -> None: ...

    def flush(self) -> None: ...
