"""What passes and scores cost, in units of one plain forward and backward pass: `python -m benchmarks.speed`.

Nothing is stored but the page: what a machine measures holds for it alone. tests/bench_proxies.py keeps the limits.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content, formula, versions
from benchmarks.command.work import work_in_folder
from benchmarks.engines.device import choose_device, settle
from benchmarks.engines.local import Local
from benchmarks.engines.progress import Progress
from reports.tables import format_duration

if TYPE_CHECKING:
    from benchmarks.tables.speed import DeviceCosts

CELLS, ROUNDS = 12, 2
Groups = Mapping[str, Sequence[str]]


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    from benchmarks.scoring.units import IMAGES, costs_of, groups, spaced
    from benchmarks.tables import speed
    from proxies.registry import select

    infos = select(options.proxies)
    names = [info.name for info in infos]
    asked: Groups = {name: members for name, members in groups().items() if set(members) <= set(names)}
    if all(set(members) != set(names) for members in asked.values()):
        asked = {**asked, "asked": names}
    devices, cells = _devices(options.device), spaced(options.cells)
    settle()
    if options.dry_run:
        begin = time.perf_counter()
        costs_of(cells[len(cells) // 2], names, asked, devices[0], rounds=1)
        seconds = (time.perf_counter() - begin) * len(cells) * options.rounds * len(devices)
        print(
            f"{len(cells)} cells, {options.rounds} rounds, on {' and '.join(devices)}: {len(names)} proxies on "
            f"{IMAGES} images, {len(asked)} groups of them; then the memory of each in a process of its own.\n"
            f"About {format_duration(seconds)} by a probe of one cell, and a minute for the memory."
        )
        return 0
    settings = {
        "cells": [str(cell) for cell in cells],
        "rounds": options.rounds,
        "devices": devices,
        "batch_size": IMAGES,
        "proxies": versions(infos),
    }

    def work(out: Path) -> Content:
        found = [_measured(device, names, asked, options.cells, options.rounds) for device in devices]
        title = "What scores cost, in forward and backward passes"
        made = speed.sections(found, asked, infos)
        formulas = [formula(info) for info in infos]
        return Content(title, sections=made, formulas=formulas, config=settings, device=devices[-1])

    return work_in_folder("speed", given, options, settings, work)


def _measured(device: str, names: Sequence[str], asked: Groups, count: int, rounds: int) -> DeviceCosts:
    """All cells in this process, then the memory of each group in one of its own."""
    from benchmarks.scoring.units import PeakJob, costs_of, peaks, spaced
    from benchmarks.tables.speed import DeviceCosts

    cells, jobs = spaced(count), {group: PeakJob(tuple(members), device) for group, members in asked.items()}
    found, most, by_pass = [], {}, {}
    with Progress(len(cells) + len(jobs), "step", device) as shown:
        for cell in cells:
            found.append(costs_of(cell, names, asked, device, rounds))
            shown.advance()
        for group, job in jobs.items():
            with Local().team(1, apart=True) as team:  # a fresh process
                (peak,) = team.each(peaks, [job])
            most[group] = peak.pop("")
            if set(job.names) == set(names):
                by_pass = peak
            shown.advance()
    return DeviceCosts(device, found, most, by_pass)


def _devices(name: str) -> list[str]:
    """auto: the CPU, and the GPU where there is one."""
    chosen = str(choose_device(name))
    return list(dict.fromkeys(["cpu", chosen])) if name == "auto" else [chosen]


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "speed",
        "Measure what scores cost on networks of NAS-Bench-201 from light to heavy, in units of one plain forward and "
        "backward pass of the same network: groups of scores, each pass beside the least that it can cost, each proxy; "
        "and the memory that they take. --device auto is the CPU, and the GPU too where there is one.",
        [shared.device(), shared.proxies(), shared.output(what="measured")],
    )
    parser.add_argument("--cells", type=numbers.positive, default=CELLS, help="networks, at equal steps by their FLOPs")
    parser.add_argument("--rounds", type=numbers.positive, default=ROUNDS, help="turns, of which the fastest counts")
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
