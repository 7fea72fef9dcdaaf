"""The run context: store and runner as the options say, for as long as the command works."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator

from benchmarks.command.engine import engine_of
from benchmarks.command.options import TIME_LIMIT
from benchmarks.engines.device import choose_device
from benchmarks.engines.team import Limits
from benchmarks.scoring.released import RELEASED, Released
from benchmarks.scoring.runner import Found, Job, Runner, score_job
from benchmarks.scoring.store import Store, default_store
from reports.tables import format_count

GPU_TOGETHER = 8
MOST_GIB = 2.0**30  # more is no limit


@contextlib.contextmanager
def opened(
    options: argparse.Namespace, score: Callable[[Job], Found] | None = None, progress: bool = True
) -> Iterator[Runner]:
    """A runner on the store, the released tables, the workers and within the limits that the options name.

    score: what scores a job. progress: whether the runner shows its own; a command of many small questions shows how
    far all of them are.
    """
    device = str(choose_device(options.device))
    together = options.together or (1 if device == "cpu" else GPU_TOGETHER)
    engine = engine_of(options)
    seconds, gib = options.time_limit, options.memory_limit
    limits = Limits(seconds or TIME_LIMIT, None if gib is None else int(min(gib, MOST_GIB) * 2**30))
    with (
        Store(options.store or default_store()) as store,
        Runner(
            store,
            engine,
            together,
            limits=limits,
            apart=seconds is not None or gib is not None,
            progress=progress,
            score=score or score_job,
            released=None if options.no_tables else Released(getattr(options, "tables", RELEASED)),
        ) as runner,
    ):
        yield runner
        if store.damaged:
            shown = format_count(store.damaged, "answer")
            print(f"{store.path}: {shown} damaged on disk, left out and computed again", file=sys.stderr)
