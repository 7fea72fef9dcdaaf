"""Who does which job, and what becomes of a job whose worker dies: the same for the workers of every engine."""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from benchmarks.engines.worker import Message
from diswot_errors import DataError

Job = TypeVar("Job")
Result = TypeVar("Result")
Start = Callable[..., None] | None

POLL_SECONDS = 1.0  # between two looks at the limits
_STILLBORN = 5  # workers in a row that were taken away before they had started


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
    loading: float = 0.0  # seconds besides, for a job that loads something and then says that it has begun


@dataclass
class _Task:
    job: Any
    excused: bool = False  # its worker was taken away once


class Hand(ABC):
    """One worker, as its team sees it."""

    ready = False
    task: _Task | None = None

    @abstractmethod
    def give(self, call: bytes, limits: Limits) -> None:
        """Begin a job: pickled (function, job)."""

    @abstractmethod
    def end(self) -> None:
        """At once, whatever it does; nothing of it is left behind."""


class Team(ABC):
    """A context of up to `count` workers, each prepared once by `start(*arguments)`.

    `each(function, jobs)` yields results as they come. Whatever ends the context early, Ctrl-C among it, ends the
    workers too; what was yielded before is the caller's to keep. A worker that dies is replaced, and its job is tried
    once more, alone, when the others are done. A worker that was taken away is replaced too; its job goes back to the
    others, once.
    """

    here = False
    """Whether the work is done in this process."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._hands: list[Hand] = []
        self._stillborn = 0

    def __enter__(self) -> Team:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for hand in self._hands:
            hand.end()
        self._hands = []

    @abstractmethod
    def _begin(self) -> Hand:
        """Another worker, which will say that it is ready."""

    @abstractmethod
    def _listen(self, hands: list[Hand]) -> Iterator[tuple[Hand, Message]]:
        """What these say within `POLL_SECONDS`, and which of them are gone or over a limit."""

    def _pickled(self, thing: object) -> bytes:
        return pickle.dumps(thing)

    def each(
        self,
        function: Callable[[Job], Result],
        jobs: Iterable[Job],
        *,
        limits: Callable[[Job, int], Limits] = lambda job, beside: Limits(),
        split: Callable[[Job], Iterable[Job]] = lambda job: (job,),
        lost: Callable[[Lost[Job]], Result] | None = None,
    ) -> Iterator[Result]:
        """function(job) of every job, in the order in which they are done.

        `limits`: what a job may take where so many workers are alive. `split`: the parts in which a job that killed
        its worker is tried again.
        `lost`: the result of a part that did it again; without it that is an error.
        """
        waiting, again, alone = deque(_Task(job) for job in jobs), deque[_Task](), False
        at_once = min(self.count, len(waiting))
        try:
            while waiting or again or self._busy():
                if not waiting and not self._busy():
                    waiting.append(again.popleft())
                    alone, at_once = True, 1
                    for hand in self._hands[1:]:  # what idle ones hold is memory too
                        self._drop(hand)
                self._hand_out(function, waiting, at_once, limits)
                for hand, message in self._listen([hand for hand in self._hands if hand.task or not hand.ready]):
                    if message.kind not in ("gone", "lost"):
                        yield from self._heard(hand, message)
                        continue
                    task = self._bury(hand, message)
                    if task is None:
                        continue
                    if message.kind == "lost" and not task.excused:
                        waiting.append(_Task(task.job, excused=True))
                    elif not alone:
                        again.extend(_Task(part, task.excused) for part in split(task.job))
                    elif lost is not None:
                        yield lost(Lost(task.job, message.why))
                    else:
                        raise DataError(
                            f"a worker process ended twice over the same piece of work ({message.why}), the second "
                            "time alone; what was finished is kept: run the command again with more memory or smaller "
                            "parts"
                        )
        finally:  # whoever stops listening early leaves no worker at an old job
            for hand in self._busy():
                self._drop(hand)

    def _busy(self) -> list[Hand]:
        return [hand for hand in self._hands if hand.task]

    def _hand_out(
        self, function: Callable[[Any], Any], waiting: deque[_Task], most: int, limits: Callable[[Any, int], Limits]
    ) -> None:
        """Jobs to idle workers while less than `most` are busy; where they are too few, others are begun."""
        idle = [hand for hand in self._hands if hand.ready and not hand.task]
        free = most - len(self._busy())
        for hand in idle[: max(0, min(free, len(waiting)))]:
            hand.task = waiting.popleft()
            hand.give(self._pickled((function, hand.task.job)), limits(hand.task.job, max(most, len(self._hands))))
            free -= 1
        starting = sum(not hand.ready for hand in self._hands)
        for _ in range(min(free, len(waiting)) - starting):
            self._hands.append(self._begin())

    def _heard(self, hand: Hand, message: Message) -> Iterator[Any]:
        """The result, if it is one; an error is raised."""
        if message.kind == "ready":
            hand.ready, self._stillborn = True, 0
            return
        if not hand.ready:
            self._drop(hand)
        hand.task = None
        content = pickle.loads(message.content)
        if message.kind == "error":
            raise content
        yield content

    def _bury(self, hand: Hand, message: Message) -> _Task | None:
        """What a worker that is gone was at."""
        self._drop(hand)
        if hand.ready:
            return hand.task
        self._stillborn += 1
        if message.kind == "gone":
            raise DataError(
                f"a worker process ended while it started ({message.why}): a plugin that exits, or lack of memory"
            )
        if self._stillborn >= _STILLBORN:
            raise DataError(
                f"{self._stillborn} workers in a row were taken away while they started ({message.why}); what was "
                "finished is kept: look after the cluster and run the command again"
            )
        return None

    def _drop(self, hand: Hand) -> None:
        """End it; another is begun when there is a job for it."""
        self._hands.remove(hand)
        hand.end()
