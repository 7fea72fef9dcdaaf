"""Rank correlations with intervals, paired comparisons, and what a search would gain. No torch."""

from benchmarks.statistics.correlate import correlate
from benchmarks.statistics.sample_size import how_many_cells

__all__ = ["correlate", "how_many_cells"]
