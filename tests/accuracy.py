"""How exact each score is: its value in fp32 against its own value in float64, on twelve cells from light to heavy.

`python tests/accuracy.py` prints the table of docs/proxies.md (CPU, one thread, batch 64, whole skeleton; an hour).
`python tests/accuracy.py --proxies vkdnw,gradsign --every 4` does so of some scores, on every fourth cell.
"""

import argparse
import statistics
import sys
from collections.abc import Iterable
from functools import cache

import torch
from torch import Tensor

from nb201_data.networks import build_network
from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell, distinct_cells
from proxies import Score, initialise, score, teacher_evidence

THREES = Cell(("nor_conv_3x3",) * 6)
TEACHER = Cell((*THREES.ops[:3], "skip_connect", *THREES.ops[4:]))
CELLS = 12
BOUND = 1e-3
SHOWN = 1e-5
LOOSE = {
    "grasp": 0.5,  # terms of 1.7 million leave 200 on the heaviest cell, and a ReLU tipped by rounding is worth 1e-3
    "zico": 0.05,  # weights whose two gradients are nearly equal dominate the sum of their quotients
    "te_nas_ntk": 0.01,  # the smallest eigenvalue of sixteen
    "plain": 0.01,  # terms that cancel: in front of a batch norm they are zero but for rounding
    "fisher": 0.01,  # squares of such sums
    "epe_nas": 0.01,  # logarithms of correlations near zero
    "gradient_spread": 0.01,  # such logarithms too
    "spread_size": 0.01,
}
"""Relative; what fp32 is worth where the formula takes small differences of large numbers."""


def twelve() -> list[Cell]:
    """Eleven cells at equal steps through all distinct ones in the order of their multiply-adds, and the heaviest."""
    cells = sorted(distinct_cells(), key=lambda c: (9 * c.count("nor_conv_3x3") + c.count("nor_conv_1x1"), str(c)))
    return [*(cells[int((i + 0.5) * len(cells) / CELLS)] for i in range(CELLS - 1)), THREES]


@cache
def batch(skeleton: Skeleton, size: int) -> tuple[Tensor, Tensor]:
    """Noise (B, 3, H, W) and labels (B,) of at most 16 classes, so that each has several images."""
    x = torch.randn(size, 3, skeleton.resolution, skeleton.resolution, generator=torch.Generator().manual_seed(0))
    return x.contiguous(memory_format=torch.channels_last), torch.arange(size) % 16


def values(cell: Cell, names: Iterable[str], skeleton: Skeleton, size: int, kind: torch.dtype) -> dict[str, Score]:
    """Scores of the cell's network and the best cell's as teacher, Gaussian weights, everything in `kind`."""
    x, y = batch(skeleton, size)
    student, teacher = (
        initialise(
            build_network(one, skeleton.classes, skeleton.channels, skeleton.cells_per_stage), "gaussian", seed
        ).to(kind)
        for seed, one in enumerate((cell, TEACHER))
    )
    return score(student, names, (x.to(kind), y), teacher=teacher_evidence(teacher, (x.to(kind), y)))


def deviations(cell: Cell, names: Iterable[str], skeleton: Skeleton, size: int) -> dict[str, float]:
    """Proxy -> |fp32 / float64 - 1|; infinite where only one of them is a number, nothing where neither is."""
    names = list(names)
    narrow, wide = (values(cell, names, skeleton, size, kind) for kind in (torch.float32, torch.float64))
    return {name: one for name in narrow if (one := deviation(narrow[name].value, wide[name].value)) is not None}


def deviation(narrow: float | None, wide: float | None) -> float | None:
    """Relative to the float64 value; absolute where that is zero."""
    if narrow is None or wide is None:
        return None if narrow is wide else float("inf")
    return abs(narrow - wide) / (abs(wide) or 1.0)


def table(found: list[dict[str, float]]) -> str:
    """Median and largest deviation of each proxy over the cells, the largest first; one row for the exact ones."""
    names = {name for one in found for name in one}
    columns = {name: [one[name] for one in found if name in one] for name in names}
    lines = ["| proxy | median | largest | cells |", "|---|---|---|---|"]
    shown = [name for name in names if max(columns[name]) >= SHOWN]
    for name in sorted(shown, key=lambda n: (-max(columns[n]), n)):
        values = columns[name]
        lines.append(f"| {name} | {statistics.median(values):.0e} | {max(values):.0e} | {len(values)} |")
    rest = [max(columns[name]) for name in names if name not in shown]
    if rest:
        lines.append(f"| the other {len(rest)} | | {max(rest):.0e} | |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="How exact each score is against its own value in float64.")
    parser.add_argument("--proxies", default="all", help="names or globs, by commas")
    parser.add_argument(
        "--every", type=int, default=1, choices=range(1, CELLS + 1), metavar="K", help="k-th cell alone"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    for cell in twelve()[options.every - 1 :: options.every]:
        found.append(deviations(cell, options.proxies.split(","), Skeleton(classes=100), 64))
        print(cell, file=sys.stderr, flush=True)
    print(table(found))


if __name__ == "__main__":
    main()
