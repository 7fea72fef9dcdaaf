"""What the data card says of noise and of orders: distilled and alone, other teachers and losses, the full networks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import scipy

from benchmarks.harvesting.rows import PairRow
from benchmarks.statistics import correlate
from benchmarks.statistics.noise import pooled
from benchmarks.statistics.resamples import Array
from benchmarks.statistics.runs import mean_of_runs
from diswot_errors import DataError
from nb201_data.ground_truth import load_ground_truth
from reports.markdown import plain_table
from reports.schema import Estimate

CANDIDATES_MIN = 10
RESAMPLES = 2000
Rows = Sequence[PairRow]


def means(rows: Rows, column: str) -> dict[str, float]:
    """Mean of a column over seeds, by arch."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        found[row.arch].append(getattr(row, column))
    return {arch: sum(values) / len(values) for arch, values in found.items()}


def _first(rows: Rows) -> Rows:
    return [row for row in rows if row.seed == 0]


def noise(rows: Rows) -> str:
    """How much two runs of a cell differ, and what that leaves for any score."""
    runs: dict[str, list[PairRow]] = defaultdict(list)
    for row in rows:
        runs[row.arch].append(row)
    repeated = {arch: own for arch, own in runs.items() if len(own) > 1}
    if not repeated:
        return "No cell was repeated yet, so the noise is not known."
    heads = ("column", "s.d. of a run within a cell", "s.d. between cells", "reliability")
    lines = []
    for column in ("distilled_top1", "vanilla_top1"):
        within = pooled([getattr(row, column) for row in own] for own in repeated.values())
        assert within is not None
        spread = within.deviation
        values = np.array(list(means(rows, column).values()))
        reliability = max(0.0, 1 - spread**2 / values.var(ddof=1))
        spearman, kendall = ceiling(values, spread)
        ceilings = (f"{value:.3f}" for value in (reliability, reliability**0.5, spearman, kendall))
        lines.append((column, f"{spread:.2f}", f"{values.std(ddof=1):.2f}", *ceilings))
    parts = [
        f"{len(repeated)} cells were trained with {max(map(len, repeated.values()))} seeds (initialisation and order "
        "of the images; crops and flips are shared).",
        plain_table((*heads, "Pearson", "Spearman", "Kendall"), lines),
        "Reliability is 1 - (variance within) / (variance between cells as measured). The last three columns are the "
        "ceilings: what a score that knew each cell's true mean would reach against one run a cell (Pearson: the root "
        "of the reliability; the others: by drawing runs around the measured means, shrunk to their variance without "
        "noise).",
    ]
    return "\n\n".join(parts)


def ceiling(values: Array, noise: float) -> tuple[float, float]:
    """Mean (Spearman, Kendall) between true means and one noisy run each, over 200 draws."""
    kept = max(0.0, 1 - noise**2 / values.var(ddof=1)) ** 0.5
    true = values.mean() + kept * (values - values.mean())
    generator = np.random.default_rng(0)
    runs = [true + noise * generator.standard_normal(len(true)) for _ in range(200)]
    return (
        float(np.mean([scipy.stats.spearmanr(true, run)[0] for run in runs])),
        float(np.mean([scipy.stats.kendalltau(true, run)[0] for run in runs])),
    )


def order(rows: Rows) -> str:
    """Distilled against alone."""
    first = _first(rows)
    correlation = _correlate(means(first, "distilled_top1"), means(first, "vanilla_top1"))
    return (
        f"Between the distilled and the lone accuracy of the same {len(first)} cells (seed 0): Kendall "
        f"{_with_interval(correlation['kendall'])}, Spearman {_with_interval(correlation['spearman'])}, Pearson "
        f"{_with_interval(correlation['pearson'])} (95 % bootstrap intervals over cells). "
        "`python -m benchmarks.best_student` asks how much of the difference noise explains."
    )


def changed(rows: Rows, other: Rows) -> str:
    """'the teacher', 'the loss', or both."""
    pairs = (("the teacher", "teacher"), ("the loss", "distiller"))
    return " and ".join(what for what, name in pairs if getattr(rows[0], name) != getattr(other[0], name))


