"""How scores that are there meet a truth: all that books hold of its networks, a set of columns a setting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from benchmarks.scoring.population import ENOUGH
from benchmarks.scoring.question import NO_NUMBER, Question
from benchmarks.scoring.release import Book
from benchmarks.statistics.formula import Formula, Term
from benchmarks.statistics.resamples import Array
from nb201_data.ground_truth import GroundTruth
from nb201_data.skeleton import Skeleton
from proxies.registry import AGGREGATES, PROXIES, AggregateInfo, ProxyInfo, aggregates
from reports.cells import short_name

Column = dict[str, float]
"""Architecture -> value, as scored; NaN where the formula gives no number."""


@dataclass(frozen=True)
class Columns:
    """Every score of one setting by name and seed; with one teacher those that look at a teacher too."""

    setting: Question  # what all scores share: nothing of a proxy, a seed, a torch
    scored_as: str  # the skeleton, where it is not that of the truth
    scores: Mapping[str, Mapping[int, Column]]
    seconds: Mapping[str, float]
    """By proxy, the mean over its networks."""

    @property
    def names(self) -> tuple[str, ...]:
        """The proxies, then the aggregates all of whose parts are there for some seed."""
        groups = (info.name for info in aggregates() if self.seeds((info.name,)))
        return (*sorted(self.scores), *groups)

    def seeds(self, names: Iterable[str]) -> tuple[int, ...]:
        """Those for which all these scores are there."""
        there = [set(self.scores.get(part, ())) for name in names for part in parts_of(name)]
        return tuple(sorted(set.intersection(*there))) if there else ()

    def values(self, formula: Formula, archs: Sequence[str]) -> Array:
        """(seeds, n) more is better, ranks being those within `archs`; NaN where a network lacks a part."""
        lower = lower_of(formula.names)
        rows = [
            formula.values({name: self.column(name, seed, archs) for name in formula.names}, lower)
            for seed in self.seeds(formula.names)
        ]
        return np.array(rows).reshape(-1, len(archs))

    def seconds_of(self, names: Iterable[str]) -> float:
        """What a network costs that is asked for these scores: the sum over all parts."""
        return sum(self.seconds.get(part, 0.0) for part in {part for name in names for part in parts_of(name)})

    def column(self, name: str, seed: int, archs: Sequence[str]) -> Array:
        """(n,) a proxy's values as scored, or an aggregate's within `archs`; NaN for none."""
        return column_of(name, lambda proxy, none: self.scored(proxy, seed, archs, none))

    def scored(self, proxy: str, seed: int, archs: Sequence[str], none: float = np.nan) -> Array:
        """(n,) a proxy's values, `none` where its formula gives no number; NaN of what was not asked."""
        found = self.scores[proxy][seed]
        values = np.array([found.get(arch, np.inf) for arch in archs], dtype=float)  # which no score is
        return np.where(np.isnan(values), none, np.where(values == np.inf, np.nan, values))

    def teacher_of(self, names: Iterable[str]) -> str:
        """The teacher, where one of these scores looks at it."""
        looks = any(PROXIES[part].teacher for name in names for part in parts_of(name))
        return self.setting.teacher if looks else ""

    def conditions(self, names: Iterable[str]) -> str:
        """Init, batch and images; the teacher where one of these scores looks at it; another skeleton."""
        looked_at = self.teacher_of(names)
        teacher = f", teacher {short_name(looked_at)}" if looked_at else ""
        other = f", in {self.scored_as}" if self.scored_as else ""
        return f"{self.setting.init}, {self.setting.batch_size} of {self.setting.images}{teacher}{other}"


def column_of(name: str, scored: Callable[[str, float], Array]) -> Array:
    """(n,) of a score: a proxy's column, or an aggregate of those of its parts.

    scored: of a proxy its values (n,), NaN where there is none, and a number of ours where its formula gives none.
    """
    if name not in AGGREGATES:
        return scored(name, np.nan)
    return joined(AGGREGATES[name], [scored(part, worst(part)) for part in AGGREGATES[name].parts])


