"""The searches by shared weights: as deep and as long a training as fits into the minutes that a search may take."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.engines.device import settle
from benchmarks.search.choices import NATIVE
from benchmarks.search.courses import shared_seconds
from benchmarks.search.weight_sharing import SharedTask
from benchmarks.tables.search_entries import COMMAND, Entry, NotRun
from diswot_errors import DataError
from nb201_data.sealed import read_sealed, write_sealed

LEAST_EPOCHS = 5  # a shorter training is none: a shallower network is taken, or the row is not run


class NoTimeError(DataError):
    """The minutes are too few for any shared network."""


@dataclass(frozen=True)
class Plan:
    """The shared network has the width of the benchmark's; its depth and training are what the minutes allow."""

    cells_per_stage: int
    epochs: int

    def words(self, entry: Entry) -> str:
        """For the row."""
        skeleton = NATIVE[entry.data]
        return (
            f"shared network of {skeleton.channels} channels, {self.cells_per_stage} of {skeleton.cells_per_stage} "
            f"cells a stage, {self.epochs} epochs of {entry.data}"
        )


def task_of(entry: Entry, plan: Plan, folder: Path | None = None) -> SharedTask:
    """The training of one search, on all training images of the data set."""
    from nb201_data.images import load_images

    skeleton = replace(NATIVE[entry.data], cells_per_stage=plan.cells_per_stage)
    images = load_images(entry.data, "train")
    space = entry.space.with_skeleton(skeleton)
    return SharedTask(space, images, plan.epochs, entry.seed, device=entry.terms.device, folder=folder)


def plans_for(entries: Iterable[Entry], out: Path) -> tuple[dict[tuple[str, str], Plan], list[NotRun]]:
    """A plan for each data set and row, kept in `out` for whoever goes on there; and the rows that cannot be run."""
    plans: dict[tuple[str, str], Plan] = {}
    without: list[NotRun] = []
    for entry in {(entry.data, entry.contender.key): entry for entry in entries}.values():
        place = entry.data, entry.contender.key
        file = out / "searches" / f"{'-'.join(place)}.plan"
        if kept := read_sealed(file):
            plans[place] = Plan(**json.loads(kept))
            continue
        try:
            plans[place] = planned(entry)
        except DataError as error:
            lacking = "not enough minutes" if isinstance(error, NoTimeError) else "no images"
            without.append(NotRun(entry.data, entry.pool.key, entry.contender, lacking, str(error)))
        else:
            write_sealed(file, json.dumps(asdict(plans[place])).encode())
    return plans, without


def planned(entry: Entry) -> Plan:
    """The deepest network of which `LEAST_EPOCHS` epochs fit, and as many epochs as do; by probes of a few steps."""
    settle()
    limit = 60 * (entry.terms.shared_minutes or 0.0)
    for cells in range(NATIVE[entry.data].cells_per_stage, 0, -1):
        seconds = shared_seconds(entry.contender.strategy, task_of(entry, Plan(cells, 1)), {})
        if LEAST_EPOCHS * seconds <= limit:
            return Plan(cells, int(limit // seconds))
    raise NoTimeError(
        f"{LEAST_EPOCHS} epochs of the smallest shared network, one cell a stage, take about "
        f"{LEAST_EPOCHS * seconds / 60:.3g} minutes here: `{COMMAND} --data {entry.data} --rows "
        f"{entry.contender.key} --shared-minutes {LEAST_EPOCHS * seconds / 30:.0f}` has room for them"
    )
