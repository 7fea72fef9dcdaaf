"""What the tests of the scoring commands share: a ground truth of tiny networks, quick to score."""

import random
from collections.abc import Callable
from pathlib import Path

from benchmarks.scoring.setting import Setting
from nb201_data.skeleton import Skeleton
from nb201_data.space import sample_cells

TINY = Skeleton(channels=4, cells_per_stage=1, classes=10, resolution=8)
SETTING = Setting("nb201", TINY, "embedded:10@8", batch_size=16, teacher="resnet20")
Command = Callable[..., tuple[int, str, str]]
"""A command as a shell sees it: options -> exit code, output, errors."""
QUICK = ["params", "flops", "l2_norm", "nwot", "m_s", "m_r"]


def cells(n: int, seed: int = 5) -> list[str]:
    """Arch strings of some cells."""
    return [str(cell) for cell in sample_cells(n, seed)]


def write_truth(path: Path, n: int = 14, skeleton: str = str(TINY), seed: int = 0) -> Path:
    """A user's table of made-up accuracies."""
    rng = random.Random(seed)
    rows = [f"{arch},{skeleton},{rng.uniform(10, 90):.2f}" for arch in cells(n)]
    path.write_text("arch,skeleton,accuracy\n" + "\n".join(rows) + "\n")
    return path
