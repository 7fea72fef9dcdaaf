"""A random forest as GRAF's authors fit it: scikit-learn's with its own defaults. scikit-learn is an extra."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import numpy as np

from benchmarks.statistics.resamples import Array
from diswot_errors import UsageError

INSTALL = "a fitted model needs scikit-learn: pip install 'diswot-bench[fitted]'"


def version() -> str:
    """Of scikit-learn, which decides the predictions."""
    _regressor()
    return metadata.version("scikit-learn")


def predicted(features: Array, accuracies: Array, unseen: Array, seed: int) -> Array:
    """(m,) accuracies foretold for `unseen` (m, k) by a forest fitted on `features` (n, k) and `accuracies` (n,).

    100 trees, each on n networks drawn with replacement, all features at every split, leaves of one network.
    """
    model = _regressor()(random_state=seed, n_jobs=1)
    return np.asarray(model.fit(features, accuracies).predict(unseen), dtype=float)


def _regressor() -> Any:
    try:
        from sklearn.ensemble import RandomForestRegressor
    except ImportError as error:
        raise UsageError(INSTALL) from error
    return RandomForestRegressor
