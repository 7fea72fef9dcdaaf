"""Tables whose rows were made under different settings: groups of proxies, each under that of its authors."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.scoring import study as studies
from benchmarks.scoring.measured import RESAMPLES, Ask, Measured
from benchmarks.scoring.study import Study
from benchmarks.statistics import correlate
from benchmarks.statistics.runs import repetition
from nb201_data.datasets import unpooled
from reports import verdicts
from reports.schema import Correlation

TENSORWATCH = "flops_tensorwatch"
"""FLOPs as the authors counted them: multiply-adds, 2 for each output of a batch norm, 1 for each of a ReLU module."""


@dataclass(frozen=True)
class Group:
    """Proxies that the authors measured under one setting."""

    proxies: tuple[str, ...]
    batch_size: int
    split: str
    init: str = "gaussian"
    repeats: int = 10  # that the published number is the mean of


def differences(study: Study, group: Group, images: str) -> tuple[str, ...]:
    """Where a study departs from the authors' setting of a group, who looked at these images."""
    setting, found = study.setting, []
    if unpooled(setting.images) != images:
        found.append(f"images {setting.images}")
    if (setting.batch_size, setting.split) != (group.batch_size, group.split):
        found.append(f"{setting.batch_size} {setting.split} images instead of {group.batch_size} {group.split} images")
    if setting.init != group.init:
        found.append(f"{setting.init} weights instead of {group.init}")
    return tuple(found)


def study_of(options: argparse.Namespace, space: str | None, truth: str, group: Group) -> Study:
    """The question of one group: its own setting where the user gave none."""
    own = argparse.Namespace(**vars(options))
    own.batch_size = options.batch_size or group.batch_size
    own.split = options.split or group.split
    return studies.study_of(own, space, truth, group.init)


def ask(options: argparse.Namespace, space: str | None, truth: str, group: Group, label: str) -> Ask:
    """The scores of a group, params and FLOPs among them."""
    from proxies.registry import get

    infos = studies.with_baselines([get(name) for name in group.proxies])
    return Ask(study_of(options, space, truth, group), infos, label)


def closed_form(study: Study) -> dict[str, Correlation]:
    """Rows that need no network: params, and FLOPs by the authors' count."""
    space = study.setting.search_space
    archs = [space.parse(arch) for arch in study.archs]
    scores = {"params": [space.params(a) for a in archs], TENSORWATCH: [space.flops(a) for a in archs]}
    rows = correlate(
        study.accuracies,
        scores,
        dict.fromkeys(scores, "higher"),
        baselines=("params",),
        resamples=RESAMPLES,
        networks=study.networks,
    )
    return {row.proxy: row for row in rows}


def on_same_networks(row: Correlation, coefficient: str, group: Group, setting: str) -> verdicts.Counterpart:
    """A coefficient against a published number that was made on the very same networks, times 100."""
    estimate = verdicts.hundredths(getattr(row, coefficient))
    expected = repetition(estimate, row.seeds, group.repeats)
    return verdicts.Counterpart(estimate, row.scored, row.seeds, setting, expected)


def exact(row: Correlation, coefficient: str, setting: str, differs: tuple[str, ...] = ()) -> verdicts.Counterpart:
    """A coefficient without any chance in it, times 100: it must be what is printed."""
    estimate = verdicts.hundredths(getattr(row, coefficient))
    sure = replace(estimate, low=estimate.value, high=estimate.value)
    return verdicts.Counterpart(estimate, row.scored, row.seeds, setting, sure, differs)


def describe(study: Study, proxies: Sequence[str]) -> str:
    """The setting of rows in a few words; the teacher where one of the proxies looks at it."""
    from proxies.registry import get

    s = study.setting
    teacher = f", teacher {s.teacher}" if any(get(name).teacher for name in proxies) else ""
    return f"{s.space}, {s.init}, {s.batch_size} {s.split} images of {s.images}{teacher}"


def settings(parts: Sequence[Measured], groups: Sequence[Group]) -> str:
    """Which proxies were measured under which setting, in sentences."""
    pairs = zip(parts, groups, strict=True)
    return " ".join(f"{', '.join(group.proxies)}: {describe(one.study, group.proxies)}." for one, group in pairs)


def rows_of(parts: Sequence[Measured]) -> dict[str, Correlation]:
    """The statistics of each proxy of all groups."""
    return {row.proxy: row for one in parts for row in one.rows}
