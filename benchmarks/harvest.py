"""Measure distilled accuracies of NAS-Bench-201 cells: `python -m benchmarks.harvest --protocol lite --cells 100`."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.engine import engine_of
from benchmarks.command.plugins import begun
from benchmarks.command.unused import refuse_unused
from benchmarks.distill import options as recipes
from benchmarks.distill.protocols import get_protocol
from benchmarks.engines.device import choose_device
from benchmarks.harvesting.rows import DISTILLER, growing, merge, rows_of, table_path
from reports.tables import format_count

GPU_TOGETHER = 16
TAUGHT = ("distiller", "teacher", "teacher_weights")


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    _, options = begun(argv, _parser)
    protocol = recipes.resolved(options)
    if options.alone:
        refuse_unused(options, _parser(), TAUGHT, "is about teaching, which --alone leaves out: take --alone away")

    from benchmarks.harvesting.pairs import Recipe, lone_runs

    recipe = Recipe(protocol, "" if options.alone else options.distiller, options.teacher_weights)
    usual = recipe.teacher == get_protocol(options.protocol).teacher
    other = "" if usual else recipe.teacher.replace(":", "-")
    table = options.table or table_path(protocol.name, recipe.distiller, other, chosen=bool(options.archs))
    if options.merge:
        found = merge(table, options.merge, keep=not options.dry_run)
        print(f"{format_count(found, 'new row')} {'for' if options.dry_run else 'in'} {table}")
        return 0

    from benchmarks.harvesting import reap, speed
    from benchmarks.harvesting.order import first, named_in

    device = choose_device(options.device)
    cells = named_in(options.archs) if options.archs else first(options.cells)
    engine = engine_of(options)
    together = options.together or (GPU_TOGETHER if device.type == "cuda" else 1)
    reading = contextlib.nullcontext(rows_of(table, recipe.kind)) if options.dry_run else growing(table, recipe.kind)
    with reading as rows:
        jobs = reap.pending({row.key for row in rows}, cells, options.seeds, options.share)
        done = len(cells) * options.seeds - len(jobs)
        more = f", {done} done or in other shares" if done else ""
        print(f"{table}: {format_count(len(jobs), 'run')} of {protocol.name} to do{more}", flush=True)
        lone = lone_runs(recipe, str(device))
        if known := sum((str(cell), seed) in lone for cell, seed in jobs):
            print(f"{known} of them have their lone run in {table_path(protocol.name)}: only the other is trained")
        if jobs and not options.dry_run:
            print(reap.harvest(recipe, jobs, table, reap.Machine(str(device), engine, together), lone))
        elif jobs:
            print(speed.estimate(recipe, jobs, str(device), engine.workers, lone))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "harvest",
        "Train cells distilled and alone and append one row each to a table; what is in it is not trained again.",
        [
            recipes.protocol("lite"),
            recipes.teacher(),
            recipes.table(),
            shared.seeds(of="repetitions of each cell"),
            shared.machine(),
            shared.dry_run("trained"),
        ],
    )
    parser.add_argument("--distiller", default=DISTILLER, help="kd, diswot+, review, ...: one with a trained teacher")
    parser.add_argument("--alone", action="store_true", help="train without teacher only, into a table of its own")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--cells", type=numbers.positive, default=100, help="how many cells of the fixed order")
    which.add_argument(
        "--archs", type=Path, metavar="FILE.csv", help="the cells in its column arch instead, into a table of their own"
    )
    parser.add_argument("--share", type=_share, default="1/1", metavar="I/N", help="only every Nth cell, from the Ith")
    parser.add_argument("--merge", type=Path, nargs="+", metavar="FILE", help="only add the rows of other tables")
    parser.add_argument(
        "--together", type=numbers.positive, help=f"cells at once in a process (1; {GPU_TOGETHER} on a GPU)"
    )
    return parser


def _share(text: str) -> tuple[int, int]:
    part, _, whole = text.partition("/")
    if not (part.isdigit() and whole.isdigit() and 1 <= int(part) <= int(whole)):
        raise argparse.ArgumentTypeError(f"{text!r}: expected I/N with 1 <= I <= N, as in 2/3")
    return int(part), int(whole)


if __name__ == "__main__":
    diswot_ending.run(main)
