"""M_s, M_r and DisWOT under four initialisations, published beside measured: `python -m benchmarks.init_ablation`."""

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
    from reports.schema import Cell, Section

FORMS = {
    "m_s": ("m_s", "m_s_readme"),
    "m_r": ("m_r", "m_r_readme", "m_r_released", "m_r_released_s0"),
    "diswot": ("diswot", "diswot_readme", "diswot_released", "diswot_released_s0"),
}
"""Published row -> the proxies that may have made it, the paper's first. (`m_s_released` equals `m_s_readme`.)"""

PROXIES = tuple(proxy for forms in FORMS.values() for proxy in forms)
PUBLISHED = ("kaiming", "gaussian")


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser(
        "init_ablation",
        "How much M_s, M_r and DisWOT depend on the initialisation: Gaussian, Kaiming, Xavier and PyTorch's own, on "
        "NAS-Bench-201 and, where its accuracies are on disk, on S0; the paper's table beside the measured one.",
    )
    ablation.add_options(parser, "runs/init-ablation")
    options = parser.parse_args(argv)
    command = ["python", "-m", "benchmarks.init_ablation", *(sys.argv[1:] if argv is None else argv)]
    print(ablation.run(options, command, "Does the initialisation decide the score?", build))
    return 0


def build(runner: Runner, studies: Sequence[Study]) -> tuple[list[Measured], list[Section], list[str]]:
    """Scores under every initialisation; a section for each study, the published table, the first words of the page."""
    from proxies.registry import get

    infos = [get(name) for name in PROXIES]
    found: list[dict[str, Measured]] = []
    for study in studies:
        by_init = {}
        for init in INITS:
            label = f"{study.setting.space} {init}"
            by_init[init] = ablation.measure(runner, ablation.with_init(study, init), infos, label)
        found.append(by_init)
    cells = [
        ablation.PublishedCell(row, init, proxy, by_init[init])
        for by_init in found
        for row, forms in FORMS.items()
        for proxy in forms
        for init in PUBLISHED
    ]
    note = (
        "The paper names neither the space nor the coefficient of this table: Spearman is shown, on every ground truth "
        "at hand, and no verdict of agreement can follow, only where the published number lies."
    )
    published = ablation.published_section("init", cells, note)
    sections = [_section(place, by_init) for place, by_init in enumerate(found, 1)]
    measured = [one for by_init in found for one in by_init.values()]
    return measured, [*sections, published], [_lead(by_init) for by_init in found]


def _section(place: int, by_init: dict[str, Measured]) -> Section:
    """One study: Spearman by initialisation, and what changes between Gaussian and Kaiming."""
    from benchmarks.results import agreement, values
    from reports import figures
    from reports.schema import Column, Figure, Section, Table

    study = by_init["gaussian"].study
    rows: list[tuple[Cell, ...]] = []
    for proxy in PROXIES:
        tables = [values(by_init[i].answers, proxy, study.archs, study.seeds) for i in ("kaiming", "gaussian")]
        same = agreement(tables[0], tables[1]).spearman
        difference = ablation.difference(by_init["gaussian"], by_init["kaiming"], proxy)
        scored = min(by_init[init].by_proxy[proxy].scored for init in INITS)
        correlations = [by_init[init].by_proxy[proxy].spearman for init in INITS]
        rows.append((proxy, scored, *correlations, difference, same))
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


def _lead(by_init: dict[str, Measured]) -> str:
    """What the two initialisations of the paper do to the three metrics, in a paragraph."""
    from reports.tables import format_estimate

    study = by_init["gaussian"].study
    parts = []
    for proxy in FORMS:
        gap = ablation.difference(by_init["gaussian"], by_init["kaiming"], proxy)
        of = [format_estimate(by_init[i].by_proxy[proxy].spearman, interval=False) for i in ("gaussian", "kaiming")]
        reading = {1: "better under Gaussian", -1: "better under Kaiming", 0: "not told apart"}[gap.separated]
        parts.append(f"{proxy} has Spearman {of[0]} under Gaussian and {of[1]} under Kaiming weights ({reading})")
    return f"On {study.truth.name} ({len(study.archs):,} networks, {len(study.seeds)} seeds): {'; '.join(parts)}."


if __name__ == "__main__":
    shell.run(main)
