"""One proxy under many settings: seeds, batch sizes, images, initialisations, each changed alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from benchmarks.scoring.measured import Measured, agreement
from benchmarks.scoring.resolve import resolve_images
from benchmarks.scoring.study import Study
from diswot_errors import DataError
from nb201_data.datasets import unpooled
from proxies.authors import INITS
from reports import figures
from reports.schema import Cell, Column, Figure, Section, Table

BATCHES = (8, 16, 32, 64, 128)
AXES = ("seed", "batch", "images", "init")


class Place(NamedTuple):
    """One thing changed: which, and to what. The base setting is there on every axis."""

    axis: str
    value: str


def places(study: Study) -> tuple[dict[Place, Study], dict[str, str]]:
    """All studies, of one seed each, that differ from this one in one thing; and what is not at hand."""
    base, missing = study.setting, {}
    found = {Place("seed", str(seed)): replace(study, seeds=(seed,)) for seed in study.seeds}
    changed = {Place("batch", str(size)): replace(base, batch_size=size) for size in {*BATCHES, base.batch_size}}
    changed = dict(sorted(changed.items(), key=lambda item: item[1].batch_size))
    for source in dict.fromkeys((base.images, "embedded", unpooled(study.truth.images) or "cifar100")):
        try:
            images = resolve_images(source, base.skeleton)
        except DataError as error:
            missing[source] = f"stability over images {source}: {error}"
            continue
        changed[Place("images", images)] = replace(base, images=images)
    changed |= {Place("init", init): replace(base, init=init) for init in INITS}
    return found | {place: replace(study, setting=s, seeds=(0,)) for place, s in changed.items()}, missing


def _base(axis: str, study: Study) -> Place:
    """The place of the base setting on an axis."""
    setting = study.setting
    values = {"seed": "0", "batch": str(setting.batch_size), "images": setting.images, "init": setting.init}
    return Place(axis, values[axis])


def sections(grid: Mapping[Place, Measured], base: Study) -> list[Section]:
    """A panel for each proxy with its Spearman under every setting, and a table of how far the settings move it."""
    names = [info.name for info in next(iter(grid.values())).infos]
    labels = [f"{p.axis} {p.value.partition(':')[0] if p.axis == 'images' else p.value}" for p in grid]
    marked = [label for label, place in zip(labels, grid, strict=True) if place == _base(place.axis, base)]
    panels, rows = [], []
    for place, name in enumerate(names):
        estimates = [one.by_proxy[name].spearman for one in grid.values()]
        drawn = figures.intervals(labels, estimates, title=name, highlight=marked)
        panels.append(Figure(f"panel-{place}", drawn, width="small"))
        rows.append(_row(name, grid, base))
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
        note=f"Base setting: {base.setting.init} weights, {base.setting.batch_size} images of "
        f"{base.setting.images}, seed 0; every other setting differs from it in one thing and has one seed.",
    )  # fmt: skip
    multiples = Section(
        "multiples",
        "The same, proxy by proxy",
        figures=tuple(panels),
        note="Spearman with the truth, 95 % bootstrap intervals over networks; the base setting in the second colour.",
    )
    return [table, multiples]


def _row(name: str, grid: Mapping[Place, Measured], base: Study) -> tuple[Cell, ...]:
    known: dict[str, list[float]] = {axis: [] for axis in AXES}
    for place, one in grid.items():
        if (value := one.by_proxy[name].spearman.value) is not None:
            known[place.axis].append(value)
    seeds = known["seed"]
    spread = float(np.std(seeds, ddof=1)) if len(seeds) > 1 else None
    ranges = [max(known[axis]) - min(known[axis]) if len(known[axis]) > 1 else None for axis in AXES[1:]]
    found = {
        f"{place.axis} {place.value}": agreement(
            grid[_base(place.axis, base)].values(name), one.values(name)
        ).spearman.value
        for place, one in grid.items()
        if place != _base(place.axis, base)
    }
    defined = {where: value for where, value in found.items() if value is not None}
    where = min(defined, key=lambda key: defined[key], default="")
    return (name, spread, *ranges, defined.get(where), where)
