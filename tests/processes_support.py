"""What the tests of processes share: a fresh interpreter, what it costs, and how a child meets Ctrl-C."""

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIGHT = 3
"""What starts at once costs less than so many imports of numpy: a torch is about twenty of them, pandas five."""


HELP = 10
"""A command that answers `--help` costs less than half a torch."""


def in_fresh_python(code: str) -> tuple[str, float]:
    """What `code` prints in an interpreter of its own, and the CPU seconds of starting and running it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@cache
def numpy_seconds() -> float:
    """CPU seconds of starting an interpreter that imports numpy: little, on this machine and under its load."""
    return min(in_fresh_python("import numpy")[1] for _ in range(2))


@contextmanager
def heeding_ctrl_c() -> Iterator[None]:
    """Children started here are interrupted by SIGINT, also where the tests run in the background, which ignores it."""
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)
