"""Worker processes of this machine with one torch thread each; one worker may be this process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from benchmarks.engines import device
from benchmarks.engines.registry import ENGINES, EngineInfo, Wanted
from benchmarks.engines.team import POLL_SECONDS, Hand, Job, Limits, Lost, Result, Start, Team
from benchmarks.engines.worker import Message, Setup, serve

__all__ = ["LOCAL", "Limits", "Local", "LocalHand", "Lost", "Workers"]

LET_GO_SECONDS = 10.0  # for a worker that has nothing left to do


class LocalHand(Hand):
    """A process of this machine at the other end of a pipe."""

    def __init__(self, setup: Setup) -> None:
        context = multiprocessing.get_context("spawn")
        self.channel, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=serve, args=(theirs, setup), daemon=True)
        self.limits, self.since, self.begun = Limits(), time.monotonic(), False
        resource_tracker.ensure_running()  # by itself it would undo what follows
        # whoever ends this process waits until the child knows its work; that it inherits: Ctrl-C is not for it
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self.process.start()
            theirs.close()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def give(self, call: bytes, limits: Limits) -> None:
        """The clock of its limits begins now, and anew where it says that it has begun: see `worker.begun`."""
        self.limits, self.since, self.begun = limits, time.monotonic(), False
        with contextlib.suppress(OSError):  # it died while idle: listening finds that out
            self.channel.send_bytes(call)

    def end(self) -> None:
        """With SIGKILL."""
        self.process.kill()
        self.process.join()
        self.channel.close()

    def dismiss(self) -> None:
        """Close its channel: a worker that waits for a job ends with it."""
        self.channel.close()

    def gone(self) -> None:
        """Wait until it has ended, and end it where it does not."""
        self.process.join(LET_GO_SECONDS)
        self.process.kill()
        self.process.join()

    def over(self) -> str:
        """Which limit it is over, or ''."""
        seconds, most = self.limits.seconds, self.limits.bytes
        if not self.ready:
            return ""
        loading = 0.0 if self.begun else self.limits.loading
        if seconds is not None and time.monotonic() - self.since > seconds + loading:
            return f"over the limit of {seconds:,.0f} s (--time-limit)" + f", {loading:,.0f} s of loading aside" * (
                loading > 0
            )
        if most is not None and (used := _resident(self.process.pid)) > most:
            return f"over the limit of memory: {used / 2**30:.1f} of {most / 2**30:.1f} GiB (--memory-limit)"
        return ""


def heard(hands: Sequence[LocalHand]) -> Iterator[tuple[LocalHand, Message]]:
    """What these say, and which of them are gone or over a limit, after a second at most."""
    spoken = set(wait([hand.channel for hand in hands], POLL_SECONDS))
    for hand in hands:
        if hand.channel in spoken:
            try:
                message = hand.channel.recv()
                if message.kind == "begun":
                    hand.since, hand.begun = time.monotonic(), True
                else:
                    yield hand, message
            except (EOFError, OSError):
                yield hand, Message("gone", why=_ending(hand.process))
        elif over := hand.over():
            yield hand, Message("gone", why=over)


class Workers(Team):
    """Processes of this machine. One worker that need not be apart is this process: faster to start, but not
    protected, and without limits."""

    def __init__(self, count: int, start: Start = None, *arguments: Any, apart: bool = False) -> None:
        super().__init__(count)
        self._start, self._arguments = start, arguments
        self.here = count == 1 and not apart

    def __enter__(self) -> Workers:
        if self.here:
            device.settle()
            if self._start is not None:
                self._start(*self._arguments)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        idle = [hand for hand in self._hands if isinstance(hand, LocalHand) and hand.ready and not hand.task]
        if kind is None:
            for hand in idle:
                hand.dismiss()
            for hand in idle:
                hand.gone()
        super().__exit__(kind, *error)

    def each(self, function: Callable[[Job], Result], jobs: Iterable[Job], **how: Any) -> Iterator[Result]:
        """As `Team.each`; one worker is this process."""
        return map(function, jobs) if self.here else super().each(function, jobs, **how)

    def _begin(self) -> Hand:
        return LocalHand(Setup.of_this_process(pickle.dumps((self._start, self._arguments))))

    def _listen(self, hands: list[Hand]) -> Iterator[tuple[Hand, Message]]:
        yield from heard([hand for hand in hands if isinstance(hand, LocalHand)])


@dataclass(frozen=True)
class Local:
    """The engine of this machine."""

    workers: int = 1

    def team(
        self, count: int, start: Start = None, *arguments: Any, folder: Path | None = None, apart: bool = False
    ) -> Workers:
        """Up to `count` processes; every one of them sees the folder."""
        return Workers(max(1, min(self.workers, count)), start, *arguments, apart=apart)

    def memory(self, beside: int) -> int | None:
        """Bytes: the share of this machine that each of so many workers has."""
        whole = device.machine_memory()
        return None if whole is None else whole // beside


def _of(wanted: Wanted) -> Local:
    return Local(wanted.workers or device.default_workers(wanted.device))


LOCAL = ENGINES.add(EngineInfo("local", "processes of this machine", _of))


def _ending(process: BaseProcess) -> str:
    """'killed by signal 9', 'exit code 3'."""
    process.join(LET_GO_SECONDS)
    code = process.exitcode
    if code is not None and code < 0:
        return f"killed by signal {-code}" + (", as by a system that is out of memory" if code == -9 else "")
    return f"exit code {code}"


def _resident(pid: int | None) -> int:
    """Bytes of memory that a process holds; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
