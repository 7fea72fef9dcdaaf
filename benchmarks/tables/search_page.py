"""Table 8 as a page: published beside measured, who differs from whom, and whether the published times add up."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from benchmarks.search.choices import NATIVE
from benchmarks.search.comparison import LEVEL, against, compare
from benchmarks.search.judgement import judge_all
from benchmarks.search.table_rows import RANKED_IMAGES, ROWS, Finding, Row, Terms
from benchmarks.search.table_times import REFERENCE, Truths, reached
from benchmarks.settings import resolve_images
from benchmarks.statistics.runs import mean_of_runs, repetition
from nb201_data.spaces import get_space
from reports import figures, verdicts
from reports.consistency import speed_ups
from reports.printed import Number
from reports.published import published
from reports.records import Page
from reports.schema import Cell, Claim, Column, Estimate, Figure, Section, Table, Verdict, VerdictKind

COMPARED = "diswot"

MEASURED = (
    Column("strategy"),
    Column("published", "number", 2, "published %", "accuracy printed in the paper"),
    Column(
        "measured", "estimate", 2, "measured %", "mean test accuracy of the found cells, trained alone for 200 epochs"
    ),
    Column("regret", "estimate", 2, note="best cell of the benchmark minus that"),
    Column("seeds", "integer"),
    Column("evaluations", "number", 0, "evaluations", "mean"),
    Column("published_seconds", "number", 0, "published s"),
    Column("seconds", "number", 1, "measured s", "cost of a search, see the introduction"),
    Column("published_speedup", "number", 1, "published x"),
    Column("speedup", "number", 1, "measured x", "cost of random search divided by this"),
    Column("rank", "number", 2, "mean rank", "over the seeds, among the rows with all seeds; 1 is best"),
    Column("p_random", "number", 5, "p to RS", "Wilcoxon signed-rank over seeds, two-sided, Holm"),
    Column("verdict", "verdict", note="of the published accuracy, see below"),
)
SENTENCE = {
    "diswot_released": "its released form",
    "nwot": "NWOT",
    "draw": "one random cell",
    "largest": "the largest network",
}
RUNS = (
    Column("data"),
    Column("strategy"),
    Column("seed", "integer"),
    Column("arch"),
    Column("accuracy", "number", 4),
    Column("regret", "number", 4),
    Column("percentile", "number", 4),
    Column("seconds", "number", 3),
    Column("evaluations", "integer"),
)


class Outcomes:
    """The judged findings of one data set, by row."""

    def __init__(self, data: str, findings: Sequence[Finding], truth: Mapping[str, float]) -> None:
        self.data = data
        self.findings = [finding for finding in findings if finding.data == data]
        space = get_space("nb201").with_skeleton(NATIVE[data])
        archs = [space.parse(finding.arch) if finding.arch else None for finding in self.findings]
        self.judgements = judge_all(space, archs, truth)
        self.rows = [row for row in ROWS if any(finding.row == row.key for finding in self.findings)]
        seeds = {key: len(self.of(key, "regret")) for key in (row.key for row in self.rows)}
        most = max(seeds.values(), default=0)
        self.complete = [key for key, count in seeds.items() if count == most and most > 1]
        regrets = {key: self.of(key, "regret") for key in self.complete}
        self.comparison = compare(regrets) if len(regrets) > 1 else None
        self.p = against(regrets, REFERENCE) if REFERENCE in regrets else {}

    def of(self, key: str, what: str) -> list[float]:
        """`accuracy`, `regret`, `seconds` or `evaluations` of a row, by seed; runs that found nothing are left out."""
        pairs = [(f, v) for f, v in zip(self.findings, self.judgements, strict=True) if f.row == key]
        found = [(f, v) for f, v in pairs if v.accuracy is not None]
        return [float(getattr(f if what in ("seconds", "evaluations") else v, what)) for f, v in found]


def page_of(findings: Sequence[Finding], truths: Truths, terms: Terms) -> Page:
    """The whole page."""
    outcomes = [Outcomes(data, findings, truths[data]) for data in truths]
    sections = [_data_section(each) for each in outcomes]
    runs = tuple(row for each in outcomes for row in _runs(each))
    courses = {e.data: {r: [f.course for f in e.findings if f.row == r.key] for r in e.rows} for e in outcomes}
    closing = [reached(courses, truths), speed_ups(), Section("runs", "Every search", table=Table(RUNS, runs))]
    findings_first = [sentence for each in outcomes if (sentence := _sentence(each))]
    lead = (*findings_first, *(section.intro[0] for section in closing if section.intro), *_terms(terms, list(truths)))
    return Page("Table 8: search on NAS-Bench-201", lead, (*sections, *closing))


def _terms(terms: Terms, names: Sequence[str]) -> tuple[str, str]:
    images = ", ".join(f"{resolve_images(terms.images, NATIVE[name], name)} for {name}" for name in names)
    return (
        "Cost is in seconds for all: for searches by accuracy the training time that their evaluations stand for (a "
        "model: 9.14 s per epoch and 25,000 images, the mean reported for the benchmark's cells), for training-free "
        "ones the time of their scores on this machine, for weight sharing that of the shared network. Searches by "
        "accuracy stop at the published search time and look at validation accuracy only; training-free ones make "
        f"{terms.budget:,} evaluations on {terms.batch_size:,} images (TE-NAS {terms.ranked_budget:,}, on at most "
        f"{RANKED_IMAGES}): "
        f"{images}. All found cells are judged by the accuracy of the benchmark, trained alone: the paper's are "
        "distilled, unless copied from other papers.",
        "RSPS, GDAS and DARTS ran on a small shared network (4 channels, one cell a stage, 16 pixels, "
        f"{terms.shared_epochs} epochs of {terms.shared_images:,} images): that shows that they run and what they find "
        "there, and does not repeat the published searches.",
    )


def _sentence(outcomes: Outcomes) -> str:
    """What the data set says about DisWOT's search."""
    found = {row.key: fmean(values) for row in outcomes.rows if (values := outcomes.of(row.key, "accuracy"))}
    if COMPARED not in found:
        return ""
    parts = [f"{outcomes.data}: DisWOT's search found {found[COMPARED]:.2f} % in the mean"]
    if REFERENCE in found:
        p = outcomes.p.get(COMPARED)
        tested = f" (p {p:.2g})" if p is not None else ""
        parts.append(f"random search by validation accuracy {found[REFERENCE]:.2f} %{tested}")
    parts += [f"{label} {found[key]:.2f} %" for key, label in SENTENCE.items() if key in found]
    return ", ".join(parts) + "."


