"""The sections of a correlation run: table, intervals, scatter, agreement, cost, what was left out, how to repeat."""

import json
import math
import shlex

from reports import figures
from reports.figures.order import alike
from reports.panels import Panels, agreement, milliseconds, panels_of
from reports.records import Run
from reports.schema import COEFFICIENTS, COUNTS, Column, Figure, Manifest, Section, Table
from reports.tables import by_rank, correlation_table, format_number, left_out_table

NAMES = {"kendall": "Kendall τ-b", "spearman": "Spearman ρ", "pearson": "Pearson r"}


def sections(run: Run) -> list[Section]:
    """All sections of the page of a run with correlations."""
    parts = [_table(run), _intervals(run)]
    panels = panels_of(run)
    if panels.means and panels.accuracy:
        parts += [_scatter(run, panels), _agreement(run, panels)]
    if run.scores:
        parts += [_cost(run), _left_out(run)]
    return parts


def repeat_section(manifest: Manifest) -> Section:
    """What it takes to repeat a run."""
    facts: list[tuple[str, str]] = [
        ("date", manifest.date),
        ("device", manifest.device),
        ("versions", ", ".join(f"{name} {version}" for name, version in manifest.versions.items())),
        ("commit", manifest.commit or "not known"),
        ("space", manifest.space),
        ("skeleton", manifest.skeleton),
        ("ground truth", manifest.ground_truth),
        ("about it", manifest.ground_truth_note),
        ("images", manifest.images),
        ("seeds", ", ".join(map(str, manifest.seeds))),
    ]
    settings = [(key, _setting(value)) for key, value in manifest.config.items()]
    rows = tuple((name, value) for name, value in [*facts, *settings] if value)
    return Section(
        "repeat",
        "How to repeat it",
        ("This command, with these versions and settings, gives the same numbers to the bit on one kind of CPU.",),
        table=Table((Column("fact", label=" "), Column("value", label=" ")), rows),
        code=shlex.join(manifest.command),
        note="The page is made from the files beside it: python -m reports FOLDER makes it again without scoring.",
    )


def _setting(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _table(run: Run) -> Section:
    resamples = max((row.resamples for row in run.correlations), default=0)
    several = max((row.seeds for row in run.correlations), default=0) > 1
    spread = " after ± its standard deviation over seeds;" if several else ""
    return Section(
        "proxies",
        "How well each proxy ranks the networks",
        table=correlation_table(run.correlations),
        note=f"Under each number its 95 % bootstrap interval ({resamples:,} resamples of the networks, the same for "
        f"all rows);{spread} the second column reads the interval of ρ − params. Differences are paired: the same "
        "networks, the same resamples. Ties at the top are broken at random: the values are expectations over that. "
        "What the heads of the columns mean is said under What the words mean.",
    )


def _intervals(run: Run) -> Section:
    rows = by_rank(run.correlations)
    labels = [row.proxy for row in rows]
    panels = tuple(
        Figure(key, figures.intervals(labels, [getattr(row, key) for row in rows], title=NAMES[key], highlight=COUNTS))
        for key in COEFFICIENTS
    )
    differences = [row for row in rows if row.spearman_minus_params.value is not None]
    if differences:
        panels += (
            Figure(
                "minus-params",
                figures.intervals(
                    [row.proxy for row in differences],
                    [row.spearman_minus_params for row in differences],
                    title="ρ minus params",
                    highlight=COUNTS,
                ),
            ),
        )
    return Section(
        "intervals",
        "Intervals",
        figures=panels,
        note="All in the order of Spearman; what only counts size in the second colour. An interval of the last panel "
        "that crosses zero does not tell the proxy from params.",
    )


def _scatter(run: Run, panels: Panels) -> Section:
    rows = {row.proxy: row for row in run.correlations}
    drawn = []
    for place, proxy in enumerate(panels.means):
        _, scores, accuracies = panels.points(proxy)
        value = rows[proxy].spearman.value
        drawing = figures.scatter(
            scores,
            accuracies,
            title=proxy,
            note=rows[proxy].status if value is None else f"ρ {format_number(value, 2)}",
            invert=rows[proxy].direction == "lower",
            highlight=proxy in COUNTS,
        )
        drawn.append(Figure(f"scatter-{place}", drawing, width="small"))
    fewer = f" Of {len(panels.accuracy):,} networks every {panels.step}th is drawn." if panels.step > 1 else ""
    return Section(
        "scatter",
        "Every proxy against the truth",
        figures=tuple(drawn),
        note=f"Each dot a network: to the right what the proxy prefers, upward the true accuracy in percent.{fewer} "
        "The mean over seeds is shown; axes that would hide most dots behind a few are logarithmic or by rank, as "
        "marked.",
    )


def _agreement(run: Run, panels: Panels) -> Section:
    names, matrix = agreement(run, panels)
    places = [0, *(1 + place for place in alike(matrix[1:, 1:]))]
    values = [[None if math.isnan(value := matrix[a, b]) else float(value) for b in places] for a in places]
    drawing = figures.heat_map([names[place] for place in places], values, title="Rank agreement of the proxies")
    return Section(
        "agreement",
        "Which proxies say the same",
        figures=(Figure("agreement", drawing, width="full" if len(names) > 16 else "wide"),),
        note="Spearman correlation between each pair, on the networks that both have scores for; blue agrees, orange "
        "contradicts, pale is near zero; numbers are hundredths. The truth stands first, then proxies "
        "beside those that they agree with: a blue square on the diagonal is one opinion, not many.",
    )


def _cost(run: Run) -> Section:
    middle = milliseconds(run)
    order = sorted(middle, key=lambda proxy: (middle[proxy], proxy))
    drawing = figures.dots(order, [middle[proxy] for proxy in order], x_label="milliseconds per network, median")
    device = ", ".join(sorted({score.device for score in run.scores}))
    return Section(
        "cost",
        "What each proxy costs",
        figures=(Figure("cost", drawing),),
        note=f"As recorded with each score, on {device}. Passes that several proxies share are run once per network.",
    )


def _left_out(run: Run) -> Section:
    table = left_out_table(run.scores)
    if not table.rows:
        return Section("left-out", "What was left out", ("Nothing: every proxy has a score for every network.",))
    return Section("left-out", "What was left out", ("A failure is a status here, never a number.",), table=table)
