"""Do our classic proxies rank cells as NAS-Bench-Suite-Zero does? `python tests/reference_rankings.py --cells 200`

The table (NASLib's formulas) used CIFAR-10, batch 64 and PyTorch's default initialisation. CIFAR-10 is not needed: this
takes CIFAR-100 images with their labels modulo 10 and networks of 10 classes, other weights and another batch. What is
compared is therefore the order of cells, by Spearman's rank correlation with a bootstrap interval over cells.
"""

import argparse
import os
import random
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from nb201_data.images import load_images  # noqa: E402
from nb201_data.networks import build_network  # noqa: E402
from proxies import initialise, score  # noqa: E402

COLUMNS = {
    **{
        n: n for n in ("epe_nas", "fisher", "flops", "grad_norm", "grasp", "l2_norm", "nwot", "params", "plain", "snip")
    },
    "jacob": "jacov",
    "synflow": "synflow",
    "zen": "zen",
}
RESAMPLES = 2000


def table(folder: Path, cells: int, seed: int) -> pd.DataFrame:
    """The published rows of `cells` cells drawn at random."""
    rows = pd.read_csv(folder / "nb201" / "reference_proxies_cifar10.csv.gz")
    chosen = sorted(random.Random(seed).sample(range(len(rows)), cells))
    return rows.iloc[chosen].reset_index(drop=True)


def ours(archs: list[str], seed: int, out: Path | None = None) -> pd.DataFrame:
    """Our values of the same proxies, a row a cell; rows that `out` holds are not computed again."""
    known = pd.read_csv(out) if out is not None and out.exists() else pd.DataFrame(columns=["arch", *COLUMNS])
    rows = known.set_index("arch")[list(COLUMNS)].to_dict("index")
    x, y = load_images("cifar100").batch(64, seed)
    for i, arch in enumerate(archs):
        if arch in rows:
            continue
        model = initialise(build_network(arch, 10), "default", seed)
        scores = score(model, list(COLUMNS), (x, y % 10), seed=seed)
        rows[arch] = {name: one.value for name, one in scores.items()}
        if out is not None:
            pd.DataFrame([{"arch": arch, **rows[arch]}]).to_csv(out, mode="a", header=not out.exists(), index=False)
        print(f"{i + 1} of {len(archs)} cells", end="\r", file=sys.stderr, flush=True)
    return pd.DataFrame([rows[arch] for arch in archs], dtype=float)


def spearman(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float, int]:
    """Rank correlation over the pairs of numbers, its 95 % bootstrap interval over cells, the number of pairs."""
    good = np.isfinite(a) & np.isfinite(b)
    a, b = a[good], b[good]
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(a), (RESAMPLES, len(a)))
    values = [stats.spearmanr(a[d], b[d]).statistic for d in draws]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(stats.spearmanr(a, b).statistic), float(low), float(high), len(a)


def compare(
    folder: Path, cells: int, seed: int = 0, out: Path | None = None
) -> dict[str, tuple[float, float, float, int]]:
    """Spearman of ours with theirs, for every proxy of the published table."""
    rows = table(folder, cells, seed)
    values = ours(list(rows["arch"]), seed, out)
    theirs = {name: rows[f"cifar10_{column}"].to_numpy(float) for name, column in COLUMNS.items()}
    return {name: spearman(values[name].to_numpy(float), theirs[name]) for name in COLUMNS}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a CSV file for our values; what it holds already is kept")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = compare(Path(os.environ["NB201_DATA_DIR"]), options.cells, options.seed, options.out)
    for name, (value, low, high, count) in sorted(found.items(), key=lambda item: -item[1][0]):
        print(f"{name:10} {value:6.3f} [{low:6.3f}, {high:6.3f}]  n = {count}")


if __name__ == "__main__":
    main()
