"""The run context: store and runner as the options say, for as long as the command works."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Callable, Iterator

from benchmarks.engines.device import choose_device, default_workers
from benchmarks.engines.local import Limits
from benchmarks.scoring.released import Released
from benchmarks.scoring.runner import Found, Job, Runner, score_job
from benchmarks.scoring.store import Store, default_store

GPU_TOGETHER = 8
SHARE = 0.9  # of the machine's memory, for all workers together


@contextlib.contextmanager
def opened(
    options: argparse.Namespace, score: Callable[[Job], Found] | None = None, progress: bool = True
) -> Iterator[Runner]:
    """A runner on the store, the released tables, the workers and within the limits that the options name.

    score: what scores a job. progress: whether the runner shows its own; a command of many small questions shows how
    far all of them are.
    """
    device = str(choose_device(options.device))
    workers = options.workers or default_workers(device)
    together = options.together or (1 if device == "cpu" else GPU_TOGETHER)
    limits = Limits(options.time_limit, _memory(options.memory_limit, workers))
    with (
        Store(options.store or default_store()) as store,
        Runner(
            store,
            workers,
            together,
            limits=limits,
            progress=progress,
            score=score or score_job,
            released=None if options.no_tables else Released(),
        ) as runner,
    ):
        yield runner


def _memory(asked: float | None, workers: int) -> int | None:
    """Bytes that a worker may hold: as asked, or its share of the machine."""
    if asked is not None:
        return int(asked * 2**30)
    try:
        return int(SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / workers)
    except (ValueError, OSError):
        return None
