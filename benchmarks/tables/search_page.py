"""Table 8 as a page: published beside measured, who differs from whom, and whether the published times add up."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from benchmarks.command.publish import Content
from benchmarks.search.choices import NATIVE
from benchmarks.statistics.runs import mean_of_runs
from benchmarks.tables import search_scores
from benchmarks.tables.search_judged import COMPARED, WHOLE, Judged
from benchmarks.tables.search_rows import REFERENCE, Contender, Terms
from benchmarks.tables.search_runs import Searched
from benchmarks.tables.search_scores import Searcher
from benchmarks.tables.search_times import reached
from nb201_data.ground_truth import GroundTruth
from reports import figures
from reports.consistency import speed_ups
from reports.published import published
from reports.schema import Cell, Column, Estimate, Figure, Section, Table

MEASURED = (
    Column("strategy"),
    Column("published", "number", 2, "published %", "accuracy printed in the paper"),
    Column(
        "measured", "estimate", 2, "measured %", "mean test accuracy of the found cells, trained alone for 200 epochs"
    ),
    Column("verdict", "verdict", note="of the published accuracy, see below"),
    Column("limit", "number", 2, "limit %", "that of the cell which an exhaustive search by the same objective finds"),
    Column("regret", "estimate", 2, note="best of the cells that may be found minus that"),
    Column("seeds", "integer"),
    Column("paid", "integer", label="paid for", note="evaluations that the published seconds pay for"),
    Column("evaluations", "number", 0, "evaluations", "mean; no more than there are cells"),
    Column("published_seconds", "number", 0, "published s"),
    Column("seconds", "number", 1, "measured s", "cost of a search, see the introduction"),
    Column("published_speedup", "number", 1, "published x"),
    Column("speedup", "number", 1, "measured x", "cost of random search divided by this"),
    Column("rank", "number", 2, "mean rank", "over the seeds, among the rows with all seeds; 1 is best"),
    Column("p_random", "number", 5, "p to RS", "Wilcoxon signed-rank over seeds, two-sided, Holm"),
    Column("conditions", note="of its scores, or of its shared network"),
)
SENTENCE = {
    "diswot_released": "its released form",
    "nwot": "NWOT",
    "draw": "one random cell",
    "largest": "the largest network",
}
RUNS = (
    Column("data"),
    Column("among"),
    Column("strategy"),
    Column("seed", "integer"),
    Column("arch"),
    Column("accuracy", "number", 4),
    Column("regret", "number", 4),
    Column("percentile", "number", 4),
    Column("seconds", "number", 3),
    Column("evaluations", "integer"),
)


def content(
    searched: Searched,
    truths: Mapping[str, GroundTruth],
    known: Mapping[str, Sequence[Searcher]],
    rivals: Mapping[str, Searcher],
    terms: Terms,
    config: Mapping[str, Any],
) -> Content:
    """The whole page. `known`: by data set, the scores that are there; `rivals`: trainings of the same networks."""
    fields = [
        Judged(data, pool, searched, truth.values, known[data][0].archs if pool == "scored" else ())
        for data, truth in truths.items()
        for pool in searched.pools(data)
    ]
    courses = {
        each.data: {row: [f.course for f in each.findings if f.row == row.key] for row in each.rows}
        for each in fields
        if each.pool == "all"
    }
    looked_up = {data: [*found, rivals[data]] for data, found in known.items() if found}
    closing = [
        reached(courses, {data: truth.values for data, truth in truths.items()}),
        speed_ups(),
        Section("runs", "Every search", table=Table(RUNS, tuple(row for each in fields for row in _runs(each)))),
    ]
    budgets = [
        search_scores.section(number, truths[data], found) for number, (data, found) in enumerate(looked_up.items(), 1)
    ]
    findings_first = [sentence for each in fields if (sentence := _sentence(each))]
    also = [search_scores.sentence(truths[data], found) for data, found in looked_up.items()]
    return Content(
        title="Table 8: search on NAS-Bench-201",
        lead=[*findings_first, *also, *(each.intro[0] for each in closing if each.intro), _terms(terms)],
        sections=[*(_section(each, known[each.data]) for each in fields), *budgets, *closing],
        config=config,
        device=terms.device,
        seeds=sorted({finding.seed for finding in searched.findings}),
        ground_truth=", ".join(f"nb201:{name}:test:200" for name in truths),
        ground_truth_note="trained alone for 200 epochs, mean over seeds; read once, after all searches",
        images=terms.images if terms.compute else "",
        skeleton=", ".join(str(NATIVE[name]) for name in truths),
        space="nb201",
    )


def _terms(terms: Terms) -> str:
    scores = (
        "The scores of training-free searches were computed as they were asked for"
        if terms.compute
        else "The scores of training-free searches are looked up: where not all cells have them, these searches have a "
        "table of their own, among the cells that do, with random search by accuracy beside them (--compute searches "
        "among all)"
    )
    fewer = f" They made at most {terms.budget:,} evaluations, whatever their seconds paid for." if terms.budget else ""
    return (
        "Every search gets the seconds that are printed for it, and ends when they are spent or when it has made as "
        "many evaluations as there are cells, where a cell that it looks at again costs its time again, as in the "
        "benchmark's own searches; its limit is the search that looks at every cell. Cost is in seconds for all: for "
        "searches by accuracy the training time that their evaluations stand for (a model: 9.14 s per epoch "
        "and 25,000 images, the mean reported for the benchmark's cells), for training-free ones evaluations times "
        "the CPU seconds that a score was measured to take, for weight sharing those of the shared network. Searches "
        f"by accuracy look at validation accuracy only. {scores}.{fewer} All found cells are judged by the accuracy of "
        "the benchmark, trained alone: the paper's are distilled, unless copied from other papers."
    )


def _sentence(judged: Judged) -> str:
    """What the data set says about DisWOT's search."""
    found = {row.key: fmean(values) for row in judged.rows if (values := judged.of(row.key, "accuracy"))}
    if COMPARED not in found:
        return ""
    among = f" among {len(judged.truth):,} cells" if judged.pool == "scored" else ""
    parts = [f"{judged.data}: DisWOT's search{among} found {found[COMPARED]:.2f} %"]
    if REFERENCE in found:
        p = judged.p.get(COMPARED)
        tested = f" (p {p:.2g})" if p is not None else ""
        parts.append(f"random search by validation accuracy {found[REFERENCE]:.2f} %{tested}")
    parts += [f"{label} {found[key]:.2f} %" for key, label in SENTENCE.items() if key in found]
    return ", ".join(parts) + "."


