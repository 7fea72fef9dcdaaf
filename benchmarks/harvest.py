"""Measure distilled accuracies of NAS-Bench-201 cells: `python -m benchmarks.harvest --protocol lite --cells 100`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import shell
from benchmarks.distill.order import harvest_order
from benchmarks.distill.protocols import PROTOCOLS, Protocol, get_protocol
from benchmarks.distill.table import Row, append, merge, read_rows, table_path
from benchmarks.workers import Workers
from diswot_errors import UsageError
from nb201_data.space import Cell

if TYPE_CHECKING:
    from benchmarks.distill.pairs import PairTrainer

GPU_TOGETHER = 16


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser("harvest", "Train cells distilled and alone and append one row each to a table; resumable.")
    parser.add_argument("--protocol", default="lite", help=f"recipe and skeleton: {', '.join(PROTOCOLS)}")
    parser.add_argument("--cells", type=shell.positive, default=100, help="how many cells of the fixed order")
    parser.add_argument("--seeds", type=shell.positive, default=1, help="how many repetitions of each")
    parser.add_argument("--table", type=Path, help="where rows go (default: the project's table of the protocol)")
    parser.add_argument("--alone", action="store_true", help="train without teacher only, into a table of its own")
    parser.add_argument("--share", type=_share, default=(1, 1), metavar="I/N", help="only every Nth cell, from the Ith")
    parser.add_argument(
        "--merge", type=Path, nargs="+", metavar="FILE", help="add the rows of other tables; no training"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--workers", type=shell.positive, help="processes (default: cores on a CPU, 1 on a GPU)")
    parser.add_argument(
        "--together", type=shell.positive, help=f"cells at once in a process (1; {GPU_TOGETHER} on a GPU)"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be trained and stop")
    options = parser.parse_args(argv)

    protocol = get_protocol(options.protocol)
    table = options.table or table_path(protocol.name, options.alone)
    if options.merge:
        print(f"{merge(table, options.merge)} new rows in {table}")
        return 0
    jobs = pending(protocol, table, options.cells, options.seeds, options.share)
    done = options.cells * options.seeds - len(jobs)
    print(f"{table}: {len(jobs)} runs of {protocol.name} to do" + (f", {done} done or in other shares" if done else ""))
    if options.dry_run or not jobs:
        return 0
    device = shell.choose_device(options.device)
    workers = options.workers or shell.default_workers(str(device))
    together = options.together or (GPU_TOGETHER if device.type == "cuda" else 1)
    harvest(protocol, jobs, table, str(device), workers, together, options.alone)
    return 0


def _share(text: str) -> tuple[int, int]:
    part, _, whole = text.partition("/")
    if not (part.isdigit() and whole.isdigit() and 1 <= int(part) <= int(whole)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected I/N with 1 <= I <= N, as in 2/3")
    return int(part), int(whole)


def pending(
    protocol: Protocol, table: Path, cells: int, seeds: int, share: tuple[int, int] = (1, 1)
) -> list[tuple[Cell, int]]:
    """(cell, seed) still to be measured, in the fixed order; repetitions come after all cells had their first run."""
    order = harvest_order()
    if cells > len(order):
        raise UsageError(f"--cells {cells}: there are {len(order)} distinct cells")
    done = {row.key for row in read_rows(table)}
    part, whole = share
    chosen = [cell for i, cell in enumerate(order[:cells]) if i % whole == part - 1]
    jobs = [(cell, seed) for seed in range(seeds) for cell in chosen]
    return [(cell, seed) for cell, seed in jobs if (str(cell), protocol.name, seed) not in done]


def harvest(
    protocol: Protocol,
    jobs: Sequence[tuple[Cell, int]],
    table: Path,
    device: str,
    workers: int,
    together: int,
    alone: bool = False,
) -> None:
    """Train all jobs and append each row as it comes; this process is the only writer."""
    from tqdm import tqdm

    from benchmarks.distill import speed

    groups = [list(jobs[i : i + together]) for i in range(0, len(jobs), together)]
    with Workers(workers, _start, protocol, device, alone) as team:
        # the teacher answers first, each epoch once, shared among the workers
        for _ in team.each(_prepare, range(protocol.epochs)):
            pass
        started, measured = time.perf_counter(), list[Row]()
        with tqdm(total=len(jobs), unit="cell", smoothing=0.1) as progress:
            for rows in team.each(_train, groups):
                append(table, rows)
                measured += rows
                progress.update(len(rows))
                progress.set_postfix_str(_short(rows[-1]))
        seconds = time.perf_counter() - started
    print(speed.summary(measured, protocol, seconds, device, workers))


def _short(row: Row) -> str:
    alone = f"{row.vanilla_top1:.2f} % alone"
    return alone if row.distilled_top1 is None else f"{row.distilled_top1:.2f} % distilled, {alone}"


_trainer: PairTrainer | None = None


def _start(protocol: Protocol, device: str, alone: bool) -> None:
    """In each worker: load images and teacher once."""
    global _trainer
    from benchmarks.distill.pairs import PairTrainer

    _trainer = PairTrainer(protocol, shell.choose_device(device), alone)


def _prepare(epoch: int) -> None:
    assert _trainer is not None
    _trainer.stream.epoch(epoch)


def _train(jobs: list[tuple[Cell, int]]) -> list[Row]:
    assert _trainer is not None
    return _trainer.train(jobs)


if __name__ == "__main__":
    shell.run(main)
