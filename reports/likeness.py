"""How alike columns of numbers order the same things, each pair on what both have a number for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST = 3  # things that both columns of a pair have; from fewer nothing is said


def spearman(columns: Sequence[Mapping[str, float]]) -> "NDArray[np.float64]":
    """(k, k) rank correlations of k columns, numbers by name; NaN for a constant, or where too few names are common.

    Infinities are left out as what is missing is. Columns with numbers for the same names are ranked once for all.
    """
    import numpy as np

    names = list(dict.fromkeys(name for column in columns for name in column))
    values = np.array([[column.get(name, np.nan) for name in names] for column in columns]).reshape(
        len(columns), len(names)
    )
    there = np.isfinite(values)
    alike: dict[bytes, list[int]] = {}
    for place, row in enumerate(there):
        alike.setdefault(row.tobytes(), []).append(place)
    found = np.full((len(columns), len(columns)), np.nan)
    for ours in alike.values():
        for theirs in alike.values():
            both = there[ours[0]] & there[theirs[0]]
            if both.sum() >= FEWEST:
                found[np.ix_(ours, theirs)] = _ranks(values[ours][:, both]) @ _ranks(values[theirs][:, both]).T
    return found


def _ranks(rows: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """(k, n) -> ranks within each row, equals sharing the mean of theirs, of mean 0 and length 1; NaN of constants."""
    import numpy as np

    ranked = np.empty(rows.shape)  # scipy.stats.rankdata would do, but loading it takes longer than a page
    for place, row in enumerate(rows):
        _, which, counts = np.unique(row, return_inverse=True, return_counts=True)
        ranked[place] = (counts.cumsum() - (counts + 1) / 2)[which]
    ranked -= (rows.shape[1] - 1) / 2
    with np.errstate(invalid="ignore"):
        return ranked / np.sqrt((ranked**2).sum(axis=1, keepdims=True))  # 0 / 0 of a constant
