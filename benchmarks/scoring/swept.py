"""A long list of networks, some at a time: what is answered stays in memory only until they are done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.scoring.release import release
from benchmarks.scoring.released import Released
from benchmarks.scoring.runner import PER_JOB, Request, Runner
from benchmarks.scoring.store import KEPT

CHUNK = 500  # networks at a time, at least
BATCHES = 8  # jobs for each worker, at least: all have something to do until the last of them
RELEASE_EVERY = 300.0  # seconds: all that is stored is read for it


def swept(
    runner: Runner,
    asked: Callable[[Sequence[str]], Sequence[Request]],
    archs: Sequence[str],
    name: str,
    tables: Path | None,
) -> int:
    """Answer what is asked of the networks; how many scores failed, which are not kept.

    tables: a folder of released tables that grow with the store, now and then and at the end.
    """
    size = max(CHUNK, BATCHES * runner.workers * PER_JOB * runner.together)
    lost, written = 0, time.monotonic()
    for begin in range(0, len(archs), size):
        part = archs[begin : begin + size]
        done = begin + len(part)
        found = runner.answer(asked(part), f"{name}, to {done:,} of {len(archs):,}")
        lost += sum(one.status not in KEPT for each in found for by in each.values() for one in by.values())
        if tables is not None and (done == len(archs) or time.monotonic() - written > RELEASE_EVERY):
            print("\n".join(release(runner.store, tables)), flush=True)
            written = time.monotonic()
            if runner.released is not None:
                runner.released = Released(tables)
    return lost
