"""Different metrics: FitNet, M_s, RKD, M_r and their sum as scores, published beside measured."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.scoring.measured import Measured
from benchmarks.tables import inits
from benchmarks.tables.published import PublishedCell, published_section
from reports import figures
from reports.schema import BASELINES, Figure, Section
from reports.tables import by_rank, correlation_table, format_estimate, placed

FORMS = {
    "fitnet": ("fitnet", "fitnet_released"),
    "m_s": inits.FORMS["m_s"],
    "rkd": ("rkd",),
    "m_r": inits.FORMS["m_r"],
    "diswot": inits.FORMS["diswot"],
}
"""Published row -> the proxies that may have made it; the first is the plain one."""

PROXIES = tuple(proxy for forms in FORMS.values() for proxy in forms)

NOTE = (
    "The paper's ± is taken as a spread over repetitions in points; ours stands after ± as well. It does not name "
    "the space of this table: every ground truth at hand is shown, and no verdict of agreement can follow, only "
    "where the published number lies."
)


def sections(found: Sequence[Measured]) -> list[Section]:
    """A section for each study, then the published table beside all of them."""
    cells = [
        PublishedCell(row, "spearman", proxy, one) for one in found for row, forms in FORMS.items() for proxy in forms
    ]
    own = [study_section(place, one) for place, one in enumerate(found, 1)]
    return [*own, published_section("metrics", cells, NOTE)]


def study_section(place: int, one: Measured) -> Section:
    """One study: all coefficients of every distance, params and FLOPs among them."""
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


def sentence(one: Measured) -> str:
    """Best first, and whether any beats counting parameters."""
    ranked = [row for row in placed(one.rows) if row.proxy in FORMS]
    order = ", ".join(f"{row.proxy} {format_estimate(row.spearman, interval=False)}" for row in ranked)
    better = [row.proxy for row in ranked if row.spearman_minus_params.separated > 0]
    verdict = f"better than plain params: {', '.join(better)}" if better else "none ranks better than plain params"
    params = format_estimate(one.by_proxy["params"].spearman, interval=False)
    return f"On {one.study.truth.name}: Spearman {order}; params {params}; {verdict}."