def _data_section(outcomes: Outcomes) -> Section:
    rows = [_row(outcomes, row) for row in outcomes.rows]
    shown = [(row.label, mean_of_runs(outcomes.of(row.key, "accuracy"))) for row in outcomes.rows]
    figure = Figure(
        "accuracy",
        figures.intervals(
            [label for label, _ in shown],
            [estimate for _, estimate in shown],
            x_label="test accuracy %",
            reference=None,
        ),
        "Mean over seeds with its 95 % interval.",
    )
    drawn = [figure, *_ranks(outcomes)]
    return Section(
        outcomes.data,
        f"NAS-Bench-201, {outcomes.data}",
        table=Table(MEASURED, tuple(rows)),
        figures=tuple(drawn),
        claims=tuple(_claims(outcomes)),
        note=f"{_difference(outcomes)} {_about_published()}",
    )


def _ranks(outcomes: Outcomes) -> list[Figure]:
    """Mean ranks with half the critical difference to both sides, where there is one."""
    found = outcomes.comparison
    if found is None or found.critical_difference is None:
        return []
    half = found.critical_difference / 2
    ranks = sorted((found.mean_ranks[row.key], row.label) for row in outcomes.rows if row.key in found.mean_ranks)
    drawing = figures.intervals(
        [label for _, label in ranks],
        [Estimate(rank, rank - half, rank + half) for rank, _ in ranks],
        x_label="mean rank",
        reference=None,
    )
    return [Figure("ranks", drawing, "1 is best. Strategies differ where their bars do not overlap (Nemenyi, 5 %).")]


