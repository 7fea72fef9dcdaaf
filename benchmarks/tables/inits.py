"""Different initialization: M_s, M_r and DisWOT under four initialisations, published beside measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.scoring.measured import Measured, agreement, difference
from benchmarks.tables.published import PublishedCell, published_section
from proxies.authors import INITS
from reports import figures
from reports.schema import Cell, Column, Figure, Section, Table
from reports.tables import format_estimate

FORMS = {
    "m_s": ("m_s", "m_s_readme"),
    "m_r": ("m_r", "m_r_readme", "m_r_released", "m_r_released_s0"),
    "diswot": ("diswot", "diswot_readme", "diswot_released", "diswot_released_s0"),
}
"""Published row -> the proxies that may have made it, the paper's first. (`m_s_released` equals `m_s_readme`.)"""

PROXIES = tuple(proxy for forms in FORMS.values() for proxy in forms)

PUBLISHED = ("kaiming", "gaussian")
NOTE = (
    "The paper names neither the space nor the coefficient of this table: Spearman is shown, on every ground truth "
    "at hand, and no verdict of agreement can follow, only where the published number lies."
)
ByInit = Mapping[str, Measured]


def sections(studies: Sequence[ByInit]) -> list[Section]:
    """A section for each study, then the published table beside all of them."""
    cells = [
        PublishedCell(row, init, proxy, by_init[init])
        for by_init in studies
        for row, forms in FORMS.items()
        for proxy in forms
        for init in PUBLISHED
    ]
    own = [study_section(place, by_init) for place, by_init in enumerate(studies, 1)]
    return [*own, published_section("init", cells, NOTE)]


def study_section(place: int, by_init: ByInit) -> Section:
    """One study: Spearman by initialisation, and what changes between Gaussian and Kaiming."""
    study = by_init["gaussian"].study
    rows: list[tuple[Cell, ...]] = []
    for proxy in PROXIES:
        tables = [by_init[i].values(proxy) for i in ("kaiming", "gaussian")]
        same = agreement(tables[0], tables[1]).spearman
        gap = difference(by_init["gaussian"], by_init["kaiming"], proxy)
        scored = min(by_init[init].by_proxy[proxy].scored for init in INITS)
        correlations = [by_init[init].by_proxy[proxy].spearman for init in INITS]
        rows.append((proxy, scored, *correlations, gap, same))
    columns = (
        Column("proxy"),
        Column("networks", "integer", label="n"),
        *(Column(init, "estimate", label=f"{init} ρ") for init in INITS),
        Column("difference", "estimate", label="gaussian − kaiming", note="paired difference of Spearman"),
        Column("agreement", "estimate", label="same order", note="Spearman between the scores under both, same draws"),
    )
    plain = [proxy for proxy in PROXIES if proxy in FORMS]
    labels = [f"{proxy}, {init}" for proxy in plain for init in INITS]
    drawn = figures.intervals(
        labels, [by_init[init].by_proxy[proxy].spearman for proxy in plain for init in INITS], title="Spearman ρ"
    )
    return Section(
        f"study-{place}",
        f"On {study.truth.name}",
        table=Table(columns, tuple(rows)),
        figures=(Figure("intervals", drawn),),
        note=f"{len(study.archs):,} networks of {study.setting.space}, seeds {', '.join(map(str, study.seeds))}: each "
        "draws weights, batch and teacher anew, the same for every initialisation. 95 % bootstrap intervals over "
        "networks; after ± the standard deviation over seeds. Distances are negated: higher predicts better.",
    )


def sentence(by_init: ByInit) -> str:
    """What the two initialisations of the paper do to the three metrics, in a paragraph."""
    study = by_init["gaussian"].study
    parts = []
    for proxy in FORMS:
        gap = difference(by_init["gaussian"], by_init["kaiming"], proxy)
        of = [format_estimate(by_init[i].by_proxy[proxy].spearman, interval=False) for i in ("gaussian", "kaiming")]
        reading = {1: "better under Gaussian", -1: "better under Kaiming", 0: "not told apart"}[gap.separated]
        parts.append(f"{proxy} has Spearman {of[0]} under Gaussian and {of[1]} under Kaiming weights ({reading})")
    return f"On {study.truth.name} ({len(study.archs):,} networks, {len(study.seeds)} seeds): {'; '.join(parts)}."
