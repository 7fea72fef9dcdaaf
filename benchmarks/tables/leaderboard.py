"""All scores on all truths: what is released, beside closed forms that need no network, on named populations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from benchmarks.scoring.columns import Columns, columns_of, single
from benchmarks.scoring.population import LEAST, Population
from benchmarks.scoring.release import Book
from benchmarks.statistics.formula import Formula
from benchmarks.statistics.gain import FIRST, ndcg
from benchmarks.statistics.resamples import Array
from benchmarks.statistics.selection import regret_of_first
from benchmarks.statistics.weighted import Target, coefficients
from benchmarks.tables.vkdnw import printed
from nb201_data.ground_truth import GroundTruth
from nb201_data.space import Cell
from nb201_data.spaces import get_space
from reports.schema import Column, Section, Table

CLOSED = "closed form"


@dataclass(frozen=True)
class Scores:
    """One score under one setting. `values`: of these networks (seeds, n), more is better, NaN where there is none."""

    score: str
    setting: str
    values: Callable[[Sequence[str]], Array]


@dataclass(frozen=True)
class Standing:
    """How well a score orders the networks that it has a value for: means over seeds."""

    networks: int
    kendall: float
    spearman: float
    ndcg: float
    precision: float
    regret: float


def closed_forms(truth: GroundTruth) -> list[Scores]:
    """Params, FLOPs, FLOPs of the pruned cell and, of cells, the number of convolutions."""
    space = get_space(truth.space).with_skeleton(truth.skeleton or get_space(truth.space).skeleton)
    forms: dict[str, Callable[[Any], float]] = {
        "params": space.params,
        "flops": space.flops,
        "flops_pruned": space.flops_pruned,
    }
    archs = {text: space.parse(text) for text in truth.values}
    if all(isinstance(arch, Cell) for arch in archs.values()):
        forms["convolutions"] = lambda cell: cell.count("nor_conv_3x3") + cell.count("nor_conv_1x1")

    def scores(name: str, form: Callable[[Any], float]) -> Scores:
        values = {text: float(form(arch)) for text, arch in archs.items()}
        return Scores(name, CLOSED, lambda asked: np.array([[values[arch] for arch in asked]]))

    return [scores(name, form) for name, form in forms.items()]


def released_scores(books: Iterable[Book], truth: GroundTruth, formulas: Sequence[Formula] = ()) -> list[Scores]:
    """Every proxy, every aggregate and these formulas, by setting: of all whose parts are there."""
    found: dict[tuple[str, str], Scores] = {}
    for columns in columns_of(books, truth):
        for formula in (*map(single, columns.names), *formulas):
            if columns.seeds(formula.names):
                conditions = columns.conditions(formula.names)
                found.setdefault((str(formula), conditions), _of(columns, formula, conditions))
    return list(found.values())


def _of(columns: Columns, formula: Formula, conditions: str) -> Scores:
    return Scores(str(formula), conditions, lambda archs: columns.values(formula, archs))


def standing(truth: GroundTruth, archs: Iterable[str], scores: Scores) -> Standing | None:
    """On the networks that have a value for every seed; None with fewer than ten, or where all values are equal."""
    networks = list(archs)
    values = scores.values(networks)
    whole = np.asarray(np.isfinite(values).all(axis=0) & (len(values) > 0))
    accuracies = np.array([truth.values[arch] for arch in networks])[whole]
    if whole.sum() < LEAST or not all(np.ptp(row) for row in (accuracies, *values[:, whole])):
        return None
    target = Target(accuracies, np.ones((len(accuracies), 1)))
    rows: list[tuple[float, ...]] = []
    for row in values[:, whole]:
        found = coefficients(target, row)
        regret = regret_of_first(accuracies, row)
        rows.append((found.kendall[0], found.spearman[0], ndcg(accuracies, row), found.precision[0], regret))
    return Standing(len(accuracies), *map(float, np.mean(rows, axis=0)))


def section(number: int, truth: GroundTruth, population: Population, scores: Sequence[Scores]) -> Section:
    """The scores on one population, best first."""
    params = next(one for one in scores if one.score == "params" and one.setting == CLOSED)
    full = len(population.archs)
    rows: list[tuple[Any, ...]] = []
    for one in scores:
        found = standing(truth, population.archs, one)
        if found is not None:
            values = one.values(population.archs)
            same = [arch for arch, row in zip(population.archs, values.T, strict=True) if np.isfinite(row).all()]
            beside = standing(truth, same, params)
            published = printed(one.score, truth.name) if full == len(get_space(truth.space).distinct()) else ()
            shown = (beside.spearman if beside else None, *(published or (None, None, None)))
            rows.append((one.score, one.setting, len(values), *astuple(found), *shown))
    rows.sort(key=lambda row: -row[5])
    columns = (
        *(Column("proxy"), Column("conditions"), Column("seeds", "integer"), Column("networks", "integer", label="n")),
        *(Column("kendall", "number", label="τ"), Column("spearman", "number", label="ρ")),
        Column("ndcg", "number", label="nDCG", note=f"gain 2^accuracy, first {FIRST:,}, ties at random as expectation"),
        Column("precision", "number", label="top 5 %", note="share of the first 5 % that are among the best 5 %"),
        Column("regret", "number", digits=2, note="best accuracy minus that of the first choice, in percent"),
        Column("params_spearman", "number", label="ρ of params", note="on the same networks"),
        *(Column(f"printed_{name}", "number", label=f"{name} printed") for name in ("kendall", "spearman", "ndcg")),
    )
    fewer = sum(row[3] < full for row in rows)
    note = f"{fewer} rows rest on fewer networks than the population: their nDCG is comparable with no other n."
    intro = (f"{truth.note}. Population: {population.name}. Printed: VKDNW, Table 1, on the same population.",)
    title = f"{truth.name}: {population.name}"
    return Section(f"truth-{number}", title, intro, Table(columns, tuple(rows)), note=note if fewer else "")
