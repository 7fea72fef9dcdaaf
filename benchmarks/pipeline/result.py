"""Everything that a pipeline has found out, and the comparisons that follow from it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.pipeline.plan import PipelinePlan
from benchmarks.pipeline.students import BEST, LARGEST, RANDOM, Choice
from benchmarks.pipeline.training import Teacher, Trained
from benchmarks.search import SearchResult
from benchmarks.statistics import noise as noises
from proxies.distillation.names import ALONE
from reports.schema import Estimate


@dataclass(frozen=True)
class PipelineResult:
    """All results of one pipeline."""

    plan: PipelinePlan
    teacher: Teacher
    search: SearchResult
    choice: Choice
    values: Mapping[Any, float | None]  # what the search would have said of each student
    trained: Trained
    elapsed: float
    workers: int

    def runs(self, arch: Any, distiller: str | None = None) -> list[float]:
        """Top-1 after the last epoch, by seed."""
        return [run[-1].top1 for run in self.trained[arch][distiller or self.plan.distiller]]

    @property
    def noise(self) -> noises.Noise | None:
        """Between seeds, pooled over all that was trained."""
        return noises.pooled([run[-1].top1 for run in runs] for each in self.trained.values() for runs in each.values())

    @property
    def wins(self) -> tuple[int, int]:
        """Random students that the found one is better than, and those it is worse than; by their means."""
        own = self.mean(self.choice.found)
        means = [self.mean(arch) for arch in self.choice.others]
        return sum(mean < own for mean in means), sum(mean > own for mean in means)

    @property
    def gaps(self) -> dict[str, Estimate | None]:
        """The found student minus its rivals; None where it is the rival itself."""
        choice, own = self.choice, self.runs(self.choice.found)
        drawn = [self.mean(arch) for arch in choice.others]
        found: dict[str, Estimate | None] = {RANDOM: noises.gap_to_draw(own, drawn, self.noise) if drawn else None}
        for name, arch in ((LARGEST, choice.largest), (BEST, choice.best)):
            if arch is not None:
                found[name] = None if arch == choice.found else noises.gap(own, self.runs(arch), self.noise)
        if self.plan.alone:
            found[ALONE] = noises.gap(own, self.runs(choice.found, ALONE), self.noise)
        return found

    def mean(self, arch: Any) -> float:
        """Mean top-1 of a student."""
        return statistics.fmean(self.runs(arch))
