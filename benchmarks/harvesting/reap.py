"""Train what a table lacks, in worker processes; this process is the only one that writes."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engines.device import choose_device
from benchmarks.engines.progress import Progress
from benchmarks.engines.registry import Engine
from benchmarks.harvesting import speed
from benchmarks.harvesting.pairs import CellSeed, Lone, PairTrainer, Recipe
from benchmarks.harvesting.rows import PairRow, append
from nb201_data.space import Cell


@dataclass(frozen=True)
class Machine:
    """What works, and how many cells at once in each process."""

    device: str
    engine: Engine
    together: int


def pending(
    done: Collection[tuple[str, int]], cells: Sequence[Cell], seeds: int, share: tuple[int, int] = (1, 1)
) -> list[CellSeed]:
    """(cell, seed) still to be measured, in this order; repetitions come after all cells had their first run."""
    part, whole = share
    chosen = [cell for i, cell in enumerate(cells) if i % whole == part - 1]
    jobs = [(cell, seed) for seed in range(seeds) for cell in chosen]
    return [(cell, seed) for cell, seed in jobs if (str(cell), seed) not in done]


def harvest(recipe: Recipe, jobs: Sequence[CellSeed], table: Path, machine: Machine, lone: Lone | None = None) -> str:
    """Train all jobs but the lone runs that are known, and append each row as it comes; how fast it was."""
    recipe.loaded_teacher()  # what it lacks is said before any process starts
    groups = [list(jobs[i : i + machine.together]) for i in range(0, len(jobs), machine.together)]
    epochs, measured = recipe.protocol.epochs, list[PairRow]()
    engine = machine.engine
    with engine.team(engine.workers, _start, recipe, machine.device, lone or {}) as team:
        # the teacher answers first, each epoch once, shared among the workers
        with Progress(epochs, "epoch", "the teacher's answers") as progress:
            for _ in team.each(_prepare, range(epochs)):
                progress.advance()
        started = time.perf_counter()
        with Progress(len(jobs), "cell") as progress:
            for rows in team.each(_train, groups):
                append(table, rows)
                measured += rows
                progress.advance(len(rows), _short(rows[-1]))
        seconds = time.perf_counter() - started
    return speed.summary(measured, recipe.protocol.per_class, seconds, machine.device, engine.workers, lone)


def _short(row: PairRow) -> str:
    alone = f"{row.vanilla_top1:.2f} % alone"
    return alone if row.distilled_top1 is None else f"{row.distilled_top1:.2f} % distilled, {alone}"


_trainer: PairTrainer | None = None


def _start(recipe: Recipe, device: str, lone: Lone) -> None:
    """In each worker: load images and teacher once."""
    global _trainer
    _trainer = PairTrainer(recipe, choose_device(device), lone)


def _prepare(epoch: int) -> None:
    assert _trainer is not None
    _trainer.stream.prepare(epoch)


def _train(jobs: list[CellSeed]) -> list[PairRow]:
    assert _trainer is not None
    return _trainer.train(jobs)
