"""The first paragraphs of a correlation page: what was measured, and what may be concluded from it."""

from collections.abc import Sequence

from reports.records import Run
from reports.schema import BASELINES, Correlation, Estimate
from reports.tables import by_rank, format_estimate

SHOWN = {"params": "params", "flops": "FLOPs"}


def headline(run: Run) -> tuple[str, ...]:
    """Paragraphs of plain text, computed from the records."""
    first = f"{_measured(run)} {_verdict(run.correlations)}"
    return tuple(part for part in (first, _best(run.correlations), _others(run.correlations)) if part)


def _measured(run: Run) -> str:
    manifest, rows = run.manifest, run.correlations
    ground = manifest.ground_truth + (f" ({manifest.ground_truth_note})" if manifest.ground_truth_note else "")
    networks = max((row.scored for row in rows), default=0)
    batch = sorted({score.batch_size for score in run.scores})
    size = f" in batches of {', '.join(map(str, batch))}" if batch else ""
    seeds = max((row.seeds for row in rows), default=0)
    space = f" of {manifest.space}" if manifest.space else ""
    return (
        f"{_count(len(rows), 'proxy', 'proxies')} ranked {networks:,} networks{space} ({manifest.skeleton}) on "
        f"{manifest.images} images{size}, {_count(seeds, 'seed', 'seeds')}. What they should predict: {ground}."
    )


def _verdict(rows: Sequence[Correlation]) -> str:
    """One sentence: does any proxy do better than counting?"""
    ranked = [row for row in by_rank(rows) if row.proxy not in BASELINES and row.spearman.value is not None]
    if not ranked:
        return "None of them gave a ranking to compare."
    best = ranked[0]
    signs = {
        SHOWN[name]: _difference(best, name).separated
        for name in BASELINES
        if _difference(best, name).value is not None
    }
    if not signs:
        return f"The best is {best.proxy}; there is no params or FLOPs row to hold it against."
    groups = {
        "ranks better than": [name for name, sign in signs.items() if sign > 0],
        "cannot be told apart from": [name for name, sign in signs.items() if sign == 0],
        "ranks worse than": [name for name, sign in signs.items() if sign < 0],
    }
    parts = [f"{reading} plain {' and '.join(names)}" for reading, names in groups.items() if names]
    return f"The best of them, {best.proxy}, {' and '.join(parts)}."


def _best(rows: Sequence[Correlation]) -> str:
    ranked = [row for row in by_rank(rows) if row.spearman.value is not None]
    challengers = [row for row in ranked if row.proxy not in BASELINES]
    if not challengers:
        return ""
    best = challengers[0]
    text = [f"{best.proxy} has a Spearman correlation of {_with_interval(best.spearman)}."]
    for name in BASELINES:
        baseline = next((row for row in ranked if row.proxy == name), None)
        difference = _difference(best, name)
        if baseline is None or difference.value is None:
            text.append(f"There is no row for {SHOWN[name]} to compare it with.")
            continue
        reading = {1: "above zero", -1: "below zero", 0: "which includes zero"}[difference.separated]
        value = format_estimate(baseline.spearman, interval=False)
        text.append(f"{SHOWN[name]} has {value}; the paired difference is {_with_interval(difference)}, {reading}.")
    return " ".join(text)


def _others(rows: Sequence[Correlation]) -> str:
    known = [row for row in rows if row.proxy not in BASELINES and row.spearman_minus_params.value is not None]
    if len(known) < 2:
        return ""
    signs = [row.spearman_minus_params.separated for row in known]
    return (
        f"Of {len(known)} proxies, {signs.count(1)} rank better than the plain number of parameters, {signs.count(-1)} "
        f"worse, and {signs.count(0)} cannot be told apart from it with this many networks. Square brackets hold 95 % "
        f"bootstrap intervals over networks, each proxy on its own: the best of {len(known)} looks better than it is."
    )


def _difference(row: Correlation, baseline: str) -> Estimate:
    difference: Estimate = getattr(row, f"spearman_minus_{baseline}")
    return difference


def _with_interval(estimate: Estimate) -> str:
    return format_estimate(Estimate(estimate.value, estimate.low, estimate.high))


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
