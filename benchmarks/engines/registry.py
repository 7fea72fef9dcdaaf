"""Engines by name. One file adds one; other packages add theirs by an entry point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.engines.team import Start, Team
from diswot_registry import Registry


class Engine(Protocol):
    """Where jobs are done. Results do not depend on it; this process is the only one that keeps them."""

    @property
    def workers(self) -> int:
        """How many jobs are done at a time."""

    def team(
        self, count: int, start: Start = None, *arguments: Any, folder: Path | None = None, apart: bool = False
    ) -> Team:
        """Up to `count` workers, not more than `workers`, each prepared by `start(*arguments)`.

        `folder`: where jobs keep what they are at, their checkpoints; every worker must see it. `apart`: none of them
        is this process, so that limits can be kept and what a job does to its process is not done to this one.
        """

    def memory(self, beside: int) -> int | None:
        """Bytes that each of so many workers may hold by default; None: as much as it likes."""


@dataclass(frozen=True)
class Wanted:
    """What a command was asked for. `workers`, `address`, `gpus_per_worker`: None where nothing was said."""

    device: str
    workers: int | None = None
    address: str | None = None
    gpus_per_worker: float | None = None


@dataclass(frozen=True)
class EngineInfo:
    """What is known about an engine. `takes`: which of the options of some engines are its own."""

    name: str
    summary: str
    engine: Callable[[Wanted], Engine]
    takes: frozenset[str] = frozenset()


ENGINES = Registry("engine", EngineInfo, "diswot_bench.engines", ["benchmarks.engines.local", "benchmarks.engines.ray"])