def _section(judged: Judged, known: Sequence[Searcher]) -> Section:
    scored = {one.name: one for one in reversed(known)}
    means = [(row.label, mean_of_runs(of)) for row in judged.rows if (of := judged.of(row.key, "accuracy"))]
    drawn = [_drawn("accuracy", means, "test accuracy %", "Mean over seeds with its 95 % interval.")]
    if judged.comparison and judged.comparison.critical_difference is not None:
        half, by_key = judged.comparison.critical_difference / 2, judged.comparison.mean_ranks
        ranks = sorted((by_key[row.key], row.label) for row in judged.rows if row.key in by_key)
        about = "1 is best. Strategies differ where their bars do not overlap (Nemenyi, 5 %)."
        bars = [(label, Estimate(rank, rank - half, rank + half)) for rank, label in ranks]
        drawn.append(_drawn("ranks", bars, "mean rank", about))
    among = "all" if judged.pool == "all" else f"the {len(judged.truth):,} scored of"
    return Section(
        judged.data if judged.pool == "all" else f"{judged.data}-scored",
        f"NAS-Bench-201, {judged.data}: {among} {WHOLE:,} cells",
        table=Table(MEASURED, tuple(_row(judged, row, scored.get(row.score)) for row in judged.rows)),
        figures=tuple(drawn),
        claims=tuple(judged.claims()),
        note=" ".join([_difference(judged), _about_published(judged, known), *_not_run(judged)]),
    )


def _drawn(name: str, pairs: Sequence[tuple[str, Estimate]], label: str, about: str) -> Figure:
    labels, estimates = [text for text, _ in pairs], [estimate for _, estimate in pairs]
    return Figure(name, figures.intervals(labels, estimates, x_label=label, reference=None), about)


def _row(judged: Judged, row: Contender, scored: Searcher | None) -> tuple[Cell, ...]:
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
        judged.verdict(row, scored),
        judged.limit(row.key),
        mean_of_runs(judged.of(row.key, "regret")),
        len(accuracies),
        judged.bounds[row.key].paid if row.key in judged.bounds else None,
        fmean(evaluations) if evaluations else None,
        printed[0].value if printed[0] else None,
        cost,
        printed[1].value if printed[1] else None,
        fmean(reference) / cost if reference and cost else None,
        ranks.get(row.key),
        judged.p.get(row.key),
        "not run" if row.key in judged.not_run else judged.conditions(row.key) or None,
    )


def _about_published(judged: Judged, known: Sequence[Searcher]) -> str:
    """What is unknown, and what is known to differ, in the verdicts on the published accuracies."""
    fewer = (
        f" All of these searches were among {len(judged.truth):,} of the {WHOLE:,} cells: the published ones were not. "
        "A teacher that is the best cell is known from test accuracies, which no search may use."
        if judged.pool == "scored"
        else ""
    )
    other = dict.fromkeys(one.scored_as for one in known if one.scored_as)
    elsewhere = f" Scores are those of networks in {', '.join(other)}." if other and judged.bounds else ""
    return (
        f"A verdict says whether the published accuracy could be that of one more search here. Unknown: "
        f"{published('search').unknown}. Known to differ: DisWOT's accuracies are those of distilled networks, ours of "
        "networks trained alone, and the released search picks its cell by test accuracy among its five best. TE-NAS, "
        "a sum of ranks, takes those among all scored cells, or its standing among 100 where it is "
        f"computed.{fewer}{elsewhere}"
    )


def _not_run(judged: Judged) -> list[str]:
    return [f"{each.contender.label} was not run, {each.why}: {each.how}." for each in judged.not_run.values()]


def _difference(judged: Judged) -> str:
    found = judged.comparison
    once = (
        "A search whose seconds pay for every cell is one result for each draw of the weights: there is no chance in "
        "its order, and nothing to compare over seeds. "
        if any(judged.exhaustive(row.key) for row in judged.rows)
        else ""
    )
    if found is None or found.critical_difference is None:
        return once.strip() or "Too few seeds to compare strategies."
    tested = "" if found.p is None else f"Friedman's test that all strategies rank alike: p {found.p:.2g}. "
    return (
        f"{once}{tested}Critical difference of mean ranks (Nemenyi, 5 %, {len(found.mean_ranks)} strategies, "
        f"{found.seeds} seeds): {found.critical_difference:.2f}. With equal seeds strategies start on the same "
        "networks."
    )


def _runs(judged: Judged) -> list[tuple[Cell, ...]]:
    pairs = zip(judged.findings, judged.judgements, strict=True)
    return [
        (f.data, f.pool, f.row, f.seed, f.arch or None, v.accuracy, v.regret, v.percentile, f.seconds, f.evaluations)
        for f, v in pairs
    ]
