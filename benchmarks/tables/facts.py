"""Numbers that nobody published: how far each proxy is from counting parameters, and how firmly it says so."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.scoring.measured import Measured, agreement
from benchmarks.scoring.study import Study
from benchmarks.statistics import how_many_cells
from benchmarks.statistics.explained import rank_r2
from benchmarks.statistics.like_pairs import LikePairs
from benchmarks.statistics.sample_size import SampleSize
from diswot_errors import UsageError
from reports import figures
from reports.schema import BASELINES, COUNTS, Cell, Column, Figure, Section, Table, Verdict
from reports.tables import by_rank, placed

WITHIN = 0.1
SIZES = ("params", "flops", "conv_count", "trainable_layers")
"""What a network shows before any image is seen; those that were scored explain the others."""


def _flops(study: Study) -> list[float]:
    space = study.setting.search_space
    return [float(space.flops(space.parse(arch))) for arch in study.archs]


def from_params(base: Measured) -> Section:
    """Spearman with the number of parameters itself, and what is left of each proxy given it."""
    params = base.mean_scores("params")[None]
    sizes = [name for name in SIZES if name in {info.name for info in base.infos}]
    explaining = [base.mean_scores(name) for name in sizes]
    rows: list[tuple[Cell, ...]] = []
    for row in by_rank(base.rows):
        explained = rank_r2(base.mean_scores(row.proxy), explaining)
        same = agreement(base.mean_scores(row.proxy)[None], params).spearman
        rows.append(
            (row.proxy, row.scored, same, explained, row.spearman, row.spearman_minus_params, row.partial_spearman)
        )
    columns = (
        Column("proxy"),
        Column("networks", "integer", label="n"),
        Column("with_params", "estimate", label="ρ with params", note="Spearman of the scores with the parameters"),
        Column("explained", "number", label="R² by sizes", note=f"of the ranks, by those of {', '.join(sizes)}"),
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
    like = LikePairs(base.study.accuracies, _flops(base.study), within=WITHIN, networks=base.study.networks)
    found = {row.proxy: like.agreement(base.mean_scores(row.proxy)) for row in base.rows}
    order = sorted(found, key=lambda name: (found[name].value is None, -(found[name].value or 0), name))
    rows = tuple((name, found[name], Verdict(found[name].told) if found[name].separated else None) for name in order)
    columns = (
        Column("proxy"),
        Column("agreement", "estimate", note="share of pairs in the right order minus share in the wrong one"),
        Column("verdict", "verdict", label="than guessing"),
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


@dataclass(frozen=True)
class Need:
    """How many cells tell two proxies apart, or why that cannot be said."""

    first: str
    second: str
    size: SampleSize | None
    why: str = ""

    @property
    def cells(self) -> int | None:
        """None where no number of cells would do."""
        return self.size.cells if self.size else None

    @property
    def numbers(self) -> tuple[float | None, float | None, int | None]:
        """Difference, its deviation, and how many cells it was measured on."""
        return (self.size.difference, self.size.deviation, self.size.measured_on) if self.size else (None, None, None)

    @property
    def reading(self) -> str:
        """In words."""
        if self.size is None:
            return self.why
        if self.size.cells is None:
            return "never: no difference"
        return "these suffice" if self.size.cells <= self.size.measured_on else "more are needed"


def _need(base: Measured, first: str, second: str) -> Need:
    try:
        scores = [base.mean_scores(name) for name in (first, second)]
        return Need(first, second, how_many_cells(base.study.accuracies, *scores, networks=base.study.networks))
    except UsageError as error:
        return Need(first, second, None, str(error))


def sample_sizes(base: Measured) -> Section:
    """Cells to sample before the interval of a difference leaves zero outside."""
    names = [row.proxy for row in base.rows if row.spearman.value is not None]
    pairs = [
        (name, other)
        for other, earlier in (("params", ()), ("diswot", ("params",)))
        for name in names
        if other in names and name != other and name not in earlier
    ]
    needs = [_need(base, first, second) for first, second in pairs]
    needs.sort(key=lambda need: (need.second, need.cells is None, need.cells or 0))
    rows: list[tuple[Cell, ...]] = [
        (need.first, need.second, *need.numbers, need.cells, need.reading) for need in needs
    ]
    columns = (
        Column("first"),
        Column("second"),
        Column("difference", "number", label="ρ − ρ"),
        Column("deviation", "number", label="its sd", note="bootstrap over networks"),
        Column("networks", "integer", label="measured on"),
        Column("cells", "integer", label="cells needed", note="for a 95 % interval that leaves zero out, power 0.8"),
        Column("reading"),
    )
    return Section(
        "sample-sizes",
        "How many cells tell two proxies apart",
        ("From the paired difference of Spearman here, its deviation scaled by 1 / sqrt(n).",),
        table=Table(columns, tuple(rows)),
        note="An extrapolation: the difference itself is an estimate. The paper's rank table uses 50 cells.",
    )


def sentences(base: Measured) -> list[str]:
    """Who ranks better than params, and who adds something to them."""
    rows = [row for row in placed(base.rows) if row.proxy not in COUNTS]
    better = [row.proxy for row in rows if row.spearman_minus_params.separated > 0]
    adds = [row.proxy for row in rows if row.partial_spearman.separated > 0]
    return [
        f"On {base.study.truth.name} ({len(base.study.archs):,} networks) "
        f"{', '.join(better) if better else 'no proxy'} ranks better than plain params; "
        f"{len(adds)} of {len(rows)} add something to them (partial Spearman above zero): {', '.join(adds) or 'none'}.",
    ]
