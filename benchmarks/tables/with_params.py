"""Do a proxy and the number of parameters together rank better than the number alone?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy

from benchmarks.scoring.measured import RESAMPLES, Measured
from benchmarks.statistics import correlate
from reports import figures
from reports.schema import COUNTS, Cell, Column, Correlation, Figure, Section, Table, Verdict
from reports.tables import by_rank, format_number

NAMED = 3  # in the sentence; the table has all


def mean_ranks(base: Measured) -> list[Correlation]:
    """Statistics of (rank by params + rank by the proxy) / 2: equal weights, nothing fitted; params alone first.

    Ranks are those among the networks that the proxy has a score for.
    """
    params = base.mean_scores("params")
    means = {"params": params}
    for row in base.rows:
        if row.spearman.value is not None and row.proxy not in COUNTS:
            own = base.mean_scores(row.proxy)
            scored = np.isfinite(own)
            own[scored] = (scipy.stats.rankdata(params[scored]) + scipy.stats.rankdata(own[scored])) / 2
            means[row.proxy] = own
    directions = dict.fromkeys(means, "higher")
    return correlate(
        base.study.accuracies,
        means,
        directions,
        baselines=("params",),
        resamples=RESAMPLES,
        networks=base.study.networks,
    )


def section(base: Measured, rows: Sequence[Correlation]) -> Section:
    """Params and a proxy against params alone."""
    shown = [row for row in by_rank(rows) if row.proxy != "params"]
    cells: list[tuple[Cell, ...]] = [
        (
            *(row.proxy, row.scored, base.by_proxy[row.proxy].spearman, row.spearman, row.spearman_minus_params),
            Verdict(row.spearman_minus_params.told) if row.spearman_minus_params.separated else None,
        )
        for row in shown
    ]
    columns = (
        Column("proxy"),
        Column("networks", "integer", label="n"),
        Column("alone", "estimate", label="ρ alone"),
        Column("together", "estimate", label="ρ with params", note="of the mean of both ranks"),
        Column("minus_params", "estimate", label="− ρ of params", note="paired difference to params alone"),
        Column("verdict", "verdict", label="than params alone"),
    )
    drawn = figures.intervals(
        [row.proxy for row in shown], [row.spearman_minus_params for row in shown], title="ρ together − ρ of params"
    )
    return Section(
        "together",
        "Do params and a proxy together rank better than params alone?",
        ("The mean of the two ranks, with equal weights: nothing is fitted to the accuracies.",),
        table=Table(columns, tuple(cells)),
        figures=(Figure("difference", drawn),),
        note=f"95 % bootstrap intervals over networks, one for each of {len(shown)} rows: of rows that add as much as "
        "they dilute, one in forty comes out as better by chance. A score without any merit is far below params here, "
        "being half of the order.",
    )


def sentence(together: Sequence[Correlation]) -> str:
    """What the mean of two ranks gains, best first."""
    params = next(row for row in together if row.proxy == "params").spearman.value or 0.0
    better = [row for row in by_rank(together) if row.spearman_minus_params.separated > 0]
    if not better:
        return "The mean of a proxy's rank and that of params ranks better than params alone for no proxy."
    named = ", ".join(f"{row.proxy} ({format_number(row.spearman.value or 0.0)})" for row in better[:NAMED])
    more = f" and {len(better) - NAMED} more" if len(better) > NAMED else ""
    return (
        f"The mean of a proxy's rank and that of params has a higher Spearman than params alone "
        f"({format_number(params)}) for {len(better)} of {len(together) - 1} proxies: {named}{more}."
    )
