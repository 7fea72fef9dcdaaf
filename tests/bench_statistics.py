"""Speed of the statistics, CPU time: `OMP_NUM_THREADS=1 pytest tests/bench_statistics.py --benchmark-only`."""

import time
from typing import Any

import numpy as np
import pytest

from benchmarks.statistics import correlate

CELLS, PROXIES, RESAMPLES, LIMIT_SECONDS = 15_625, 25, 1_000, 60


@pytest.mark.benchmark(timer=time.process_time)
def test_all_cells_all_proxies_all_resamples(benchmark: Any) -> None:
    """15,625 cells x 25 proxies x 1,000 resamples: three coefficients, differences, partial correlation, precision."""
    rng = np.random.default_rng(0)
    truth = np.round(60 + 10 * rng.normal(size=CELLS), 2)
    scores = {f"proxy_{number}": truth + 10 * rng.normal(size=CELLS) for number in range(PROXIES - 2)}
    scores |= {
        "params": np.round(truth / 5 + 2 * rng.normal(size=CELLS)),
        "flops": np.round(truth + rng.normal(size=CELLS)),
    }
    directions = dict.fromkeys(scores, "higher")
    rows = benchmark.pedantic(correlate, (truth, scores, directions), {"resamples": RESAMPLES}, iterations=1, rounds=1)
    assert len(rows) == PROXIES and all(row.kendall.low is not None for row in rows)
    assert benchmark.stats.stats.max < LIMIT_SECONDS
