"""Worker processes with one torch thread each, and a parent that collects; one worker runs in this process."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

from benchmarks.engines import device
from benchmarks.engines.worker import Message, serve
from diswot_errors import DataError
from diswot_plugins import plugins

Job = TypeVar("Job")
Result = TypeVar("Result")

POLL_SECONDS = 1.0  # between two looks at the limits
LET_GO_SECONDS = 10.0  # for a worker that has nothing left to do


@dataclass(frozen=True)
class Lost(Generic[Job]):
    """A job whose worker died over it, twice: the second time with the machine to itself."""

    job: Job
    why: str


@dataclass(frozen=True)
class Limits:
    """What a job may take before its worker is ended; None: as much as it likes."""

    seconds: float | None = None
    bytes: int | None = None  # of memory, of the whole worker


@dataclass
class _Member:
    process: BaseProcess
    channel: Connection
    ready: bool = False
    job: Any = None
    busy: bool = False
    since: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class _Gone:
    why: str


class Workers:
    """A context of `count` workers, each prepared once by `start(*arguments)`.

    `each(function, jobs)` yields results as they come. Whatever ends the context early, Ctrl-C among it, ends the
    workers too; what was yielded before is the caller's to keep. A worker that dies is replaced, and its job is tried
    once more, alone, when the others are done. One worker is this process: faster to start, but not protected.
    """

    def __init__(self, count: int, start: Callable[..., None] | None = None, *arguments: Any) -> None:
        self.count, self._start, self._arguments = count, start, arguments
        self._members: list[_Member] = []

    def __enter__(self) -> Workers:
        if self.count == 1:
            device.one_thread()
            if self._start is not None:
                self._start(*self._arguments)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for member in self._members:
            if kind is not None or member.busy:
                member.process.kill()
            member.channel.close()  # a worker that waits for a job ends with its channel
        for member in self._members:
            member.process.join(LET_GO_SECONDS)
            if member.process.is_alive():
                member.process.kill()
                member.process.join()
        self._members = []

    def each(
        self,
        function: Callable[[Job], Result],
        jobs: Iterable[Job],
        *,
        limits: Callable[[Job], Limits] = lambda job: Limits(),
        split: Callable[[Job], Iterable[Job]] = lambda job: (job,),
        lost: Callable[[Lost[Job]], Result] | None = None,
    ) -> Iterator[Result]:
        """function(job) of every job, in the order in which they are done.

        `limits`: what a job may take (not held with one worker). `split`: the parts in which a job that killed its
        worker is tried again. `lost`: the result of a part that did it again; without it that is an error.
        """
        if self.count == 1:
            yield from map(function, jobs)
            return
        waiting, again, alone = deque(jobs), deque[Job](), False
        try:
            while waiting or again or self._busy():
                if not waiting and not self._busy():
                    waiting.append(again.popleft())
                    alone = True
                self._hand_out(function, waiting, 1 if alone else self.count)
                for member, heard in self._listen(limits):
                    if not isinstance(heard, _Gone):
                        yield from _heard(member, heard)
                        continue
                    job = self._bury(member, heard.why)
                    if not alone:
                        again.extend(split(job))
                    elif lost is not None:
                        yield lost(Lost(job, heard.why))
                    else:
                        raise DataError(
                            f"a worker process ended twice over the same piece of work ({heard.why}), the second time "
                            "alone; what was finished is kept: run the command again with more memory or smaller parts"
                        )
        finally:  # whoever stops listening early leaves no worker at an old job
            for member in self._busy():
                self._replace(member)

    def _busy(self) -> list[_Member]:
        return [member for member in self._members if member.busy]

    def _hand_out(self, function: Callable[[Job], Result], waiting: deque[Job], most: int) -> None:
        """Jobs to idle workers, starting some where there are none, while less than `most` are busy."""
        while waiting and len(self._busy()) < most:
            member = next((m for m in self._members if not m.busy), None) or self._begin()
            member.job, member.busy, member.since = waiting.popleft(), True, time.monotonic()
            with contextlib.suppress(OSError):  # it died while idle: listening finds that out
                member.channel.send((function, member.job))

    def _begin(self) -> _Member:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, plugins(), self._start, self._arguments), daemon=True)
        resource_tracker.ensure_running()  # by itself it would undo what follows
        # whoever ends this process waits until the child knows its work; that it inherits: Ctrl-C is not for it
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            process.start()
            theirs.close()
            self._members.append(_Member(process, ours))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
        return self._members[-1]

    def _bury(self, member: _Member, why: str) -> Any:
        """The job of a worker that is gone."""
        self._replace(member)
        if not member.ready:
            raise DataError(f"a worker process ended while it started ({why}): a plugin that exits, or lack of memory")
        return member.job

    def _replace(self, member: _Member) -> None:
        """End it; another is started when there is a job for it."""
        self._members.remove(member)
        member.process.kill()
        member.process.join()
        member.channel.close()

    def _listen(self, limits: Callable[[Any], Limits]) -> Iterator[tuple[_Member, Message | _Gone]]:
        """What busy workers say, and which of them are gone or over a limit."""
        busy = self._busy()
        spoken = set(wait([member.channel for member in busy], POLL_SECONDS))
        for member in busy:
            if member.channel in spoken:
                try:
                    yield member, member.channel.recv()
                except (EOFError, OSError):
                    yield member, _Gone(_ending(member.process))
            elif member.ready and (over := _over(member, limits(member.job))):
                yield member, _Gone(over)


def _heard(member: _Member, message: Message) -> Iterator[Any]:
    """The result, if it is one; an error is raised."""
    if message.kind == "ready":
        member.ready, member.since = True, time.monotonic()
        return
    member.busy, member.job = False, None
    if message.kind == "error":
        raise message.content
    yield message.content


def _ending(process: BaseProcess) -> str:
    """'killed by signal 9', 'exit code 3'."""
    process.join(LET_GO_SECONDS)
    code = process.exitcode
    if code is not None and code < 0:
        return f"killed by signal {-code}" + (", as by a system that is out of memory" if code == -9 else "")
    return f"exit code {code}"


def _over(member: _Member, limits: Limits) -> str:
    """Which limit the worker is over, or ''."""
    if limits.seconds is not None and time.monotonic() - member.since > limits.seconds:
        return f"over the limit of {limits.seconds:,.0f} s"
    if limits.bytes is not None and (used := _resident(member.process.pid)) > limits.bytes:
        return f"over the limit of memory: {used / 2**30:.1f} of {limits.bytes / 2**30:.1f} GiB"
    return ""


def _resident(pid: int | None) -> int:
    """Bytes of memory that a process holds; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * 4096
