"""One row of statistics per proxy: coefficients with intervals, differences to params and FLOPs, value to a search."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchmarks.statistics.gain import regret_of_first
from benchmarks.statistics.resamples import Array, Names, draw_weights, estimate, spread
from benchmarks.statistics.weighted import Coefficients, Target, coefficients
from diswot_errors import UsageError
from reports.schema import COEFFICIENTS, FEWEST, Correlation, Estimate

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Resampled:
    """One proxy on one set of cells, every array (seeds, 1 + resamples); column 0 holds the data as they are."""

    kendall: Array
    spearman: Array
    pearson: Array
    control_spearman: Array
    precision: Array


def correlate(
    truth: ArrayLike,
    scores: Mapping[str, ArrayLike],
    directions: Mapping[str, str],
    *,
    baselines: Sequence[str] = ("params", "flops"),
    resamples: int = 1000,
    seed: int = 0,
    reasons: Mapping[str, Sequence[str]] | None = None,
    networks: Names | None = None,
) -> list[Correlation]:
    """Statistics of every proxy against `truth` (n,), rows in the order of `scores`.

    scores: proxy -> (n,) or (seeds, n), NaN or infinite where there is no score. A cell counts for a proxy when every
        seed has a score for it; seeds without a single score are left out whole.
    directions: proxy -> 'higher' or 'lower', the end that predicts the better network; 'lower' scores are negated.
    networks: (n,) which network each cell is, see `draw_weights`.
    reasons: proxy -> (n,) why a cell has no score ('' where it has); without it the reason is 'nan' or 'infinite'.

    The statistic is computed per seed; the value is the mean over seeds, the spread their standard deviation (ddof 1).
    The interval is the percentile bootstrap over networks of that mean, the same resamples for all proxies and seeds,
    so that differences are paired. A baseline is compared on the proxy's own cells. Partial Spearman is given the first
    baseline: (r_sy - r_sc r_yc) / sqrt((1 - r_sc^2) (1 - r_yc^2)), undefined where a score orders cells as the control.
    """
    target = _checked_truth(truth)
    table = {name: _oriented(name, values, directions, len(target)) for name, values in scores.items()}
    weights = draw_weights(len(target), resamples, seed, networks)
    masks = {name: _scored(values) for name, values in table.items()}
    rows: dict[str, Correlation] = {}
    for mask in {mask.tobytes(): mask for mask in masks.values()}.values():
        names = [name for name in table if np.array_equal(masks[name], mask)]
        rows |= _rows_on_same_cells(target, table, names, mask, weights, tuple(baselines))
    result = []
    for name in table:
        why = _reasons(np.asarray(scores[name], dtype=float), masks[name], (reasons or {}).get(name))
        result.append(replace(rows[name], direction=directions[name], reasons=why, resamples=resamples))
    return result


def _rows_on_same_cells(
    target: Array, table: Mapping[str, Array], names: list[str], mask: Mask, weights: Array, baselines: tuple[str, ...]
) -> dict[str, Correlation]:
    """Rows of proxies that have scores for the same cells, the baselines measured on these cells."""
    cells = int(mask.sum())

    def row(name: str, status: str) -> Correlation:
        return Correlation(name, "", status, cells, len(mask) - cells, "", len(table[name]), 0)

    if cells < FEWEST or np.ptp(target[mask]) == 0:
        return {name: row(name, "too-few") for name in names}
    usable = {name: table[name][:, mask] for name in table if np.isfinite(table[name][:, mask]).all()}
    varied = {name: values for name, values in usable.items() if len(values) and np.ptp(values, axis=1).all()}
    control = varied[baselines[0]][0] if baselines and baselines[0] in varied else None
    context = Target(target[mask], weights if mask.all() else weights[mask], control)
    measured = {name: _measure(context, varied[name]) for name in (*names, *baselines) if name in varied}
    result = {name: row(name, "constant") for name in names if name not in varied}
    for name in names:
        if name in varied:
            estimates = _estimates(measured, name, baselines, context)
            regret = np.array([regret_of_first(target[mask], scores) for scores in varied[name]])
            estimates["regret_top1"] = Estimate(float(regret.mean()), spread=spread(regret))
            result[name] = replace(row(name, "ok"), **estimates)
    return result


def _measure(context: Target, scores: Array) -> Resampled:
    """Coefficients of all seeds (seeds, n); seeds with equal scores are computed once."""
    distinct, index = np.unique(scores, axis=0, return_inverse=True)
    parts = [coefficients(context, values) for values in distinct]
    stacked = {f.name: np.stack([getattr(part, f.name) for part in parts])[index.ravel()] for f in fields(Coefficients)}
    return Resampled(**stacked)


def _estimates(
    measured: Mapping[str, Resampled], name: str, baselines: tuple[str, ...], context: Target
) -> dict[str, Any]:
    """The fields of Correlation that hold an estimate, by name."""
    own = measured[name]
    result: dict[str, Any] = {key: estimate(getattr(own, key)) for key in COEFFICIENTS}
    result["precision_top5"] = estimate(own.precision)
    for baseline in baselines:
        if baseline in measured and baseline != name:
            for key in COEFFICIENTS:
                mean = getattr(measured[baseline], key).mean(axis=0)
                result[f"{key}_minus_{baseline}"] = estimate(getattr(own, key) - mean)
    if context.has_control and name != baselines[0]:
        result["partial_spearman"] = estimate(_partial(own, measured[baselines[0]].spearman[0]))
    return result


def _partial(own: Resampled, control_truth: Array) -> Array:
    """Partial Spearman of score and truth given the control, NaN where either is a function of it."""
    left, right = 1 - own.control_spearman**2, 1 - control_truth**2
    defined = (left > 1e-12) & (right > 1e-12)
    scale = np.sqrt(np.where(defined, left * right, 1))
    return np.where(defined, (own.spearman - own.control_spearman * control_truth) / scale, np.nan)


def _checked_truth(truth: ArrayLike) -> Array:
    target = np.asarray(truth, dtype=float)
    if target.ndim != 1 or len(target) < 3:
        raise UsageError(f"the truth has shape {target.shape}; expected one value for each of at least 3 cells")
    if not np.isfinite(target).all():
        missing = int((~np.isfinite(target)).sum())
        raise UsageError(f"{missing} of {len(target)} true values are not finite; leave out these cells")
    if np.ptp(target) == 0:
        raise UsageError(f"all {len(target)} true values are {target[0]}; nothing can be correlated with a constant")
    return target


def _oriented(name: str, values: ArrayLike, directions: Mapping[str, str], cells: int) -> Array:
    """Scores (seeds, n) with higher predicting better, seeds without any score dropped."""
    array = np.atleast_2d(np.asarray(values, dtype=float))
    if array.ndim != 2 or array.shape[1] != cells:
        raise UsageError(f"scores of {name!r} have shape {np.shape(values)}; expected ({cells},) or (seeds, {cells})")
    direction = directions.get(name)
    if direction not in ("higher", "lower"):
        raise UsageError(f"direction of {name!r} is {direction!r}; expected 'higher' or 'lower'")
    kept = array[np.isfinite(array).any(axis=1)]
    return -kept if direction == "lower" else kept


def _scored(values: Array) -> Mask:
    """Which cells have a score for every seed (and there is a seed)."""
    return np.asarray(np.isfinite(values).all(axis=0) & (len(values) > 0), dtype=bool)


def _reasons(values: Array, mask: Mask, given: Sequence[str] | None) -> str:
    """Why cells were left out, most frequent first: 'nan 3, not-applicable 1'."""
    infinite = np.asarray(np.isinf(np.atleast_2d(values)).any(axis=0), dtype=bool)
    counts: Counter[str] = Counter()
    for cell in np.flatnonzero(~mask).tolist():
        own = given[cell] if given is not None else ""
        counts[own or ("infinite" if infinite[cell] else "nan")] += 1
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {count}" for reason, count in most)
