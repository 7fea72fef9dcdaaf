"""'Correlation comparison' on S0: 64 ResNets, every row on the networks and batches that the authors used for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmarks.scoring.measured import Measured
from benchmarks.scoring.study import Study
from benchmarks.tables import groups, inits
from benchmarks.tables.groups import TENSORWATCH, Group
from reports import verdicts
from reports.published import published
from reports.schema import COEFFICIENTS, Correlation, Section
from reports.tables import correlation_table

TRUTH = "s0:kd"
CLASSIC = Group(("l2_norm", "fisher", "grad_norm", "snip", "nwot", "synflow"), batch_size=192, split="test")
FORMS = inits.FORMS["diswot"]
DISWOT = Group(FORMS, batch_size=128, split="train", repeats=1)
OTHER_FORMS = dict.fromkeys(FORMS[1:], "diswot")
FAMILIES = {"s0-plain": "without residual connections", "s0": "with residual connections"}

Pair = tuple[Measured, Measured]
"""Classic proxies and DisWOT on one family of networks."""
Families = Mapping[str, Pair]

NOTE = (
    "Correlations are in hundredths, as printed. "
    "Every row on the networks that the authors used: classic proxies on networks without residual connections, DisWOT "
    "on networks with them, in each of its forms. The 64 networks are all of S0, the same in both measurements, so "
    "the verdict asks whether the published number lies where a further run with other weights and batches would "
    "(95 %, from the spread over seeds, for as many repeats as the authors averaged); in the column 'measured' stands "
    "the wider bootstrap interval over networks. FLOPs and params have no chance in them. FLOPs are counted as the "
    "authors did, batch norm and ReLU included; `flops` counts multiply-adds alone, which ties many networks."
)


def published_section(found: Families | None, lacking: str = "") -> tuple[Section, str]:
    """Every published number beside its row here, and the count of verdicts."""
    table = published("correlation")
    compared = verdicts.comparison(table, counterparts(found) if found else {}, lacking, OTHER_FORMS)
    return verdicts.section("published", table, compared, NOTE if found else ""), verdicts.tally(compared)


def counterparts(found: Families) -> dict[tuple[str, str], verdicts.Counterpart]:
    """(row, coefficient) -> measured: every row on the authors' networks, among them those that they leave out."""
    classic, diswot = found["s0-plain"][0], found["s0"][1]
    counted = {**_counted(classic.study), "flops, multiply-adds alone": classic.by_proxy["flops"]}
    made = _exact(counted, classic.study)
    for one, group in ((classic, CLASSIC), (diswot, DISWOT)):
        for proxy in group.proxies:
            made |= _entries(proxy, one, group)
    return made


def _counted(study: Study) -> dict[str, Correlation]:
    closed = groups.closed_form(study)
    return {"flops": closed[TENSORWATCH], "params": closed["params"]}


def _exact(rows: Mapping[str, Correlation], study: Study) -> dict[tuple[str, str], verdicts.Counterpart]:
    part = _part(study)
    return {(name, c): groups.exact(row, c, "S0, counted", part) for name, row in rows.items() for c in COEFFICIENTS}


def _entries(proxy: str, one: Measured, group: Group) -> dict[tuple[str, str], verdicts.Counterpart]:
    setting = groups.describe(one.study, [proxy])
    made = {c: groups.on_same_networks(one.by_proxy[proxy], c, group, setting) for c in COEFFICIENTS}
    differs = differences(one.study, group)
    return {(proxy, c): replace(measured, differs=differs) for c, measured in made.items()}


def differences(study: Study, group: Group) -> tuple[str, ...]:
    """Where a study departs from the authors' setting of a group."""
    return (*groups.differences(study, group, "cifar100"), *_part(study))


def _part(study: Study) -> tuple[str, ...]:
    whole = len(study.truth)
    return () if len(study.archs) == whole else (f"{len(study.archs)} of {whole} networks",)


def beside(one: Measured) -> Section:
    """The published table beside a run of any proxies on its ground truth.

    One setting for all rows, which is not the authors': `python -m benchmarks.s0_table` has theirs.
    """
    study, table = one.study, published("correlation")
    own = _exact(_counted(study), study)
    for row in one.rows:
        group = DISWOT if row.proxy in FORMS else CLASSIC
        family = "s0" if row.proxy in FORMS else "s0-plain"
        differs = differences(study, group)
        if study.setting.space != family:
            differs += (f"networks {FAMILIES[study.setting.space]}",)
        for c in COEFFICIENTS if row.proxy in (*CLASSIC.proxies, *FORMS) else ():
            measured = groups.on_same_networks(row, c, group, groups.describe(study, [row.proxy]))
            own[row.proxy, c] = replace(measured, differs=differs)
    note = "One setting for all rows; `python -m benchmarks.s0_table` measures each row as the authors did."
    compared = verdicts.comparison(table, own, "not among the proxies of this run", OTHER_FORMS)
    return verdicts.section("published", table, compared, note)


def family_section(family: str, pair: Pair) -> Section:
    """All rows on one family: which proxies beat params there."""
    return Section(
        f"family-{family}",
        f"All rows on networks {FAMILIES[family]}",
        (f"{len(pair[0].study.archs)} networks, {len(pair[0].study.seeds)} seeds; differences are to plain params.",),
        table=correlation_table(groups.rows_of(pair).values()),
        note=f"{groups.settings(pair, (CLASSIC, DISWOT))} 95 % bootstrap intervals over networks; after ± the standard "
        "deviation over seeds.",
    )


def sentence(found: Families) -> str:
    """What counting parameters does here, and which proxies do better."""
    parts = []
    for family, pair in found.items():
        rows = groups.rows_of(pair)
        better = [name for name, row in rows.items() if row.spearman_minus_params.separated > 0]
        best = max(
            (row for row in rows.values() if row.spearman.value is not None), key=lambda r: r.spearman.value or 0
        )
        beat = f"better than params are {', '.join(better)}" if better else "no proxy is better than params"
        parts.append(
            f"on networks {FAMILIES[family]} {beat} (highest Spearman: {best.proxy}, {best.spearman.value:.4f})"
        )
    params = found["s0"][0].by_proxy["params"]
    numbers = ", ".join(f"{c} {100 * (getattr(params, c).value or 0):.2f}" for c in COEFFICIENTS)
    return f"The number of parameters, which the paper's table leaves out, has {numbers}; {'; '.join(parts)}."
