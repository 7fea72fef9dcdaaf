"""All scores on all truths: what is released, beside closed forms that need no network, on named populations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks.scoring.authors import AUTHORS, COMMON
from benchmarks.scoring.question import Question
from benchmarks.scoring.release import Book
from benchmarks.statistics.gain import FIRST, ndcg
from benchmarks.statistics.resamples import Array
from benchmarks.statistics.selection import regret_of_first
from benchmarks.statistics.weighted import Target, coefficients
from benchmarks.tables.vkdnw import printed
from nb201_data.datasets import NOISE, parse_name
from nb201_data.ground_truth import GroundTruth
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space
from proxies.registry import AggregateInfo, aggregates, get
from reports.schema import Column, Section, Table

CLOSED = "closed form"
PRINTED = ("kendall", "spearman", "ndcg")
LEAST = 10  # networks, below which nothing is said


@dataclass(frozen=True)
class Population:
    """Networks of a truth under a name."""

    name: str
    archs: tuple[str, ...]


@dataclass(frozen=True)
class Scores:
    """One score under one setting: for each seed a value by architecture, turned so that higher predicts better."""

    score: str
    whose: str  # setting: `common` or `authors`; '' where there is none
    setting: str
    by_seed: tuple[Mapping[str, float], ...]
    seconds: float = 0.0
    """What one network costs, asked for this score alone; of an aggregate the sum over its parts."""


@dataclass(frozen=True)
class Standing:
    """How well a score orders the networks that it has a value for: means over seeds."""

    networks: int
    kendall: float
    spearman: float
    ndcg: float
    precision: float
    regret: float


def populations(truth: GroundTruth) -> list[Population]:
    """All networks of a truth, and where some of them have dead branches those that have none."""
    space = get_space(truth.space)
    archs = tuple(truth.values)
    parsed = {arch: space.parse(arch) for arch in archs}
    alive = tuple(arch for arch, each in parsed.items() if space.canonical(each) == each)
    whole = Population(f"all {len(archs):,} networks of {truth.name}", archs)
    if len(alive) == len(archs) or len(alive) < LEAST:
        return [whole]
    return [whole, Population(f"the {len(alive):,} of {len(archs):,} without dead branches", alive)]


def closed_forms(truth: GroundTruth) -> list[Scores]:
    """Sizes, and what else the space counts without a network."""
    space = get_space(truth.space).with_skeleton(truth.skeleton or get_space(truth.space).skeleton)
    archs = {text: space.parse(text) for text in truth.values}
    return [
        Scores(name, "", CLOSED, ({text: float(form(arch)) for text, arch in archs.items()},))
        for name, form in forms.items()
    ]


def released_scores(book: Book, truth: GroundTruth) -> list[Scores]:
    """Every proxy and aggregate that has scores of networks in the skeleton of the truth, by setting.

    An aggregate is made of parts under one setting, and of parts each under that of its authors.
    """
    found: dict[Question, list[dict[str, float]]] = defaultdict(list)
    seconds: dict[Question, list[float]] = defaultdict(list)
    for question, answers in book:
        if question.space == truth.space and _as_wide_and_deep(question.skeleton, truth.skeleton):
            seconds[_without_seeds(question)] += [answer.seconds for answer in answers.values()]
            sign = -1 if get(question.proxy).direction == "lower" else 1
            values = {arch: sign * answer.value for arch, answer in answers.items() if answer.value is not None}
            found[_without_seeds(question)].append(values)
    scores = [Scores(q.proxy, _whose(q, q.proxy), _setting(q), tuple(by_seed)) for q, by_seed in found.items()]
    by_proxy = {(q.proxy, replace(q, proxy="", version=0)): by_seed for q, by_seed in found.items()}
    for setting in dict.fromkeys(setting for _, setting in by_proxy):
        for info in aggregates():
            same = [by_proxy.get((part, setting), []) for part in info.parts]
            scores += _aggregate(info, COMMON, _setting(setting), same)
    seen = dict.fromkeys(replace(setting, init="", batch_size=0) for _, setting in by_proxy)
    for setting in (one for one in seen if not _is_noise(one.images)):
        for info in (each for each in aggregates() if any(get(part).authors for part in each.parts)):
            own = [_under_authors(by_proxy, part, setting) for part in info.parts]
            scores += _aggregate(info, AUTHORS, f"each part its own; {setting.images}", own)
    return scores


def _aggregate(
    info: AggregateInfo, whose: str, setting: str, parts: Sequence[Sequence[Mapping[str, float]]]
) -> list[Scores]:
    """An aggregate of parts that are all there with as many seeds."""
    if not all(parts) or len({len(part) for part in parts}) > 1:
        return []
    by_seed = tuple(_combined(info.function, info.parts, seed) for seed in zip(*parts, strict=True))
    return [Scores(info.name, whose, setting, by_seed)]


def _under_authors(
    by_proxy: Mapping[tuple[str, Question], list[dict[str, float]]], part: str, like: Question
) -> list[dict[str, float]]:
    """A part's scores under its authors' setting, or any where that is not known; else as `like` says, noise aside."""
    for (name, question), by_seed in by_proxy.items():
        images = like.images if _is_noise(question.images) else question.images
        theirs = get(part).authors is None or _whose(question, part) == AUTHORS
        if name == part and theirs and replace(question, init="", batch_size=0, images=images) == like:
            return by_seed
    return []


def _whose(question: Question, proxy: str) -> str:
    """`authors` where the question has the weights, images and batch size of the score's own paper."""
    known = get(proxy).authors
    asked = (question.init, "noise" if _is_noise(question.images) else "real", question.batch_size)
    return AUTHORS if known and asked == (known.init, known.images, known.batch_size) else COMMON


