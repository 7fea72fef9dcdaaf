"""A run as the site knows it: its name there, and what its pages ask of it again and again, computed once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import compress

from reports.headline import setting_in_words
from reports.pages import page_of
from reports.panels import TRUTH, agreement, milliseconds, panels_of
from reports.records import Run
from reports.schema import COEFFICIENTS, Correlation
from reports.tables import HEADLINE, format_count, places


@dataclass(frozen=True)
class Entry:
    """A run of the site: its file name there, what it is called, and what it holds."""

    name: str
    title: str
    run: Run

    @property
    def is_truth(self) -> bool:
        """Whether proxies were held against a ground truth."""
        return bool(self.run.correlations)

    @property
    def address(self) -> str:
        """Its page, as the first page of the site links it."""
        return f"truth/{self.name}.html" if self.is_truth else f"run/{self.name}/report.html"

    @cached_property
    def rows(self) -> Mapping[str, Correlation]:
        """The statistics of each proxy."""
        return {row.proxy: row for row in self.run.correlations}

    @cached_property
    def _places(self) -> Mapping[str, Mapping[str, int]]:
        """For each coefficient the rank of every proxy that has one."""
        return {each: places(self.run.correlations, each) for each in COEFFICIENTS}

    def place(self, proxy: str, coefficient: str = HEADLINE) -> int | None:
        """The rank of a proxy."""
        return self._places[coefficient].get(proxy)

    def ranked(self, coefficient: str = HEADLINE) -> int:
        """How many rows have a rank."""
        return len(self._places[coefficient])

    @cached_property
    def milliseconds(self) -> Mapping[str, float]:
        """What each proxy costs: the median over its scores."""
        return milliseconds(self.run)

    @cached_property
    def agreement(self) -> Mapping[str, Mapping[str, float]]:
        """For each proxy how much every other one orders the networks like it: Spearman."""
        names, found = agreement(self.run, panels_of(self.run))
        return {
            name: {other: value for other, value in zip(names, row, strict=True) if _said(name, other, value)}
            for name, row in zip(names, found.tolist(), strict=True)
            if name != TRUTH
        }


def _said(name: str, other: str, value: float) -> bool:
    """Whether a correlation says something of two proxies."""
    return other not in (name, TRUTH) and not math.isnan(value)


def entries(runs: Mapping[str, Run]) -> list[Entry]:
    """Runs by their names on the site; where several have one title, what they were asked under tells them apart."""
    titles = {name: run.manifest.ground_truth if run.correlations else page_of(run).title for name, run in runs.items()}
    for alike in _alike(titles):
        asked = {name: _asked(runs[name]) for name in alike}
        differ = [len(set(each)) > 1 for each in zip(*asked.values(), strict=True)]
        for name, one in asked.items():
            if words := ", ".join(filter(None, compress(one, differ))):
                titles[name] += f" ({words})"
    for alike in _alike(titles):
        for name in alike:
            titles[name] += f" ({name})"
    return [Entry(name, titles[name], run) for name, run in runs.items()]


def _alike(titles: Mapping[str, str]) -> list[list[str]]:
    """The names that share a title."""
    named: dict[str, list[str]] = {}
    for name, title in titles.items():
        named.setdefault(title, []).append(name)
    return [names for names in named.values() if len(names) > 1]


def _asked(run: Run) -> tuple[str, ...]:
    """What two runs on one truth may differ in, from what says most."""
    return (
        *setting_in_words(run),
        run.manifest.skeleton,
        f"seeds {', '.join(map(str, run.manifest.seeds))}" if run.manifest.seeds else "",
        format_count(len(run.truth), "network") if run.truth else "",
    )
