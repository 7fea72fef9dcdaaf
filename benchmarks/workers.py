"""Worker processes with one torch thread each, and a parent that collects; one worker runs in this process."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from benchmarks import shell
from diswot_errors import DataError

Result = TypeVar("Result")


class Workers:
    """A context of `count` workers, each prepared once by `start(*arguments)`.

    `each(function, jobs)` yields results as they come. Whatever ends the context early, Ctrl-C among it, ends the
    workers too; what was yielded before is the caller's to keep.
    """

    def __init__(self, count: int, start: Callable[..., None] | None = None, *arguments: Any) -> None:
        self.count, self._start, self._arguments = count, start, arguments
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        if self.count == 1:
            shell.one_thread()
            if self._start is not None:
                self._start(*self._arguments)
        else:
            context = multiprocessing.get_context("spawn")
            given = (self._start, self._arguments)
            self._pool = ProcessPoolExecutor(self.count, mp_context=context, initializer=_initialise, initargs=given)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is None:
            return
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        if kind is not None:
            for process in processes:
                process.terminate()

    def each(self, function: Callable[..., Result], jobs: Iterable[Any]) -> Iterator[Result]:
        """function(job) of every job, in the order in which they are done."""
        if self._pool is None:
            yield from map(function, jobs)
            return
        waiting: set[Future[Result]] = {self._pool.submit(_call, function, job) for job in jobs}
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                try:
                    result = future.result()
                except BrokenProcessPool:
                    raise DataError(
                        "a worker process died, most likely for lack of memory; what was finished is kept: "
                        "run the same command again with fewer --workers"
                    ) from None
                yield result


_failure: BaseException | None = None


def _initialise(start: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """In each worker. A failure is kept and told by the first job: a pool reports a broken start without its reason."""
    global _failure
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    shell.one_thread()
    if start is not None:
        try:
            start(*arguments)
        except Exception as error:
            _failure = error


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers: they end themselves."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _call(function: Callable[..., Result], job: Any) -> Result:
    if _failure is not None:
        raise _failure
    with contextlib.suppress(KeyboardInterrupt):
        return function(job)
    raise DataError("interrupted")