def _is_noise(images: str) -> bool:
    return parse_name(images).base == NOISE.name


def _combined(
    function: Callable[..., list[float]], names: Sequence[str], parts: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    """An aggregate over the networks that have all parts; it takes them as they are, not turned."""
    archs = [arch for arch in parts[0] if all(arch in part for part in parts)]
    signs = [-1 if get(name).direction == "lower" else 1 for name in names]
    columns = [[sign * part[arch] for arch in archs] for sign, part in zip(signs, parts, strict=True)]
    return dict(zip(archs, function(*columns), strict=True)) if archs else {}


def standing(truth: GroundTruth, archs: Iterable[str], scores: Scores) -> Standing | None:
    """On the networks that have a value for every seed; None with fewer than ten, or where all values are equal."""
    chosen = [arch for arch in archs if all(arch in values for values in scores.by_seed)]
    accuracies = np.array([truth.values[arch] for arch in chosen])
    if len(chosen) < LEAST or np.ptp(accuracies) == 0:
        return None
    target = Target(accuracies, np.ones((len(chosen), 1)))
    rows: list[tuple[float, ...]] = []
    for by_arch in scores.by_seed:
        values: Array = np.array([by_arch[arch] for arch in chosen])
        if np.ptp(values) == 0:
            return None
        found = coefficients(target, values)
        regret = regret_of_first(accuracies, values)
        rows.append((found.kendall[0], found.spearman[0], ndcg(accuracies, values), found.precision[0], regret))
    return Standing(len(chosen), *map(float, np.mean(rows, axis=0)))


def section(number: int, truth: GroundTruth, population: Population, scores: Sequence[Scores]) -> Section:
    """The scores on one population, best first."""
    params = next(one for one in scores if one.score == "params" and one.setting == CLOSED)
    full = len(population.archs)
    rows: list[tuple[Any, ...]] = []
    for one in scores:
        found = standing(truth, population.archs, one)
        if found is not None:
            same = [arch for arch in population.archs if all(arch in values for values in one.by_seed)]
            beside = standing(truth, same, params)
            published = printed(one.score, truth.name) if full == len(get_space(truth.space).distinct()) else ()
            shown = (beside.spearman if beside else None, *(published or (None, None, None)))
            rows.append((one.score, one.whose, one.setting, len(one.by_seed), *astuple(found), *shown))
    rows.sort(key=lambda row: -row[6])
    columns = (
        *(Column("proxy"), Column("whose", label="setting"), Column("conditions"), Column("seeds", "integer")),
        Column("networks", "integer", label="n"),
        *(Column("kendall", "number", label="τ"), Column("spearman", "number", label="ρ")),
        Column("ndcg", "number", label="nDCG", note=f"gain 2^accuracy, first {FIRST:,}, ties at random as expectation"),
        Column("precision", "number", label="top 5 %", note="share of the first 5 % that are among the best 5 %"),
        Column("regret", "number", digits=2, note="best accuracy minus that of the first choice, in percent"),
        Column("params_spearman", "number", label="ρ of params", note="on the same networks"),
        *(Column(f"printed_{name}", "number", label=f"{name} printed") for name in PRINTED),
    )
    fewer = sum(row[4] < full for row in rows)
    note = f"{fewer} rows rest on fewer networks than the population: their nDCG is comparable with no other n."
    intro = (
        f"{truth.note}. Population: {population.name}. Printed: VKDNW, Table 1, on the same population. Setting: "
        "that of the score's authors, or a common one, the same for many scores.",
    )
    title = f"{truth.name}: {population.name}"
    return Section(f"truth-{number}", title, intro, Table(columns, tuple(rows)), note=note if fewer else "")


def _without_seeds(question: Question) -> Question:
    return replace(question, seed=0, batch_seed=0, teacher_seed=0, torch="")


def _setting(question: Question, truth: GroundTruth) -> str:
    teacher = f", teacher {short_name(question.teacher)}" if question.teacher else ""
    other = f", networks {question.skeleton}" if question.skeleton != str(truth.skeleton) else ""
    return f"{question.init}, {question.batch_size} of {question.images}{teacher}{other}"


def _as_wide_and_deep(scored: str, trained: Skeleton | None) -> bool:
    one = Skeleton.parse(scored)
    return trained is not None and (one.channels, one.cells_per_stage) == (trained.channels, trained.cells_per_stage)
