"""An order for the rows of a matrix of correlations in which neighbours are alike."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import ndarray


def alike(matrix: "ndarray") -> list[int]:
    """Row numbers of a square matrix of correlations, NaN where unknown, as the leaves of a tree of likeness.

    Average linkage on 1 - correlation, the branches turned so that neighbours are as close as the tree allows.
    """
    import numpy as np
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(matrix) < 3:
        return list(range(len(matrix)))
    distance = np.clip(1 - np.nan_to_num(matrix, nan=0.0), 0, 2)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform((distance + distance.T) / 2, checks=False), "average", optimal_ordering=True)
    return [int(place) for place in leaves_list(tree)]