def worst(part: str) -> float:
    """What an aggregate takes a part for where its formula gives no number."""
    return np.inf if part in lower_of([part]) else -np.inf


def joined(info: AggregateInfo, columns: Sequence[Array]) -> Array:
    """(n,) an aggregate of its parts' columns (n,), on the networks that lack none of them; NaN elsewhere."""
    from proxies.combining import combined  # torch

    parts = np.stack(columns)
    whole, values = ~np.isnan(parts).any(axis=0), np.full(parts.shape[1], np.nan)
    if whole.any():
        values[whole] = combined(info, parts[:, whole].tolist())
    return values


def parts_of(name: str) -> tuple[str, ...]:
    """The proxies that a score rests on: itself, or an aggregate's parts."""
    return AGGREGATES[name].parts if name in AGGREGATES else (name,)


def published(infos: Iterable[ProxyInfo]) -> tuple[Formula, ...]:
    """The registered aggregates all of whose parts are among these proxies."""
    there = {info.name for info in infos}
    return tuple(single(info.name) for info in aggregates() if there.issuperset(info.parts))


def lower_of(names: Iterable[str]) -> set[str]:
    """Those of which less is better; of an aggregate more always is."""
    return {name for name in names if name in PROXIES and PROXIES[name].direction == "lower"}


def known_scores() -> list[str]:
    """Every name that a formula may hold."""
    return [*PROXIES, *AGGREGATES]


def single(name: str) -> Formula:
    """A score as it is."""
    return Formula((Term((name,)),))


def columns_of(books: Iterable[Book], truth: GroundTruth) -> list[Columns]:
    """What books hold of the truth's networks by proxies at their present version; of two answers the first.

    A seed that has only begun, with less than nine tenths of the networks that another has, is left out.

    Networks of the same width and depth are the same students whatever the images, so that scores on CIFAR-100 meet
    accuracies on CIFAR-10 too; `scored_as` says so. Scores without a teacher stand beside those of every teacher.
    """
    found: dict[Question, dict[str, dict[int, Column]]] = defaultdict(lambda: defaultdict(dict))
    cost: dict[Question, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for book in books:
        for question, answers in book:
            if question.present and _fits(question, truth):
                shared = _shared(question)
                column = found[shared][question.proxy].setdefault(question.seed, {})
                spent = cost[shared][question.proxy]
                for arch, answer in answers.items():
                    if arch not in column and (answer.value is not None or answer.status in NO_NUMBER):
                        column[arch] = np.nan if answer.value is None else answer.value
                        spent.append(answer.seconds)
    for scores in found.values():
        for name, by_seed in scores.items():
            fullest = max(map(len, by_seed.values()))
            scores[name] = {seed: column for seed, column in by_seed.items() if len(column) >= ENOUGH * fullest}
    accompanied = {_alone(setting) for setting in found if setting.teacher}
    own = str(truth.skeleton or "")
    made = []
    for setting in sorted(found, key=str):
        if setting.teacher or setting not in accompanied:
            beside = _alone(setting)
            scores = {**found.get(beside, {}), **found[setting]}
            seconds = {name: fmean(each) for name, each in {**cost[beside], **cost[setting]}.items() if each}
            made.append(Columns(setting, setting.skeleton if setting.skeleton != own else "", scores, seconds))
    return made


def _fits(question: Question, truth: GroundTruth) -> bool:
    """Same space, same width, same depth."""
    if question.space != truth.space or bool(question.skeleton) != (truth.skeleton is not None):
        return False
    if truth.skeleton is None:
        return True
    own, other = truth.skeleton, Skeleton.parse(question.skeleton)
    return (own.channels, own.cells_per_stage) == (other.channels, other.cells_per_stage)


def _shared(question: Question) -> Question:
    return replace(question, proxy="", version=0, origin="", seed=0, batch_seed=0, teacher_seed=0, torch="")


def _alone(setting: Question) -> Question:
    return replace(setting, teacher="", teacher_init="")
