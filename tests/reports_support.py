"""What the tests of the reports share: a manifest, a measured run, a text that means harm."""

import numpy as np

from benchmarks.statistics import correlate
from reports.records import Run
from reports.schema import Manifest, ScoreRow, TruthRow

MANIFEST = Manifest(
    command=["python", "-m", "benchmarks.correlation", "--proxies", "nwot,m_*"],
    date="2025-01-02T03:04:05Z",
    config={"sample": 60, "init": "gaussian"},
    versions={"python": "3.11.7"},
    device="cpu",
    seeds=[0, 1],
    ground_truth="kd-nb201",
    ground_truth_note="12 epochs",
    images="embedded",
    skeleton="16-32-64",
    space="nb201",
)
HOSTILE = "<script>alert('x')</script>&\"--></style>"


def measured_run(cells: int = 40, noise: float = 1.0, hostile: str = "") -> Run:
    """A run of five proxies on made-up accuracies; `hostile` ends the name of one, and of every network."""
    rng = np.random.default_rng(0)
    truth = 70 + 4 * rng.normal(size=cells)
    scores = {
        "params": np.round(truth + 4 * rng.normal(size=cells)),
        "flops": truth + 4 * rng.normal(size=cells),
        f"good{hostile}": truth + noise * rng.normal(size=(2, cells)),
        "flat": np.zeros(cells),
        "synflow": 10.0 ** (truth - 40 + 3 * rng.normal(size=cells)),
    }
    directions = dict.fromkeys(scores, "higher") | {"flops": "lower"}
    scores["flops"] = -scores["flops"]
    scores["synflow"][:3] = np.nan
    rows = correlate(truth, scores, directions, resamples=100)
    records = [
        ScoreRow("nb201", f"cell {c}{hostile}", name, 1, "gaussian", s, "embedded", 64, "none", "cpu", "fp32",
              None if np.isnan(v) else float(v), "nan" if np.isnan(v) else "ok", hostile or "empty kernel", 0.01)
        for name, values in scores.items() for s, seed in enumerate(np.atleast_2d(values)) for c, v in enumerate(seed)
    ]  # fmt: skip
    truths = tuple(TruthRow(f"cell {c}{hostile}", float(value)) for c, value in enumerate(truth))
    return Run(MANIFEST, tuple(records), truths, tuple(rows))
