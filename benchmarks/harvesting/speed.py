"""How fast a harvest was, in absolute terms: cells an hour, and the share of what the device can do at most."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from benchmarks.distill.protocols import Protocol
from benchmarks.distill.table import Row
from nb201_data.images import load_images
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space


def summary(rows: Sequence[Row], protocol: Protocol, seconds: float, device: str, workers: int) -> str:
    """One line: cells per hour, and training operations per second beside the measured bf16 peak."""
    done = sum(training_operations(row, protocol) for row in rows) / seconds
    peak = matmul_peak(torch.device(device)) * (workers if device == "cpu" else 1)
    return (
        f"{3600 * len(rows) / seconds:.0f} cells an hour; {done / 1e9:.1f} Gop/s of training, "
        f"{100 * done / peak:.1f} % of the {peak / 1e9:.0f} Gop/s that bf16 matrix products reach here"
    )


def training_operations(row: Row, protocol: Protocol) -> float:
    """2 operations a multiply-add, times 3 for forward and backward, times images, epochs and runs of the row."""
    space = get_space(row.space).with_skeleton(Skeleton.parse(row.skeleton))
    images = load_images(row.images)
    count = protocol.per_class * images.classes or len(images.train)
    runs = 1 if row.distilled_top1 is None else 2
    return 6.0 * space.flops(space.parse(row.arch)) * count * row.epochs * runs


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
