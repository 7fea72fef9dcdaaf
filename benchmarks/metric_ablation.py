"""FitNet, M_s, RKD, M_r and their sum as scores, published beside measured: `python -m benchmarks.metric_ablation`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks import ablation, shell
from benchmarks.options import INITS

if TYPE_CHECKING:
    from benchmarks.ablation import Measured
    from benchmarks.options import Study
    from benchmarks.runner import Runner
    from reports.schema import Section

FORMS = {
    "fitnet": ("fitnet", "fitnet_released"),
    "m_s": ("m_s", "m_s_readme"),
    "rkd": ("rkd",),
    "m_r": ("m_r", "m_r_readme", "m_r_released", "m_r_released_s0"),
    "diswot": ("diswot", "diswot_readme", "diswot_released", "diswot_released_s0"),
}
"""Published row -> the proxies that may have made it; the first is the plain one."""

PROXIES = tuple(proxy for forms in FORMS.values() for proxy in forms)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser(
        "metric_ablation",
        "Which distance between teacher and student predicts the student best: FitNet, M_s, RKD, M_r, M_s & M_r, in "
        "their forms, on NAS-Bench-201 and, where its accuracies are on disk, on S0; published beside measured.",
    )
    ablation.add_options(parser, "runs/metric-ablation")
    parser.add_argument("--init", choices=INITS, default="gaussian", help="initialisation of all networks")
    options = parser.parse_args(argv)
    command = ["python", "-m", "benchmarks.metric_ablation", *(sys.argv[1:] if argv is None else argv)]
    print(ablation.run(options, command, "Which distance to the teacher predicts the student?", build, options.init))
    return 0


def build(runner: Runner, studies: Sequence[Study]) -> tuple[list[Measured], list[Section], list[str]]:
    """Scores of every distance; a section for each study, the published table, the first words of the page."""
    from benchmarks.options import with_baselines
    from proxies.registry import get

    infos = with_baselines([get(name) for name in PROXIES])
    found = [ablation.measure(runner, study, infos, study.setting.space) for study in studies]
    cells = [
        ablation.PublishedCell(row, "spearman", proxy, one)
        for one in found
        for row, forms in FORMS.items()
        for proxy in forms
    ]
    note = (
        "The paper's ± is taken as a spread over repetitions in points; ours stands after ± as well. It does not name "
        "the space of this table: every ground truth at hand is shown, and no verdict of agreement can follow, "
        "only where the published number lies."
    )
    published = ablation.published_section("metrics", cells, note)
    return found, [*(_section(place, one) for place, one in enumerate(found, 1)), published], [_lead(o) for o in found]


def _section(place: int, one: Measured) -> Section:
    """One study: all coefficients of every distance, params and FLOPs among them."""
    from reports import figures
    from reports.schema import BASELINES, Figure, Section
    from reports.tables import by_rank, correlation_table

    study, rows = one.study, by_rank(one.rows)
    drawn = figures.intervals(
        [row.proxy for row in rows], [row.spearman for row in rows], title="Spearman ρ", highlight=BASELINES
    )
    return Section(
        f"study-{place}",
        f"On {study.truth.name}",
        table=correlation_table(rows),
        figures=(Figure("intervals", drawn),),
        note=f"{len(study.archs):,} networks of {study.setting.space}, {study.setting.init} weights, teacher "
        f"{study.setting.teacher}, seeds {', '.join(map(str, study.seeds))}: each draws weights, batch and teacher "
        "anew. 95 % bootstrap intervals over networks; after ± the standard deviation over seeds. Distances are "
        "negated: higher predicts better.",
    )


def _lead(one: Measured) -> str:
    """Best first, and whether any beats counting parameters."""
    from reports.tables import by_rank, format_estimate

    ranked = [row for row in by_rank(one.rows) if row.proxy in FORMS and row.spearman.value is not None]
    order = ", ".join(f"{row.proxy} {format_estimate(row.spearman, interval=False)}" for row in ranked)
    better = [row.proxy for row in ranked if row.spearman_minus_params.separated > 0]
    verdict = f"better than plain params: {', '.join(better)}" if better else "none ranks better than plain params"
    params = format_estimate(one.by_proxy["params"].spearman, interval=False)
    return f"On {one.study.truth.name}: Spearman {order}; params {params}; {verdict}."


if __name__ == "__main__":
    shell.run(main)