def _row(outcomes: Outcomes, row: Row) -> tuple[Cell, ...]:
    paper, data = published("search"), outcomes.data
    accuracies, seconds = outcomes.of(row.key, "accuracy"), outcomes.of(row.key, "seconds")
    number = paper.number(row.key, data)
    printed = [paper.number(row.key, f"{data}_{what}") for what in ("seconds", "speedup")]
    reference = outcomes.of(REFERENCE, "seconds")
    evaluations = outcomes.of(row.key, "evaluations")
    cost = fmean(seconds) if seconds else None
    ranks = outcomes.comparison.mean_ranks if outcomes.comparison else {}
    return (
        row.label,
        number.value if number else None,
        mean_of_runs(accuracies),
        mean_of_runs(outcomes.of(row.key, "regret")),
        len(accuracies),
        fmean(evaluations) if evaluations else None,
        printed[0].value if printed[0] else None,
        cost,
        printed[1].value if printed[1] else None,
        fmean(reference) / cost if reference and cost else None,
        ranks.get(row.key),
        outcomes.p.get(row.key),
        held_against(number, accuracies, row),
    )


def held_against(number: Number | None, accuracies: Sequence[float], row: Row) -> Verdict | None:
    """Could the published accuracy be that of one more search? None where the paper prints none. See `repetition`."""
    if number is None:
        return None
    own, n = mean_of_runs(accuracies), len(accuracies)
    measured = verdicts.Counterpart(own, 1, n, row.label, repetition(own, n, 1), row.differs)
    return verdicts.compare(number, measured)


def _claims(outcomes: Outcomes) -> list[Claim]:
    """DisWOT's search against each of the others, over the same seeds."""
    if COMPARED not in outcomes.complete:
        return []
    regrets = {key: outcomes.of(key, "regret") for key in outcomes.complete}
    p = against(regrets, COMPARED)
    claims = []
    for row in outcomes.rows:
        if row.key in p:
            gap = fmean(regrets[row.key]) - fmean(regrets[COMPARED])
            decided = VerdictKind.HOLDS if gap > 0 else VerdictKind.FAILS
            kind = VerdictKind.OPEN if p[row.key] >= LEVEL else decided
            seeds = len(regrets[COMPARED])
            detail = f"{gap:+.2f} points in the mean, p {p[row.key]:.2g} (Wilcoxon over {seeds} seeds, Holm)"
            claims.append(Claim(f"DisWOT's search finds better cells than {row.label}", Verdict(kind, detail)))
    return claims


def _about_published() -> str:
    """What is unknown, and what is known to differ, in the verdicts on the published accuracies."""
    return (
        f"A verdict says whether the published accuracy could be that of one more search here. Unknown: "
        f"{published('search').unknown}. Known to differ: DisWOT's accuracies are those of distilled networks, ours of "
        "networks trained alone, and the released search picks its cell by test accuracy among its five best; RSPS, "
        "GDAS and DARTS had a small shared network here."
    )


def _difference(outcomes: Outcomes) -> str:
    found = outcomes.comparison
    if found is None or found.critical_difference is None:
        return "Too few seeds to compare strategies."
    tested = "" if found.p is None else f"Friedman's test that all strategies rank alike: p {found.p:.2g}. "
    return (
        f"{tested}Critical difference of mean ranks (Nemenyi, 5 %, {len(found.mean_ranks)} strategies, {found.seeds} "
        f"seeds): {found.critical_difference:.2f}. With equal seeds strategies start on the same networks."
    )


def _runs(outcomes: Outcomes) -> list[tuple[Cell, ...]]:
    pairs = zip(outcomes.findings, outcomes.judgements, strict=True)
    return [
        (f.data, f.row, f.seed, f.arch or None, v.accuracy, v.regret, v.percentile, f.seconds, f.evaluations)
        for f, v in pairs
    ]
