"""Rank correlations with intervals, paired comparisons, and what a search would gain. No torch."""

from benchmarks.statistics.correlate import correlate
from benchmarks.statistics.sample_size import SampleSize, how_many_cells
from benchmarks.statistics.selection import precision_at_top, regret_of_first
from reports.schema import Correlation, Estimate

__all__ = [
    "Correlation",
    "Estimate",
    "SampleSize",
    "correlate",
    "how_many_cells",
    "precision_at_top",
    "regret_of_first",
]
