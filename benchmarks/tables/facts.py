"""Numbers that nobody published: how far each proxy is from counting parameters, and how firmly it says so."""

from __future__ import annotations

from benchmarks.scoring.measured import Measured, agreement
from benchmarks.scoring.study import Study
from benchmarks.statistics import how_many_cells
from benchmarks.statistics.like_pairs import LikePairs
from diswot_errors import UsageError
from nb201_data.spaces import get_space
from reports import figures
from reports.schema import BASELINES, Cell, Column, Figure, Section, Table
from reports.tables import by_rank

WITHIN = 0.1


def _flops(study: Study) -> list[float]:
    space = get_space(study.setting.space).with_skeleton(study.setting.skeleton)
    return [float(space.flops(space.parse(arch))) for arch in study.archs]


def from_params(base: Measured) -> Section:
    """Spearman with the number of parameters itself, and what is left of each proxy given it."""
    params = base.mean_scores("params")[None]
    rows: list[tuple[Cell, ...]] = []
    for row in by_rank(base.rows):
        same = agreement(base.mean_scores(row.proxy)[None], params).spearman
        rows.append((row.proxy, row.scored, same, row.spearman, row.spearman_minus_params, row.partial_spearman))
    columns = (
        Column("proxy"),
        Column("networks", "integer", label="n"),
        Column("with_params", "estimate", label="ρ with params", note="Spearman of the scores with the parameters"),
        Column("spearman", "estimate", label="ρ with truth"),
        Column("minus_params", "estimate", label="ρ − params", note="paired difference to plain params"),
        Column("partial", "estimate", label="partial ρ", note="with the truth, given params"),
    )
    shown = [row for row in by_rank(base.rows) if row.partial_spearman.value is not None]
    drawn = figures.intervals(
        [row.proxy for row in shown],
        [row.partial_spearman for row in shown],
        title="partial ρ, given params",
        highlight=BASELINES,
    )
    return Section(
        "from-params",
        "How far each proxy is from counting parameters",
        table=Table(columns, tuple(rows)),
        figures=(Figure("partial", drawn),),
        note="A proxy that counts parameters in disguise has ρ with params near 1 and a partial ρ near 0. 95 % "
        "bootstrap intervals over networks.",
    )


def like_flops(base: Measured) -> Section:
    """The order among networks that cost the same."""
    like = LikePairs(base.study.accuracies, _flops(base.study), within=WITHIN)
    found = {row.proxy: like.agreement(base.mean_scores(row.proxy)) for row in base.rows}
    order = sorted(found, key=lambda name: (found[name].value is None, -(found[name].value or 0), name))
    told = {1: "better than guessing", -1: "worse than guessing", 0: ""}
    rows = tuple((name, found[name], told[found[name].separated]) for name in order)
    columns = (
        Column("proxy"),
        Column("agreement", "estimate", note="share of pairs in the right order minus share in the wrong one"),
        Column("verdict", "verdict"),
    )
    drawn = figures.intervals(order, [found[name] for name in order], title="order of like FLOPs", highlight=BASELINES)
    return Section(
        "like-flops",
        "How each proxy orders networks of like FLOPs",
        (
            f"{like.pairs:,} pairs of networks whose FLOPs differ by less than {WITHIN:.0%}: 1 is all pairs in the "
            "right order, 0 is guessing. What size alone explains is taken out here.",
        ),
        table=Table(columns, rows),
        figures=(Figure("agreement", drawn),),
        note="95 % bootstrap intervals over networks.",
    )


def sample_sizes(base: Measured) -> Section:
    """Cells to sample before the interval of a difference leaves zero outside."""
    names = [row.proxy for row in base.rows if row.spearman.value is not None]
    pairs = [(name, other) for other in ("params", "diswot") for name in names if name != other and other in names]
    rows: list[tuple[Cell, ...]] = []
    for first, second in pairs:
        if (second, first) in {(row[0], row[1]) for row in rows}:
            continue
        try:
            need = how_many_cells(base.study.accuracies, base.mean_scores(first), base.mean_scores(second))
        except UsageError as error:
            rows.append((first, second, None, None, None, None, str(error)))
            continue
        verdict = "never: no difference" if need.cells is None else ""
        if need.cells is not None:
            verdict = "these suffice" if need.cells <= need.measured_on else "more are needed"
        rows.append((first, second, need.difference, need.deviation, need.measured_on, need.cells, verdict))
    rows.sort(key=lambda row: (str(row[1]), row[5] is None, int(row[5]) if isinstance(row[5], int) else 0))
    columns = (
        Column("first"),
        Column("second"),
        Column("difference", "number", label="ρ − ρ"),
        Column("deviation", "number", label="its sd", note="bootstrap over networks"),
        Column("networks", "integer", label="measured on"),
        Column("cells", "integer", label="cells needed", note="for a 95 % interval that leaves zero out, power 0.8"),
        Column("verdict"),
    )
    return Section(
        "sample-sizes",
        "How many cells tell two proxies apart",
        ("From the paired difference of Spearman here, its deviation scaled by 1 / sqrt(n).",),
        table=Table(columns, tuple(rows)),
        note="An extrapolation: the difference itself is an estimate. The paper's rank table uses 50 cells.",
    )


def sentences(base: Measured) -> list[str]:
    rows = [row for row in by_rank(base.rows) if row.proxy != "params" and row.spearman.value is not None]
    better = [row.proxy for row in rows if row.spearman_minus_params.separated > 0]
    adds = [row.proxy for row in rows if row.partial_spearman.separated > 0]
    return [
        f"On {base.study.truth.name} ({len(base.study.archs):,} networks) "
        f"{', '.join(better) if better else 'no proxy'} ranks better than plain params; "
        f"{len(adds)} of {len(rows)} add something to them (partial Spearman above zero): {', '.join(adds) or 'none'}.",
    ]
