"""The engine that the options of `options.machine` ask for."""

from __future__ import annotations

import argparse

from benchmarks.engines.device import choose_device
from benchmarks.engines.registry import ENGINES, Engine, Wanted
from diswot_errors import UsageError

OF_SOME = ("address", "gpus_per_worker")
"""Options that not every engine takes."""


def engine_of(options: argparse.Namespace) -> Engine:
    """Ready to work; an option that belongs to another engine is refused."""
    info = ENGINES.find(options.engine)
    for name in OF_SOME:
        if getattr(options, name) is not None and name not in info.takes:
            takers = [other.name for other in ENGINES.values() if name in other.takes]
            raise UsageError(f"--{name.replace('_', '-')} is for --engine {' or '.join(takers)}, not for {info.name}")
    given = {name: getattr(options, name) for name in OF_SOME}
    return info.engine(Wanted(str(choose_device(options.device)), options.workers, **given))
