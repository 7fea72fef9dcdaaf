"""The run context: store and runner as the options say, for as long as the command works."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator

from benchmarks.command.engine import engine_of
from benchmarks.engines.device import choose_device
from benchmarks.engines.team import Limits
from benchmarks.scoring.released import RELEASED, Released
from benchmarks.scoring.runner import Found, Job, Runner, score_job
from benchmarks.scoring.store import Store, default_store

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
    asked = options.memory_limit
    limits = Limits(options.time_limit, engine.memory() if asked is None else int(min(asked, MOST_GIB) * 2**30))
    with (
        Store(options.store or default_store()) as store,
        Runner(
            store,
            engine,
            together,
            limits=limits,
            progress=progress,
            score=score or score_job,
            released=None if options.no_tables else Released(getattr(options, "tables", RELEASED)),
        ) as runner,
    ):
        yield runner
