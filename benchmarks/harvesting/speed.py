"""How fast a harvest was, in absolute terms, and how long one will take."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from benchmarks.distill import budget
from benchmarks.harvesting.pairs import CellSeed, Lone, Recipe
from benchmarks.harvesting.rows import PairRow
from diswot_errors import DataError
from nb201_data.images import load_images
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space
from proxies.distillation import losses
from reports.tables import format_count, format_duration


def summary(
    rows: Sequence[PairRow], per_class: int, seconds: float, device: str, workers: int, lone: Lone | None = None
) -> str:
    """One line: cells per hour, and training operations per second beside the measured bf16 peak."""
    done = sum(training_operations(row, per_class, row.key in (lone or {})) for row in rows) / seconds
    peak = matmul_peak(torch.device(device)) * (workers if device == "cpu" else 1)
    return (
        f"{3600 * len(rows) / seconds:.0f} cells an hour; {done / 1e9:.1f} Gop/s of training, "
        f"{100 * done / peak:.1f} % of the {peak / 1e9:.0f} Gop/s that bf16 matrix products reach here"
    )


def training_operations(row: PairRow, per_class: int, lone_known: bool = False) -> float:
    """2 operations a multiply-add, times 3 for forward and backward, times images, epochs and runs of the row."""
    space = get_space(row.space).with_skeleton(Skeleton.parse(row.skeleton))
    images = load_images(row.images)
    count = per_class * images.classes or len(images.train)
    runs = 1 if row.distilled_top1 is None or lone_known else 2
    return 6.0 * space.flops(space.parse(row.arch)) * count * row.epochs * runs


def estimate(recipe: Recipe, jobs: Sequence[CellSeed], device: str, workers: int, lone: Lone) -> str:
    """About how long the pairs take, by some training steps of the middle one in size."""
    try:
        space, protocol = recipe.space(), recipe.protocol
    except DataError as error:  # images that are not on disk
        return f"How long that takes is not known: {error}"
    macs = [space.flops(cell) for cell, _ in jobs]
    middle = sorted(zip(macs, (cell for cell, _ in jobs), strict=True), key=lambda pair: pair[0])[len(jobs) // 2][1]
    runs = [(each, losses.get(name)) for each, job in zip(macs, jobs, strict=True) for name in recipe.runs(job, lone)]
    rate = budget.rate(space.build(middle), protocol, device)
    teacher = budget.teacher_macs(protocol) if recipe.beside else 0.0
    total = sum(budget.of_run(each, teacher, loss, protocol) for each, loss in runs)
    seconds = total / rate / min(workers, len(jobs))
    return f"About {format_duration(seconds)} with {format_count(workers, 'worker')}."


def matmul_peak(device: torch.device, seconds: float = 0.5) -> float:
    """Operations per second of square bf16 matrix products, one thread on a CPU: the best of repeated calls."""
    n = 8192 if device.type == "cuda" else 1024
    a = torch.ones(n, n, device=device, dtype=torch.bfloat16)
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        (a @ a)[0, 0].item()
        best = min(best, time.perf_counter() - started)
    return 2 * n**3 / best
