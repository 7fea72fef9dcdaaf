"""Cost of scoring against one plain forward and backward of the same network: `pytest tests/bench_proxies.py`.

The limits; what a unit is, which cells and which groups: `benchmarks.scoring.units`, which `python -m benchmarks.speed`
measures too. A median over cells that passes its limit fails. `--benchmark-only` times one cell of middle size.
"""

import statistics
import time
from collections.abc import Iterator

import pytest
import torch

from benchmarks.engines.local import Local
from benchmarks.scoring.units import (
    CellCosts,
    PeakJob,
    costs_of,
    groups,
    network,
    noise_batch,
    peaks,
    spaced,
    teacher_of,
    unit,
)
from benchmarks.speed import CELLS
from proxies import score

ROUNDS = 3
LIMITS = dict(zip(groups(), (0.46, 1.45, 3.5, 11.0), strict=False))
"""Of all but the last group, which goes image by image and weight by weight."""
MOST_GIB = 2.0


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def costs(one_thread: None) -> list[CellCosts]:
    """Every group on every cell, in turns."""
    chosen = {group: members for group, members in groups().items() if group in LIMITS}
    return [costs_of(cell, ["params"], chosen, "cpu", ROUNDS) for cell in spaced(CELLS)]


@pytest.mark.parametrize("group", LIMITS)
def test_units(group: str, costs: list[CellCosts], capsys: pytest.CaptureFixture[str]) -> None:
    ratios = [cell.groups[group] for cell in costs]
    median = statistics.median(ratios)
    with capsys.disabled():
        print(f"\n{group}: {median:.2f} units, {min(ratios):.2f} to {max(ratios):.2f} (limit {LIMITS[group]})")
    assert median <= LIMITS[group]


@pytest.mark.benchmark(group="one cell", timer=time.process_time)
@pytest.mark.parametrize("group", ["one forward and backward", *LIMITS])
def test_one_cell(group: str, benchmark: object) -> None:
    batch, model = noise_batch(), network(spaced(1)[0])
    if group in LIMITS:
        benchmark.pedantic(  # type: ignore[attr-defined]
            score, (model, groups()[group], batch), {"teacher": teacher_of(batch)}, rounds=3, warmup_rounds=1
        )
    else:
        benchmark.pedantic(unit, (model, batch), rounds=3, warmup_rounds=1)  # type: ignore[attr-defined]


def test_peak_memory_of_everything_on_the_heaviest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    with Local().team(1, apart=True) as team:  # a fresh process
        (found,) = team.each(peaks, [PeakJob(groups()["all"], "cpu")])
    most = found[""] / 2**30
    with capsys.disabled():
        print(f"\npeak memory of a process that scores all proxies: {most:.2f} GiB (limit {MOST_GIB})")
    assert most <= MOST_GIB
