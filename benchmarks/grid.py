"""One proxy under many settings: seeds, batch sizes, images, initialisations, each changed alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.ablation import Measured, measure
from benchmarks.options import INITS
from benchmarks.settings import resolve_images
from diswot_errors import DataError
from reports.schema import Note, Topic

if TYPE_CHECKING:
    from benchmarks.options import Study
    from benchmarks.runner import Runner
    from proxies.registry import ProxyInfo
    from reports.schema import Cell, Estimate, Section

BATCHES = (8, 16, 32, 64, 128)
AXES = ("seed", "batch", "images", "init")
Grid = dict[tuple[str, str], Measured]
"""(axis, value) -> measurement with one seed; the base setting is there on every axis."""


def measure_grid(runner: Runner, study: Study, infos: Sequence[ProxyInfo]) -> tuple[Grid, list[Note]]:
    """All settings that differ from the study's in one thing, and what could not be measured."""
    base, notes = study.setting, []
    settings = {("seed", str(seed)): (base, seed) for seed in study.seeds}
    batches = sorted({*BATCHES, base.batch_size})
    settings |= {("batch", str(size)): (replace(base, batch_size=size), 0) for size in batches}
    for source in dict.fromkeys((base.images, "embedded", study.truth.images.partition("@")[0] or "cifar100")):
        try:
            images = resolve_images(source, base.skeleton)
        except DataError as error:
            notes.append(Note(Topic.LEFT_OUT, f"Stability over images: {source} is left out: {error}."))
            continue
        settings["images", images] = (replace(base, images=images), 0)
    settings |= {("init", init): (replace(base, init=init), 0) for init in INITS}
    grid = {}
    for (axis, value), (setting, seed) in settings.items():
        own = replace(study, setting=setting, seeds=(seed,))
        grid[axis, value] = measure(runner, own, infos, f"{axis} {value}")
    return grid, notes


def base_value(axis: str, study: Study) -> str:
    """The value that the base setting has on an axis."""
    setting = study.setting
    return {"seed": "0", "batch": str(setting.batch_size), "images": setting.images, "init": setting.init}[axis]


def grid_sections(grid: Grid) -> list[Section]:
    """A panel for each proxy with its Spearman under every setting, and a table of how far the settings move it."""
    from reports import figures
    from reports.schema import Column, Figure, Section, Table

    base = next(iter(grid.values()))
    names = [info.name for info in base.infos]
    labels = [f"{axis} {value.partition(':')[0] if axis == 'images' else value}" for axis, value in grid]
    marked = [label for label, key in zip(labels, grid, strict=True) if key[1] == base_value(key[0], base.study)]
    panels, rows = [], []
    for place, name in enumerate(names):
        estimates = [one.by_proxy[name].spearman for one in grid.values()]
        drawn = figures.intervals(labels, estimates, title=name, highlight=marked)
        panels.append(Figure(f"panel-{place}", drawn, width="small"))
        rows.append(_row(name, grid, base.study))
    columns = (
        Column("proxy"),
        Column("seed_spread", "number", label="sd over seeds", note="of Spearman with the truth"),
        *(Column(f"{axis}_range", "number", label=f"range over {axis}") for axis in AXES[1:]),
        Column(
            "least", "number", label="least agreement", note="lowest Spearman between the scores under two settings"
        ),
        Column("least_where", label="where"),
    )
    table = Section(
        "stability",
        "How stable each proxy is",
        ("Spearman with the truth when one thing is changed at a time: how far it moves, and the lowest agreement of "
         "the scores themselves with those of the base setting.",),
        table=Table(columns, tuple(rows)),
        note=f"Base setting: {base.study.setting.init} weights, {base.study.setting.batch_size} images of "
        f"{base.study.setting.images}, seed 0; every other setting differs from it in one thing and has one seed.",
    )  # fmt: skip
    multiples = Section(
        "multiples",
        "The same, proxy by proxy",
        figures=tuple(panels),
        note="Spearman with the truth, 95 % bootstrap intervals over networks; the base setting in the second colour.",
    )
    return [table, multiples]


def _row(name: str, grid: Mapping[tuple[str, str], Measured], study: Study) -> tuple[Cell, ...]:
    of = {axis: [_value(one, name) for (a, _), one in grid.items() if a == axis] for axis in AXES}
    known = {axis: [value for value in values if value is not None] for axis, values in of.items()}
    seeds = known["seed"]
    spread = float(np.std(seeds, ddof=1)) if len(seeds) > 1 else None
    ranges = [max(known[axis]) - min(known[axis]) if len(known[axis]) > 1 else None for axis in AXES[1:]]
    found = {
        f"{axis} {value}": _agreement(grid[axis, base_value(axis, study)], one, name)
        for (axis, value), one in grid.items()
        if value != base_value(axis, study)
    }
    defined = {where: estimate.value for where, estimate in found.items() if estimate.value is not None}
    where = min(defined, key=lambda key: defined[key], default="")
    return (name, spread, *ranges, defined.get(where), where)


def _value(one: Measured, name: str) -> float | None:
    return one.by_proxy[name].spearman.value


def _agreement(first: Measured, second: Measured, name: str) -> Estimate:
    from benchmarks.results import agreement, values

    tables = [values(one.answers, name, one.study.archs, one.study.seeds) for one in (first, second)]
    return agreement(tables[0], tables[1]).spearman
