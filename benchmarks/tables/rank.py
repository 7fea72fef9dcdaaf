"""The paper's rank table of NAS-Bench-201: what its protocol can show, and what a whole sample says."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.scoring.measured import Measured
from benchmarks.statistics.small_samples import SmallSamples, small_samples
from benchmarks.tables import groups
from benchmarks.tables.groups import Group
from reports import verdicts
from reports.published import published
from reports.schema import Cell, Column, Estimate, Section, Table, Verdict, VerdictKind
from reports.tables import correlation_table, format_estimate, placed

TRUTH = "nb201:cifar10:test:200"  # that of the paper, as far as its values tell
OWN = "kd-nb201"
CLASSIC = Group(
    ("l2_norm", "grad_norm", "snip", "fisher", "nwot", "synflow", "jacob", "zen"), batch_size=192, split="train"
)
_WITH_TEACHER = ("kd", "fitnet", "sp", "rkd", "pkt", "cc", "nst")
TEACHER = Group(
    (*_WITH_TEACHER, "kd_released", "fitnet_released", "sp_released", "pkt_released", "nst_released"),
    batch_size=64,
    split="train",
    init="default",
)
DISWOT = Group(("diswot_released", "diswot", "diswot_readme", "m_s", "m_r"), batch_size=64, split="train", repeats=5)
GROUPS = (CLASSIC, TEACHER, DISWOT)
RELEASED = {row: f"{row}_released" for row in ("kd", "fitnet", "sp", "pkt", "nst", "diswot")}
"""Published rows that the released scripts made with another formula than the plain one of that name."""

PLAIN = {f"plain {row}": row for row in RELEASED}
FORMS = PLAIN | {"diswot_readme": "diswot"}
CELLS, TABLES = 50, 1000
LARGE = 300  # cells of a truth that has more
NOTE = (
    "Correlations are in hundredths, as printed. "
    f"The paper's protocol draws {CELLS} cells with replacement for each of 10 repeats (DisWOT 5) and prints the mean. "
    f"Here this is done {TABLES:,} times with the cells that were scored, which are resampled first; 'measured' is the "
    "mean of all and 'expected' holds 95 % of such tables. The authors take the accuracy of one random training run, "
    "here it is the mean of the benchmark's runs, which correlates slightly higher. Where the released scripts compute "
    "another formula than the plain one of that name, the row is theirs, and the plain formula follows below."
)


def published_section(parts: Sequence[Measured] | None, lacking: str) -> tuple[Section, str]:
    """Every published number beside the protocol on our scores, and the count of verdicts."""
    paper = published("rank")
    compared = verdicts.comparison(paper, counterparts(parts) if parts else {}, lacking, FORMS)
    return verdicts.section("published", paper, compared, NOTE if parts else ""), verdicts.tally(compared)


def _drawn(parts: Sequence[Measured]) -> dict[str, SmallSamples]:
    """Every proxy in the paper's protocol, from the first seed's scores, higher predicting better."""
    made: dict[str, SmallSamples] = {}
    for one, group in zip(parts, GROUPS, strict=True):
        scores = {info.name: one.oriented(info.name)[0] for info in one.infos}
        made = small_samples(one.study.accuracies, scores, cells=CELLS, repeats=group.repeats, tables=TABLES) | made
    return made


def counterparts(parts: Sequence[Measured]) -> dict[tuple[str, str], verdicts.Counterpart]:
    """(row, 'spearman') -> what the protocol shows on our scores; other forms and further proxies after those."""
    drawn, plain = _drawn(parts), {row: name for name, row in PLAIN.items()}
    made: dict[tuple[str, str], verdicts.Counterpart] = {}
    for one, group in zip(parts, GROUPS, strict=True):
        for info in one.infos:
            expected = verdicts.hundredths(drawn[info.name].mean)
            row = info.name.removesuffix("_released") if info.name.endswith("_released") else plain.get(info.name)
            setting = f"{info.name}: {groups.describe(one.study, [info.name])}"
            differs = _differences(one, group, info.name)
            found = verdicts.Counterpart(expected, one.by_proxy[info.name].scored, 1, setting, expected, differs)
            made.setdefault((row or info.name, "spearman"), found)
    return made


def _differences(one: Measured, group: Group, proxy: str) -> tuple[str, ...]:
    if proxy == "flops":
        return ("multiply-adds alone, the authors also count batch norm, ReLU and pooling",)
    return groups.differences(one.study, group, "cifar10")


def spreads(parts: Sequence[Measured] | None, lacking: str) -> Section:
    """The printed ± beside the standard deviation that 50 cells must have."""
    drawn = _drawn(parts) if parts else {}
    paper = published("rank")
    rows: list[tuple[Cell, ...]] = []
    for number in paper.numbers:
        found = drawn.get(RELEASED.get(number.row, number.row))
        expected = found.spread if found else Estimate()
        verdict = Verdict(VerdictKind.NOT_MEASURED, "" if found else lacking)
        if found and number.spread is not None and expected.low is not None and expected.high is not None:
            inside = expected.low - number.step <= number.spread <= expected.high + number.step
            verdict = Verdict(VerdictKind.WITHIN if inside else VerdictKind.OUTSIDE)
        repeats = DISWOT.repeats if number.row == "diswot" else 10
        rows.append((paper.labels[number.row], number.spread, repeats, expected, verdict))
    columns = (
        Column("row"),
        Column("printed", "number", 2, "printed ±", "taken as a fraction: .11 is 11 points"),
        Column("repeats", "integer"),
        Column(
            "sampling", "estimate", 3, "± of the protocol", "standard deviation over the repeats; 95 % of such tables"
        ),
        Column("verdict", "verdict"),
    )
    return Section(
        "spreads",
        "Can the printed ± be that of 50 cells?",
        ("The standard deviation of Spearman over repeats is fixed by the number of cells: it cannot be chosen.",),
        table=Table(columns, tuple(rows)),
        note="The unit of ± is not printed; as points, all would be a hundred times too small.",
    )


def table_section(place: int, name: str, parts: Sequence[Measured]) -> Section:
    """What the whole sample says, with intervals."""
    study = parts[0].study
    return Section(
        f"truth-{place}",
        f"What it should have been: {len(study.archs):,} cells against {name}",
        (f"{study.truth.note}.",),
        table=correlation_table(groups.rows_of(parts).values()),
        note=f"{groups.settings(parts, GROUPS)} 95 % bootstrap intervals over cells.",
    )


def sentence(name: str, parts: Sequence[Measured]) -> str:
    """Best first, and who is told apart from params."""
    found = groups.rows_of(parts)
    shown = placed(found.values())
    best = ", ".join(f"{row.proxy} {format_estimate(row.spearman, 2)}" for row in shown[:3])
    better = [row.proxy for row in shown if row.spearman_minus_params.separated > 0]
    worse = sum(row.spearman_minus_params.separated < 0 for row in shown)
    told = f"better than params: {', '.join(better) or 'none'}; worse: {worse} of {len(shown)}"
    return (
        f"On {name} ({len(parts[0].study.archs):,} cells): highest Spearman {best}; DisWOT "
        f"{format_estimate(found['diswot'].spearman, 2)}; {told}."
    )
