"""Bootstrap resamples of cells as integer weights (drawing n cells is the same as counting them), and what they say."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from reports.schema import Estimate

Array = NDArray[np.float64]


Names = Sequence[Hashable]


def draw_weights(cells: int, resamples: int, seed: int, networks: Names | None = None) -> Array:
    """Weights of shape (cells, 1 + resamples): how often each cell was drawn, n out of n networks with replacement.

    networks: (cells,) which network each cell is; cells that are one network are drawn together, since a second one
    says nothing that the first does not. Without it every cell is a network.
    Column 0 is all ones: the data as they are, so that the point value and its resamples take one and the same path.
    """
    generator = np.random.default_rng(seed)
    weights = np.ones((cells, 1 + resamples))
    places: dict[Hashable, int] = {}
    network = np.array([places.setdefault(name, len(places)) for name in networks or range(cells)], dtype=np.intp)
    if len(network) != cells:
        raise ValueError(f"{len(network)} names of networks for {cells} cells")
    count = len(places)
    for column in range(1, 1 + resamples):
        weights[:, column] = np.bincount(generator.integers(0, count, size=count), minlength=count)[network]
    return weights


def interval(resampled: Array, confidence: float = 0.95) -> tuple[float | None, float | None]:
    """Percentile interval of the resampled values (R,); undefined (NaN) resamples are left out.

    No interval, (None, None), when fewer than half of the resamples define the statistic.
    """
    defined = resampled[np.isfinite(resampled)]
    if len(defined) == 0 or 2 * len(defined) < len(resampled):
        return None, None
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)


def estimate(values: Array) -> Estimate:
    """Of (seeds, 1 + resamples): the mean over seeds, its bootstrap interval, the spread over seeds; empty for NaN."""
    mean = values.mean(axis=0)
    if not np.isfinite(mean[0]):
        return Estimate()
    low, high = interval(mean[1:])
    return Estimate(float(mean[0]), low, high, spread(values[:, 0]))


def spread(values: Array) -> float | None:
    """The standard deviation over seeds; None with one seed."""
    return float(values.std(ddof=1)) if len(values) > 1 else None
