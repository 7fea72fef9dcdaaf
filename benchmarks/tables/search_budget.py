"""What a search by a score finds with the budget that a printed search time pays for: from released scores, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.scoring.population import LEAST
from benchmarks.search.tabular import training_seconds
from benchmarks.statistics.picks import picked, picked_quantile
from benchmarks.statistics.resamples import Array
from benchmarks.tables.leaderboard import CLOSED, Scores
from nb201_data.datasets import unpooled
from nb201_data.ground_truth import GroundTruth
from reports import figures
from reports.published import published
from reports.schema import Column, Estimate, Figure, Section, Table

BUDGETS = (1, 10, 50, 100, 500, 1000)
PAID_BY = "nwot"  # the row of Table 8 whose printed seconds are the budget of all
EPOCHS = 12  # of the trainings that a search by validation accuracy pays for
DRAWN = ("diswot", "m_s", "params", "nwot")
FIGURED = 4  # further lines: the best


@dataclass(frozen=True)
class Searcher:
    """A score of the networks of a pool, higher better, and what one of them costs."""

    name: str
    setting: str
    truth: Array
    by_seed: tuple[Array, ...]
    seconds: float

    def finds(self, budget: int) -> float:
        """Mean accuracy of the best by the score of `budget` networks drawn at random; the mean over seeds."""
        return float(np.mean([picked(self.truth, scores, budget) for scores in self.by_seed]))

    def spread(self, budget: int) -> Estimate:
        """With what 5 % and 95 % of the searches stay below, of the first seed."""
        low, high = (picked_quantile(self.truth, self.by_seed[0], budget, share) for share in (0.05, 0.95))
        return Estimate(self.finds(budget), low, high)

    def affords(self, seconds: float) -> int:
        """How many networks of the pool `seconds` pay for."""
        return len(self.truth) if self.seconds * len(self.truth) <= seconds else max(1, int(seconds / self.seconds))


def searchers(truth: GroundTruth, scores: Sequence[Scores], validation: GroundTruth | None) -> list[Searcher]:
    """Every score that has values for the networks that all released ones have; and training for a few epochs."""
    every = list(truth.values)
    there = {id(one): np.asarray(np.isfinite(one.values(every)).all(axis=0)) for one in scores}
    released = [one for one in scores if one.setting != CLOSED]
    pool = max((there[id(one)] for one in released), key=np.sum, default=np.zeros(len(every), dtype=bool))
    if pool.sum() < LEAST:
        return []
    archs = [arch for arch, inside in zip(every, pool.tolist(), strict=True) if inside]
    names = {one.score for one in released}
    accuracies = np.array([truth.values[arch] for arch in archs])
    found = [
        Searcher(one.score, one.setting, accuracies, tuple(one.values(archs)), one.seconds)
        for one in scores
        if there[id(one)][pool].all() and not (one.setting == CLOSED and one.score in names)
    ]
    if validation is not None:
        seconds = training_seconds(unpooled(truth.images), EPOCHS)
        trained = np.array([validation.values[arch] for arch in archs])
        found.append(Searcher("validation accuracy", f"trained for {EPOCHS} epochs", accuracies, (trained,), seconds))
    return found


def section(number: int, truth: GroundTruth, found: Sequence[Searcher]) -> Section:
    """One ground truth: what each score finds, by budget, and with the seconds that the paper prints."""
    n, data = len(found[0].truth), unpooled(truth.images)
    paid = published("search").number(PAID_BY, f"{data}_seconds")
    budgets = [budget for budget in BUDGETS if budget < n] + [n]
    rows = [
        (
            *(one.name, one.setting, one.seconds or None),
            *(one.finds(budget) for budget in budgets),
            *((afforded := one.affords(paid.value), one.spread(afforded)) if paid else (None, None)),
        )
        for one in found
    ]
    rows.sort(key=lambda row: -(row[-1].value if paid else row[-3]))
    columns = (
        *(Column("proxy"), Column("conditions"), Column("seconds", "number", 3, "s a network", "CPU, asked for alone")),
        *(Column(f"of_{b}", "number", 2, f"of {b:,}", "mean accuracy found, %") for b in budgets),
        Column(
            "afforded", "integer", label="afforded", note=f"networks that {paid.printed if paid else '-'} s pay for"
        ),
        Column("found", "estimate", 2, "found with them", "mean; 90 % of the searches lie within"),
    )
    best = [row[0] for row in rows][:FIGURED]
    lines = {
        one.name: [(float(np.log10(budget)), Estimate(one.finds(budget))) for budget in budgets]
        for one in found
        if one.name in {*best, *DRAWN}
    }
    drawn = figures.lines(lines, title=data, x_label="log10 of the networks scored", y_label="test accuracy %")
    words = (
        f"A search by a score that draws networks at random and takes the best: its mean over all draws from {n:,} "
        f"networks, reckoned exactly. The best of them has {found[0].truth.max():.2f} %, the mean is "
        f"{found[0].truth.mean():.2f} %.",
    )
    note = (
        f"{truth.note}. Seconds are those of the released tables, on a CPU; of a score that shares its passes with "
        "others they are an upper bound, of closed forms next to nothing. Table 8 prints "
        f"{paid.printed if paid else 'no'} s for {PAID_BY}: the same seconds for all. A training of {EPOCHS} epochs "
        "costs what the benchmark reports, on a GPU."
    )
    return Section(
        f"budget-{number}",
        truth.name,
        words,
        Table(columns, tuple(rows)),
        figures=(Figure("budget", drawn),),
        note=note,
    )


def sentence(truth: GroundTruth, found: Sequence[Searcher]) -> str:
    """The best with all networks, params, DisWOT."""
    n = len(found[0].truth)
    scored = [one for one in found if one.setting != CLOSED and one.name != "validation accuracy"]
    best = max(scored, key=lambda one: one.finds(n))
    named = {one.name: one for one in found}
    beside = [
        f"{name} {named[name].finds(n):.2f} %" for name in ("params", "diswot", "validation accuracy") if name in named
    ]
    return (
        f"{truth.name}: the best of {n:,} networks by {best.name} has {best.finds(n):.2f} %; by {', by '.join(beside)}."
    )
