"""The networks of a run as its figures show them: their accuracies, each proxy's scores of them and their cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from reports.figures import MOST_DOTS
from reports.likeness import spearman
from reports.records import Run
from reports.tables import by_rank

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRUTH = "truth"


@dataclass(frozen=True)
class Panels:
    """Mean scores by proxy (best first) and arch, of networks with a score for every seed; accuracies by arch.

    archs: those that are drawn, at most MOST_DOTS of them, evenly spaced in the order of the truth.
    """

    means: dict[str, dict[str, float]]
    accuracy: dict[str, float]

    @property
    def step(self) -> int:
        """Every how manieth network is drawn."""
        return max(1, math.ceil(len(self.accuracy) / MOST_DOTS))

    @property
    def archs(self) -> list[str]:
        """The networks that are drawn."""
        return list(self.accuracy)[:: self.step]

    def points(self, proxy: str) -> tuple[list[str], list[float], list[float]]:
        """The networks drawn in the panel of a proxy, their scores and their accuracies."""
        scores = self.means[proxy]
        archs = [arch for arch in self.archs if arch in scores]
        return archs, [scores[arch] for arch in archs], [self.accuracy[arch] for arch in archs]


def panels_of(run: Run) -> Panels:
    """Scores averaged over seeds, and the truth; proxies without any score are left out."""
    found: dict[str, dict[str, list[float | None]]] = {row.proxy: {} for row in by_rank(run.correlations)}
    for score in run.scores:
        if score.proxy in found:
            found[score.proxy].setdefault(score.arch, []).append(score.value)
    means = {
        proxy: {arch: _mean(known) for arch, values in archs.items() if len(known := _known(values)) == len(values)}
        for proxy, archs in found.items()
    }
    return Panels(
        {proxy: archs for proxy, archs in means.items() if archs}, {row.arch: row.accuracy for row in run.truth}
    )


def agreement(run: Run, panels: Panels) -> "tuple[list[str], NDArray[np.float64]]":
    """Names and (k, k) Spearman of proxies, each turned so that higher is better, the truth first where there is one.

    What is constant is left out.
    """
    signs = {row.proxy: -1 if row.direction == "lower" else 1 for row in run.correlations}
    columns = {TRUTH: panels.accuracy} | {
        proxy: {arch: signs[proxy] * value for arch, value in archs.items()} for proxy, archs in panels.means.items()
    }
    varied = {name: archs for name, archs in columns.items() if len(set(archs.values())) > 1}
    return list(varied), spearman(list(varied.values()))


def milliseconds(run: Run) -> dict[str, float]:
    """What each proxy costs: the median over its scores; what it takes to find that there is none is no cost."""
    seconds: dict[str, list[float]] = {}
    for score in run.scores:
        if score.value is not None:
            seconds.setdefault(score.proxy, []).append(score.seconds)
    return {proxy: 1000 * median(values) for proxy, values in seconds.items()}


def _mean(values: Sequence[float]) -> float:
    """Of the largest numbers too, whose sum is none."""
    try:
        return fmean(values)
    except OverflowError:
        return sum(value / len(values) for value in values)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
