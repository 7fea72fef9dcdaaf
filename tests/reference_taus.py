"""Ours beside another's on the same cells: `python tests/reference_taus.py`, on cells of NAS-Bench-Suite-Zero.

Its table (NASLib's formulas, CIFAR-10 images) gives Kendall's tau with the CIFAR-100 accuracy on 3,000 cells without
dead branches. The released tables, or a store, hold scores of some of them: on the same cells stand ours and theirs,
and what ours would be on all 3,000, theirs being the control (`benchmarks.statistics.controlled`).
"""

import argparse
import os
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.scoring.released import Released  # noqa: E402
from benchmarks.scoring.store import Store  # noqa: E402
from benchmarks.statistics import controlled  # noqa: E402
from nb201_data.ground_truth import load_ground_truth, official_order  # noqa: E402

TRUTH = "nb201:cifar100:test:200"
SAME = ("nwot", "snip", "grad_norm", "synflow", "grasp", "zen", "fisher")
THEIRS = {"jacob": "jacov"} | {name: name for name in SAME}
LEAST = 30


def main() -> None:
    """A row for each question of the store that the table can stand beside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, metavar="FILE", help="scores of one's own (default: the released ones)")
    store = parser.parse_args().store
    truth = load_ground_truth(TRUTH)
    folder = Path(os.environ["NB201_DATA_DIR"])
    rows = pd.read_csv(folder / "nb201" / "reference_proxies_cifar10.csv.gz")
    order = [str(arch) for arch in official_order()]
    archs = [order[index] for index in rows["index"]]
    accuracies = np.array([truth.values[arch] for arch in archs])
    print("| proxy | weights | images | batch | n | τ here | τ NASLib | NASLib, all 3,000 | here, all 3,000 | s.e. |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with nullcontext(Released()) if store is None else Store(store) as book:
        for question, answers in sorted(book, key=lambda one: (one[0].proxy, one[0].init, one[0].images)):
            if question.proxy not in THEIRS or question.seed or question.skeleton != str(truth.skeleton):
                continue
            column = rows[f"cifar10_{THEIRS[question.proxy]}"].to_numpy()
            places = [i for i, arch in enumerate(archs) if (found := answers.get(arch)) and found.value is not None]
            if len(places) < LEAST:
                continue
            ours = np.array([answers[archs[i]].value for i in places], dtype=float)
            y, theirs = accuracies[places], column[places]
            known = controlled.on_population(accuracies, column[None])
            value, error = controlled.kendall(y, ours[None], theirs[None], known)
            shown = [kendalltau(ours, y).statistic, kendalltau(theirs, y).statistic, known[0], value, error]
            cells = [question.proxy, question.init, question.images, question.batch_size, len(places)]
            print(f"| {' | '.join(map(str, cells))} | {' | '.join(f'{number:.3f}' for number in shown)} |", flush=True)


if __name__ == "__main__":
    main()
