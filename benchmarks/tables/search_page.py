"""Table 8 as a page: published beside measured, who differs from whom, and whether the published times add up."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from benchmarks.command.publish import Content
from benchmarks.scoring.resolve import resolve_images
from benchmarks.search.choices import NATIVE
from benchmarks.search.judgement import judge_all
from benchmarks.statistics.comparison import LEVEL, against, compare
from benchmarks.statistics.runs import mean_of_runs, repetition
from benchmarks.tables.search_rows import CONTENDERS, RANKED_IMAGES, Contender, Terms
from benchmarks.tables.search_runs import Finding
from benchmarks.tables.search_times import REFERENCE, Truths, reached
from nb201_data.spaces import get_space
from reports import figures, verdicts
from reports.consistency import speed_ups
from reports.printed import Number
from reports.published import published
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


class Judged:
    """The judged findings of one data set, by row."""

    def __init__(self, data: str, findings: Sequence[Finding], truth: Mapping[str, float]) -> None:
        self.data = data
        self.findings = [finding for finding in findings if finding.data == data]
        space = get_space("nb201").with_skeleton(NATIVE[data])
        archs = [space.parse(finding.arch) if finding.arch else None for finding in self.findings]
        self.judgements = judge_all(space, archs, truth)
        self.rows = [row for row in CONTENDERS.values() if any(finding.row == row.key for finding in self.findings)]
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


def content(findings: Sequence[Finding], truths: Truths, terms: Terms, config: Mapping[str, Any]) -> Content:
    """The whole page."""
    every = [Judged(data, findings, truths[data]) for data in truths]
    sections = [_data_section(each) for each in every]
    runs = tuple(row for each in every for row in _runs(each))
    courses = {e.data: {r: [f.course for f in e.findings if f.row == r.key] for r in e.rows} for e in every}
    closing = [reached(courses, truths), speed_ups(), Section("runs", "Every search", table=Table(RUNS, runs))]
    findings_first = [sentence for each in every if (sentence := _sentence(each))]
    return Content(
        title="Table 8: search on NAS-Bench-201",
        lead=[*findings_first, *(each.intro[0] for each in closing if each.intro), *_terms(terms, list(truths))],
        sections=[*sections, *closing],
        config=config,
        device=terms.device,
        seeds=sorted({finding.seed for finding in findings}),
        ground_truth=", ".join(f"nb201:{name}:test:200" for name in truths),
        ground_truth_note="trained alone for 200 epochs, mean over seeds; read once, after all searches",
        images=terms.images,
        skeleton=", ".join(str(NATIVE[name]) for name in truths),
        space="nb201",
    )


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


def _sentence(judged: Judged) -> str:
    """What the data set says about DisWOT's search."""
    found = {row.key: fmean(values) for row in judged.rows if (values := judged.of(row.key, "accuracy"))}
    if COMPARED not in found:
        return ""
    parts = [f"{judged.data}: DisWOT's search found {found[COMPARED]:.2f} % in the mean"]
    if REFERENCE in found:
        p = judged.p.get(COMPARED)
        tested = f" (p {p:.2g})" if p is not None else ""
        parts.append(f"random search by validation accuracy {found[REFERENCE]:.2f} %{tested}")
    parts += [f"{label} {found[key]:.2f} %" for key, label in SENTENCE.items() if key in found]
    return ", ".join(parts) + "."


def _data_section(judged: Judged) -> Section:
    rows = tuple(_row(judged, row) for row in judged.rows)
    means = [(row.label, mean_of_runs(judged.of(row.key, "accuracy"))) for row in judged.rows]
    drawn = [_drawn("accuracy", means, "test accuracy %", "Mean over seeds with its 95 % interval.")]
    if judged.comparison and judged.comparison.critical_difference is not None:
        half, by_key = judged.comparison.critical_difference / 2, judged.comparison.mean_ranks
        ranks = sorted((by_key[row.key], row.label) for row in judged.rows if row.key in by_key)
        about = "1 is best. Strategies differ where their bars do not overlap (Nemenyi, 5 %)."
        bars = [(label, Estimate(rank, rank - half, rank + half)) for rank, label in ranks]
        drawn.append(_drawn("ranks", bars, "mean rank", about))
    return Section(
        judged.data,
        f"NAS-Bench-201, {judged.data}",
        table=Table(MEASURED, rows),
        figures=tuple(drawn),
        claims=tuple(_claims(judged)),
        note=f"{_difference(judged)} {_about_published()}",
    )


def _drawn(name: str, pairs: Sequence[tuple[str, Estimate]], label: str, about: str) -> Figure:
    labels, estimates = [text for text, _ in pairs], [estimate for _, estimate in pairs]
    return Figure(name, figures.intervals(labels, estimates, x_label=label, reference=None), about)


def _row(judged: Judged, row: Contender) -> tuple[Cell, ...]:
    paper, data = published("search"), judged.data
    accuracies, seconds = judged.of(row.key, "accuracy"), judged.of(row.key, "seconds")
    number = paper.number(row.key, data)
    printed = [paper.number(row.key, f"{data}_{what}") for what in ("seconds", "speedup")]
    reference = judged.of(REFERENCE, "seconds")
    evaluations = judged.of(row.key, "evaluations")
    cost = fmean(seconds) if seconds else None
    ranks = judged.comparison.mean_ranks if judged.comparison else {}
    return (
        row.label,
        number.value if number else None,
        mean_of_runs(accuracies),
        mean_of_runs(judged.of(row.key, "regret")),
        len(accuracies),
        fmean(evaluations) if evaluations else None,
        printed[0].value if printed[0] else None,
        cost,
        printed[1].value if printed[1] else None,
        fmean(reference) / cost if reference and cost else None,
        ranks.get(row.key),
        judged.p.get(row.key),
        held_against(number, accuracies, row),
    )


def held_against(number: Number | None, accuracies: Sequence[float], row: Contender) -> Verdict | None:
    """Could the published accuracy be that of one more search? None where the paper prints none. See `repetition`."""
    if number is None:
        return None
    own, n = mean_of_runs(accuracies), len(accuracies)
    measured = verdicts.Counterpart(own, 1, n, row.label, repetition(own, n, 1), row.differs)
    return verdicts.compare(number, measured)


def _claims(judged: Judged) -> list[Claim]:
    """DisWOT's search against each of the others, over the same seeds."""
    if COMPARED not in judged.complete:
        return []
    regrets = {key: judged.of(key, "regret") for key in judged.complete}
    p = against(regrets, COMPARED)
    claims = []
    for row in judged.rows:
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


def _difference(judged: Judged) -> str:
    found = judged.comparison
    if found is None or found.critical_difference is None:
        return "Too few seeds to compare strategies."
    tested = "" if found.p is None else f"Friedman's test that all strategies rank alike: p {found.p:.2g}. "
    return (
        f"{tested}Critical difference of mean ranks (Nemenyi, 5 %, {len(found.mean_ranks)} strategies, {found.seeds} "
        f"seeds): {found.critical_difference:.2f}. With equal seeds strategies start on the same networks."
    )


def _runs(judged: Judged) -> list[tuple[Cell, ...]]:
    pairs = zip(judged.findings, judged.judgements, strict=True)
    return [
        (f.data, f.row, f.seed, f.arch or None, v.accuracy, v.regret, v.percentile, f.seconds, f.evaluations)
        for f, v in pairs
    ]
