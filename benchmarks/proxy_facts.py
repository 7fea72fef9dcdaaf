"""What no table of scores says: `python -m benchmarks.proxy_facts`.

How far each proxy is from counting parameters, whether both together rank better than the count alone, how it orders
cells of like FLOPs, how stable it is over seeds, batch size, images and initialisation, and how many cells it takes to
tell two proxies apart.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks import groups, shell, with_params
from benchmarks import options as shared
from benchmarks.ablation import Measured, mean_scores, measure
from benchmarks.grid import grid_sections, measure_grid
from diswot_errors import DataError, UsageError
from reports.schema import Note, Topic

if TYPE_CHECKING:
    from benchmarks.options import Study
    from benchmarks.statistics.sample_size import SampleSize
    from reports.schema import Cell, Section

GRID = "l2_norm,grad_norm,snip,fisher,synflow,nwot,jacob,zen,kd,m_s,m_r,diswot"
WITHIN = 0.1
TITLE = "What the proxies add to counting parameters, and how firmly they say it"


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser(
        "proxy_facts",
        "The numbers that nobody published: distance of each proxy from plain params, ranking within cells of like "
        "FLOPs, stability over seeds, batch size, images and initialisation, cells needed to tell two proxies apart.",
    )
    parser.add_argument("--proxies", default="all", metavar="NAMES", help="names or globs, by commas; or all")
    parser.add_argument("--grid", default=GRID, metavar="NAMES", help="those whose stability is measured")
    parser.add_argument("--ground-truth", metavar="NAME|FILE", help="`python -m nb201_data list` names them (kd-nb201)")
    parser.add_argument("--init", choices=shared.INITS, default="gaussian", help="of the base setting")
    groups.add_options(parser, "runs/proxy-facts", seeds=3)
    parser.set_defaults(batch_size=64, split="train")
    options = parser.parse_args(argv)
    command = ["python", "-m", "benchmarks.proxy_facts", *(sys.argv[1:] if argv is None else argv)]
    print(run(options, command))
    return 0


def run(options: argparse.Namespace, command: Sequence[str]) -> str:
    """Measure, write the page; the text to print."""
    from benchmarks.runner import GPU_TOGETHER, Runner
    from benchmarks.store import Store, default_store
    from proxies.registry import select

    infos, of_grid = shared.with_baselines(select(options.proxies)), select(options.grid)
    config = {"grid": [info.name for info in of_grid], "within": WITHIN}
    try:
        study = shared.study(options, None, options.ground_truth, options.init)
    except DataError as error:
        if options.ground_truth:
            raise
        why = f"Nothing was measured: {error}."
        return groups.write(options, command, TITLE, [why], [], [], config, [Note(Topic.LEFT_OUT, why)])
    shell.prepare_output(options.out)
    workers = options.workers or shell.default_workers(study.setting.device)
    together = options.together or (1 if study.setting.device == "cpu" else GPU_TOGETHER)
    with Store(options.store or default_store()) as store, Runner(store, workers, together, progress=True) as runner:
        base = measure(runner, replace(study, seeds=(0,)), infos, "base")
        grid, notes = measure_grid(runner, study, of_grid)
    pairs = with_params.mean_ranks(base)
    sections = [_from_params(base), with_params.section(base, pairs), _like_flops(base)]
    sections += [*grid_sections(grid), _sample_sizes(base)]
    lead = [*_lead(base), with_params.sentence(pairs)]
    return groups.write(options, command, TITLE, lead, sections, [base, *grid.values()], config, notes)


def _flops(study: Study) -> list[float]:
    from nb201_data.spaces import get_space

    space = get_space(study.setting.space).with_skeleton(study.setting.skeleton)
    return [float(space.flops(space.parse(arch))) for arch in study.archs]


def _from_params(base: Measured) -> Section:
    """Spearman with the number of parameters itself, and what is left of each proxy given it."""
    from benchmarks.results import agreement
    from reports import figures
    from reports.schema import BASELINES, Column, Figure, Section, Table
    from reports.tables import by_rank

    params = mean_scores(base, "params")[None]
    rows: list[tuple[Cell, ...]] = []
    for row in by_rank(base.rows):
        same = agreement(mean_scores(base, row.proxy)[None], params).spearman
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


def _like_flops(base: Measured) -> Section:
    """The order among networks that cost the same."""
    from benchmarks.statistics.like_pairs import LikePairs
    from reports import figures
    from reports.schema import BASELINES, Column, Figure, Section, Table, Verdict, VerdictKind

    like = LikePairs(base.study.accuracies, _flops(base.study), within=WITHIN)
    found = {row.proxy: like.agreement(mean_scores(base, row.proxy)) for row in base.rows}
    order = sorted(found, key=lambda name: (found[name].value is None, -(found[name].value or 0), name))
    told = {1: Verdict(VerdictKind.BETTER), -1: Verdict(VerdictKind.WORSE), 0: None}
    rows = tuple((name, found[name], told[found[name].separated]) for name in order)
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
    from benchmarks.statistics import how_many_cells

    try:
        scores = [mean_scores(base, name) for name in (first, second)]
        return Need(first, second, how_many_cells(base.study.accuracies, *scores))
    except UsageError as error:
        return Need(first, second, None, str(error))


def _sample_sizes(base: Measured) -> Section:
    """Cells to sample before the interval of a difference leaves zero outside."""
    from reports.schema import Column, Section, Table

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


def _lead(base: Measured) -> list[str]:
    from reports.tables import by_rank

    rows = [row for row in by_rank(base.rows) if row.proxy != "params" and row.spearman.value is not None]
    better = [row.proxy for row in rows if row.spearman_minus_params.separated > 0]
    adds = [row.proxy for row in rows if row.partial_spearman.separated > 0]
    return [
        f"On {base.study.truth.name} ({len(base.study.archs):,} networks) "
        f"{', '.join(better) if better else 'no proxy'} ranks better than plain params; "
        f"{len(adds)} of {len(rows)} add something to them (partial Spearman above zero): {', '.join(adds) or 'none'}.",
    ]


if __name__ == "__main__":
    shell.run(main)
