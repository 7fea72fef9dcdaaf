"""Who could search among the networks whose scores are there, and what each finds, by budget: reckoned exactly."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.scoring.population import ENOUGH, LEAST
from benchmarks.scoring.ranked import CLOSED, Scores
from benchmarks.search.tabular import training_seconds
from benchmarks.statistics.picks import picked, picked_quantile
from benchmarks.statistics.resamples import Array
from benchmarks.tables.search_rows import paid_for
from nb201_data.datasets import unpooled
from nb201_data.ground_truth import GroundTruth
from reports import figures
from reports.schema import Cell, Column, Estimate, Figure, Section, Table

BUDGETS = (1, 10, 50, 100, 500, 1000)
EPOCHS = 12  # of the trainings that a search by validation accuracy pays for
TRAINED = "validation accuracy"
DRAWN = ("diswot", "m_s", "params", "nwot")
FIGURED = 4  # further lines: the best


@dataclass(frozen=True)
class Searcher:
    """A score of the networks of a pool, higher better, and what one of them costs. It knows no test accuracy.

    by_seed: (n,) for each seed of the weights; -inf for a network on which the score fails, which is never preferred.
    """

    name: str
    setting: str
    archs: tuple[str, ...] = field(repr=False)
    by_seed: tuple[Array, ...] = field(repr=False)
    seconds: float
    teacher: str = ""
    scored_as: str = ""

    def affords(self, seconds: float) -> int:
        """How many networks of the pool `seconds` pay for."""
        n = len(self.archs)
        return n if self.seconds * n <= seconds else max(1, int(seconds / self.seconds))

    def finds(self, accuracies: Array, budget: int) -> float:
        """Mean accuracy of the best by the score of `budget` networks drawn at random; the mean over seeds."""
        return float(np.mean([picked(accuracies, scores, budget) for scores in self.by_seed]))

    def spread(self, accuracies: Array, budget: int) -> Estimate:
        """With what 5 % and 95 % of the searches stay below, of the first seed."""
        low, high = (picked_quantile(accuracies, self.by_seed[0], budget, share) for share in (0.05, 0.95))
        return Estimate(self.finds(accuracies, budget), low, high)


def searchers(archs: Sequence[str], scores: Sequence[Scores]) -> list[Searcher]:
    """Every score of the networks that were scored most often: it has values for nine tenths of them at least.

    Of one score in several settings the first is the one that is closest to the truth's own networks.
    """
    there = {id(one): np.asarray(np.isfinite(one.values(archs)).all(axis=0)) for one in scores}
    released = [one for one in scores if one.setting != CLOSED]
    pool = max((there[id(one)] for one in released), key=np.sum, default=np.zeros(len(archs), dtype=bool))
    if pool.sum() < LEAST:
        return []
    held = tuple(arch for arch, inside in zip(archs, pool.tolist(), strict=True) if inside)
    names = {one.score for one in released}
    found = [
        Searcher(one.score, one.setting, held, _known(one, held), one.seconds, one.teacher, one.scored_as)
        for one in scores
        if there[id(one)][pool].mean() >= ENOUGH and not (one.setting == CLOSED and one.score in names)
    ]
    return sorted(found, key=lambda one: one.scored_as != "")


def by_validation(found: Sequence[Searcher], validation: GroundTruth) -> Searcher:
    """The rival that trains each of the same networks for a few epochs."""
    archs = found[0].archs
    seconds = training_seconds(unpooled(validation.images), EPOCHS)
    trained = np.array([validation.values[arch] for arch in archs])
    return Searcher(TRAINED, f"trained for {EPOCHS} epochs", archs, (trained,), seconds)


def digest(found: Sequence[Searcher]) -> str:
    """Of all that they know."""
    held = hashlib.sha256()
    for one in found:
        held.update(repr((one.name, one.setting, one.archs, one.seconds)).encode())
        for scores in one.by_seed:
            held.update(scores.tobytes())
    return held.hexdigest()[:16]


def _known(one: Scores, archs: Sequence[str]) -> tuple[Array, ...]:
    values = one.values(archs)
    return tuple(np.where(np.isfinite(values), values, -np.inf))


def section(number: int, truth: GroundTruth, found: Sequence[Searcher]) -> Section:
    """One ground truth: what each score finds, by budget, and with the seconds that the paper prints."""
    accuracies, data = _accuracies(truth, found), unpooled(truth.images)
    n = len(accuracies)
    budgets = [budget for budget in BUDGETS if budget < n] + [n]
    rows: list[tuple[Cell, ...]] = []
    for one in sorted(found, key=lambda one: -one.finds(accuracies, one.affords(paid_for(one.name, data)))):
        paid = paid_for(one.name, data)
        reckoned = [one.finds(accuracies, budget) for budget in budgets]
        afforded = one.affords(paid)
        spread = one.spread(accuracies, afforded)
        rows.append((one.name, one.setting, one.seconds or None, *reckoned, paid, afforded, spread))
    columns = (
        *(Column("proxy"), Column("conditions"), Column("seconds", "number", 3, "s a network", "CPU, asked for alone")),
        *(Column(f"of_{b}", "number", 2, f"of {b:,}", "mean accuracy found, %") for b in budgets),
        Column("paid", "number", 0, "paid s", "the seconds that Table 8 prints for it, or for NWOT"),
        Column("afforded", "integer", note="networks that they pay for"),
        Column("found", "estimate", 2, "found with them", "mean; 90 % of the searches lie within"),
    )
    best = [row[0] for row in rows[:FIGURED]]
    lines = {
        one.name: [(float(np.log10(budget)), Estimate(one.finds(accuracies, budget))) for budget in budgets]
        for one in found
        if one.name in {*best, *DRAWN}
    }
    drawn = figures.lines(lines, title=data, x_label="log10 of the networks scored", y_label="test accuracy %")
    words = (
        f"A search by a score that draws networks at random and takes the best: its mean over all draws from {n:,} "
        f"networks, reckoned exactly. The best of them has {accuracies.max():.2f} %, the mean is "
        f"{accuracies.mean():.2f} %.",
    )
    note = (
        f"{truth.note}. Seconds of a score that shares its passes with others are an upper bound, of closed forms next "
        f"to nothing; a training of {EPOCHS} epochs costs what the benchmark reports, on a GPU. A network on which a "
        "score fails is the last by it."
    )
    return Section(
        f"budget-{number}",
        f"What a search by a score finds, by budget: {truth.name}",
        words,
        Table(columns, tuple(rows)),
        figures=(Figure("budget", drawn),),
        note=note,
    )


def sentence(truth: GroundTruth, found: Sequence[Searcher]) -> str:
    """The best with all networks; params, DisWOT and a short training beside it."""
    accuracies = _accuracies(truth, found)
    n = len(accuracies)
    scored = [one for one in found if one.setting != CLOSED and one.name != TRAINED]
    best = max(scored, key=lambda one: one.finds(accuracies, n))
    named = {one.name: one for one in reversed(found)}
    beside = [f"{k} {named[k].finds(accuracies, n):.2f} %" for k in ("params", "diswot", TRAINED) if k in named]
    return (
        f"{truth.name}: the best of {n:,} networks by {best.name} has {best.finds(accuracies, n):.2f} %"
        f"{'; by ' if beside else ''}{', by '.join(beside)}."
    )


def _accuracies(truth: GroundTruth, found: Sequence[Searcher]) -> Array:
    return np.array([truth.values[arch] for arch in found[0].archs])
