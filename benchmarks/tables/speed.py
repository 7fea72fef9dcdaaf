"""What passes and scores cost: a table of groups, one of passes beside their floors, one of proxies."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.scoring.units import FLOORS, CellCosts
from proxies.evidence.plan import plan
from proxies.registry import ProxyInfo
from reports.schema import Cell, Column, Section, Table

MEDIAN, LEAST, MOST = "median", "least", "most"


@dataclass(frozen=True)
class DeviceCosts:
    """On one device: the costs of every cell, and peak memory in bytes on the heaviest, by group and by pass."""

    device: str
    cells: Sequence[CellCosts]
    peaks: Mapping[str, int | None]
    pass_peaks: Mapping[str, int | None]


def _spread(prefix: str = "") -> tuple[Column, ...]:
    notes = {MEDIAN: "over the cells", LEAST: "of all cells", MOST: "of all cells"}
    return tuple(Column(f"{prefix}{name}", "number", 2, label=f"{name}, units", note=notes[name]) for name in notes)


MEMORY = Column("peak_gib", "number", 2, "peak, GiB", "the most that a process of its own holds, on the heaviest cell")
DEVICE = Column("device")


def sections(
    found: Sequence[DeviceCosts], members: Mapping[str, Sequence[str]], infos: Sequence[ProxyInfo]
) -> list[Section]:
    """All tables. `members`: the proxies of each group; `infos`: those that were looked at one by one."""
    intro = (
        "A unit is one plain forward and backward pass of the same network, timed in turns with everything else in the "
        "same run: on a CPU in CPU time of one thread, on a GPU until it has done all its work.",
    )
    return [
        Section("groups", "What scores cost together", intro, _groups(found, members)),
        Section(
            "passes",
            "What each pass costs",
            table=_passes(found),
            note="The floor is timed in the same turns, on the same network, with nobody looking on. A pass is "
            "above its floor by what the scores see in it: correlations, kernels, random numbers. The forward pass "
            "that is shared keeps its graph where any score goes back.",
        ),
        Section(
            "proxies",
            "What each proxy costs",
            table=_proxies(found, infos),
            note="Alone: its own arithmetic and its passes, as they took in the run of all that were asked. Own: what "
            "it adds where its passes run for others too.",
        ),
    ]


def _groups(found: Sequence[DeviceCosts], members: Mapping[str, Sequence[str]]) -> Table:
    columns = (Column("group"), Column("proxies", "integer"), DEVICE, *_spread(), MEMORY)
    rows = [
        (group, len(names), one.device, *_three(cell.groups[group] for cell in one.cells), _gib(one.peaks[group]))
        for group, names in members.items()
        for one in found
    ]
    return Table(columns, tuple(rows))


def _passes(found: Sequence[DeviceCosts]) -> Table:
    columns = (
        *(Column("pass"), DEVICE, *_spread()),
        Column("floor", "number", 2, "floor, units", "median over the cells"),
        Column("share", "number", 2, "floor / pass", "median over the cells; 1 is the floor"),
        *(MEMORY, Column("floor_is", label="the floor")),
    )
    rows: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys(name for one in found for cell in one.cells for name in cell.passes):
        for one in found:
            times = [cell.passes[name] for cell in one.cells]
            floor, share, words = None, None, ""
            if name in FLOORS:
                floors = [FLOORS[name].of(cell.plain) for cell in one.cells]
                floor, words = statistics.median(floors), FLOORS[name].words
                share = statistics.median(low / time for low, time in zip(floors, times, strict=True))
            rows.append((name, one.device, *_three(times), floor, share, _gib(one.pass_peaks.get(name)), words))
    return Table(columns, tuple(rows))


def _proxies(found: Sequence[DeviceCosts], infos: Sequence[ProxyInfo]) -> Table:
    own = Column("own", "number", 3, "own, units", "its arithmetic alone, median over the cells")
    columns = (Column("proxy"), DEVICE, *_spread(), own, Column("passes"), Column("status"))
    rows = []
    for info in infos:
        passes = plan(info.needs).names
        for one in found:
            alone = [cell.own.get(info.name, 0.0) + sum(cell.passes[name] for name in passes) for cell in one.cells]
            added = statistics.median(cell.own.get(info.name, 0.0) for cell in one.cells)
            status = ", ".join(sorted({cell.status[info.name] for cell in one.cells}))
            rows.append((info.name, one.device, *_three(alone), added, ", ".join(passes), status))
    return Table(columns, tuple(sorted(rows, key=lambda row: (row[1], row[2], row[0]))))


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    listed = list(values)
    return statistics.median(listed), min(listed), max(listed)


def _gib(peak: int | None) -> float | None:
    return None if peak is None else peak / 2**30