def other_recipe(rows: Rows, other: Rows) -> str:
    """The orders of the cells that both trained, and for comparison those of two seeds of one recipe."""
    common = {row.arch for row in _first(rows)} & {row.arch for row in _first(other)}
    both = [[row for row in _first(each) if row.arch in common] for each in (rows, other)]
    if len(common) < CANDIDATES_MIN:
        return f"{_taught(other)}: {len(common)} cells so far, which is too few to say."
    again = {row.arch for row in rows if row.seed == 1} & {row.arch for row in _first(rows)}
    repeated = [[row for row in rows if row.seed == seed and row.arch in again] for seed in (0, 1)]
    distilled = "distilled_top1"
    lines = [
        _compared(f"{_taught(rows)} and {_taught(other)}", both, distilled),
        _compared("the same two, gain over the lone run, the same for both", both, "gain"),
    ]
    if len(again) >= CANDIDATES_MIN:
        lines.append(_compared(f"two seeds of {_taught(rows)}", repeated, distilled))
    alone = [means(each, "vanilla_top1") for each in both]
    same = sum(alone[0][arch] == alone[1][arch] for arch in common)
    parts = [
        f"The first {len(common)} cells of the order by {_taught(other)}, against {_taught(rows)} (seed 0; 95 % "
        "bootstrap intervals over cells).",
        _level(*both),
        plain_table(("compared", "cells", "Kendall", "Spearman"), lines),
        f"Neither change touches the lone runs: both tables have the same in {same} of {len(common)} cells, where the "
        "harvest took them from one to the other or repeated them to the bit.",
    ]
    return "\n\n".join(parts)


def _level(rows: Rows, other: Rows) -> str:
    """How much better the students of the second are: the same cells, the same seed."""
    usual = means(rows, "distilled_top1")
    more = [value - usual[arch] for arch, value in means(other, "distilled_top1").items()]
    return (
        f"Students by {_taught(other)} reach {_with_interval(mean_of_runs(more), digits=2)} points more than by "
        f"{_taught(rows)} (mean over cells with its 95 % t interval), and more in {sum(each > 0 for each in more)} of "
        f"{len(more)} cells."
    )


def _taught(rows: Rows) -> str:
    return f"{rows[0].distiller} from {rows[0].teacher}"


def _compared(name: str, pair: Sequence[Rows], column: str) -> tuple[object, ...]:
    first, second = (_gains(rows) if column == "gain" else means(rows, column) for rows in pair)
    correlation = _correlate(first, second)
    return name, len(first), _with_interval(correlation["kendall"]), _with_interval(correlation["spearman"])


def _gains(rows: Rows) -> dict[str, float]:
    alone = means(rows, "vanilla_top1")
    return {arch: value - alone[arch] for arch, value in means(rows, "distilled_top1").items()}


def with_full_networks(protocol: str, rows: Rows, rival: str, rival_rows: Rows) -> str:
    """Our cells against the full networks; beside a recipe of like cost, where that has cells."""
    try:
        references = {epochs: load_ground_truth(f"nb201:cifar100:test:{epochs}").values for epochs in (200, 12)}
    except DataError:  # its message names a folder of this machine
        return "Not computed: the accuracies of NAS-Bench-201 were not on disk (`python -m nb201_data info nb201`)."
    first = _first(rows)
    heads = ("cells", "epochs there", "Spearman", "Kendall")
    lines = [
        _agreement_line(column, means(first, column), references[epochs], epochs)
        for epochs in references
        for column in ("distilled_top1", "vanilla_top1")
    ]
    parts = [
        "Accuracy of the full networks (16 channels, 5 cells a stage, 32 x 32) on CIFAR-100 by NAS-Bench-201, against "
        "ours.",
        plain_table(("ours", *heads), lines),
    ]
    common = [row.arch for row in rival_rows if row.arch in means(first, "vanilla_top1")]
    if len(common) >= CANDIDATES_MIN:
        lines = []
        for name, own in ((protocol, first), (rival, rival_rows)):
            values = {arch: value for arch, value in means(own, "vanilla_top1").items() if arch in set(common)}
            lines += [_agreement_line(name, values, references[epochs], epochs) for epochs in references]
        parts += [
            f"Beside `{rival}`, a recipe of like cost: lone accuracies of the first {len(common)} cells of the order.",
            plain_table(("protocol", *heads), lines),
        ]
    return "\n\n".join(parts)


def _agreement_line(
    name: str, ours: Mapping[str, float], reference: Mapping[str, float], epochs: int
) -> tuple[object, ...]:
    correlation = _correlate(ours, {arch: reference[arch] for arch in ours})
    return name, len(ours), epochs, _with_interval(correlation["spearman"]), _with_interval(correlation["kendall"])


def _correlate(scores: Mapping[str, float], truth: Mapping[str, float]) -> dict[str, Estimate]:
    archs = list(scores)
    ours, theirs = np.array([scores[arch] for arch in archs]), np.array([truth[arch] for arch in archs])
    (row,) = correlate(theirs, {"ours": ours}, {"ours": "higher"}, resamples=RESAMPLES)
    return {"kendall": row.kendall, "spearman": row.spearman, "pearson": row.pearson}


def _with_interval(estimate: Estimate, digits: int = 3) -> str:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "undefined"
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
