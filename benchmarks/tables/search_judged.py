"""What the searches of one field of Table 8 found, judged by the accuracies of the benchmark, which no search saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from statistics import fmean

from benchmarks.search.choices import NATIVE
from benchmarks.search.judgement import Judgement, judge_all
from benchmarks.statistics.comparison import LEVEL, StrategyRanks, against, compare, signed_ranks
from benchmarks.statistics.runs import mean_of_runs, repetition
from benchmarks.tables.search_entries import NotRun
from benchmarks.tables.search_rows import CONTENDERS, REFERENCE, Contender
from benchmarks.tables.search_runs import Searched
from benchmarks.tables.search_scores import Searcher
from nb201_data.spaces import get_space
from reports import verdicts
from reports.printed import Number
from reports.published import published
from reports.schema import Claim, Estimate, Verdict, VerdictKind

COMPARED = "diswot"
WHOLE = len(get_space("nb201"))


class Judged:
    """The judged findings of one data set among the same networks, by row."""

    def __init__(self, data: str, pool: str, searched: Searched, truth: Mapping[str, float], archs: tuple[str, ...]):
        """`archs`: the networks of the pool; empty for all of the truth."""
        self.data, self.pool = data, pool
        self.truth = {arch: truth[arch] for arch in archs} if archs else truth
        self.findings = [each for each in searched.findings if (each.data, each.pool) == (data, pool)]
        self.not_run: dict[str, NotRun] = {
            each.contender.key: each for each in searched.not_run if (each.data, each.pool) == (data, pool)
        }
        self.bounds = {row: found for (*place, row), found in searched.bounds.items() if place == [data, pool]}
        ran = {finding.row for finding in self.findings}
        self.rows = [row for row in CONTENDERS.values() if row.key in ran or row.key in self.not_run]

    @cached_property
    def judgements(self) -> list[Judgement]:
        """Of the findings, in their order."""
        space = get_space("nb201").with_skeleton(NATIVE[self.data])
        return judge_all(space, [space.parse(f.arch) if f.arch else None for f in self.findings], self.truth)

    @cached_property
    def complete(self) -> list[str]:
        """The rows that have as many seeds as any."""
        seeds = {row.key: len(self.of(row.key, "regret")) for row in self.rows}
        most = max(seeds.values(), default=0)
        return [key for key, count in seeds.items() if count == most and most > 1]

    @cached_property
    def regrets(self) -> dict[str, list[float]]:
        """Of the complete rows."""
        return {key: self.of(key, "regret") for key in self.complete}

    @cached_property
    def comparison(self) -> StrategyRanks | None:
        """Of the complete rows, where there are two."""
        return compare(self.regrets) if len(self.regrets) > 1 else None

    @cached_property
    def p(self) -> dict[str, float]:
        """Each complete row against random search by accuracy."""
        return against(self.regrets, REFERENCE) if REFERENCE in self.regrets else {}

    def of(self, key: str, what: str) -> list[float]:
        """`accuracy`, `regret`, `seconds` or `evaluations` of a row, by seed; runs that found nothing are left out."""
        pairs = [(f, v) for f, v in zip(self.findings, self.judgements, strict=True) if f.row == key]
        found = [(f, v) for f, v in pairs if v.accuracy is not None]
        return [float(getattr(f if what in ("seconds", "evaluations") else v, what)) for f, v in found]

    def exhaustive(self, key: str) -> bool:
        """Whether a search of the row looked at every cell, so that it has one result for each draw of the weights."""
        return key in self.bounds and self.of(key, "evaluations")[:1] == [len(self.truth)]

    def limit(self, key: str) -> float | None:
        """Mean accuracy of what an exhaustive search by the row's objective finds; networks that tie count alike."""
        return fmean(self.truth[arch] for arch in self.bounds[key].best) if key in self.bounds else None

    def conditions(self, key: str) -> str:
        """Under which its scores, or its shared network, were made."""
        return "; ".join(dict.fromkeys(f.conditions for f in self.findings if f.row == key and f.conditions))

    def verdict(self, row: Contender, scored: Searcher | None) -> Verdict | None:
        """Of the published accuracy; of a row that was not run, why."""
        if row.key in self.not_run:
            return Verdict(VerdictKind.NOT_MEASURED, f"not run: {self.not_run[row.key].why}")
        differs = row.differs
        if len(self.truth) < WHOLE:
            differs += (f"among {len(self.truth):,} cells",)
        if row.kind == "shared":
            differs += (self.conditions(row.key),)
        if scored and scored.teacher in _best_cells():
            differs += ("the teacher is the best cell",)
        number = published("search").number(row.key, self.data)
        return held_against(number, self.of(row.key, "accuracy"), row, differs, self.exhaustive(row.key))

    def claims(self) -> list[Claim]:
        """DisWOT's search against each of the others, over the same seeds."""
        if COMPARED not in self.complete:
            return []
        p = against(self.regrets, COMPARED)
        claims = []
        for row in self.rows:
            if row.key in p:
                gaps = [other - own for other, own in zip(self.regrets[row.key], self.regrets[COMPARED], strict=True)]
                sides = {signed_ranks(gaps) > 0, fmean(gaps) > 0}
                decided = {frozenset({True}): VerdictKind.HOLDS, frozenset({False}): VerdictKind.FAILS}
                kind = VerdictKind.OPEN if p[row.key] >= LEVEL else decided.get(frozenset(sides), VerdictKind.OPEN)
                test = f"p {p[row.key]:.2g} (Wilcoxon over {len(gaps)} seeds, Holm)"
                apart = ", which says the other side: a few seeds lie far off" if len(sides) > 1 else ""
                detail = f"{fmean(gaps):+.2f} points in the mean, {test}{apart}"
                claims.append(Claim(f"DisWOT's search finds better cells than {row.label}", Verdict(kind, detail)))
        return claims


def held_against(
    number: Number | None, accuracies: list[float], row: Contender, differs: tuple[str, ...] = (), exact: bool = False
) -> Verdict | None:
    """Could the published accuracy be that of one more search? None where the paper prints none. See `repetition`.

    exact: the searches looked at every cell, so that one of them is what any other would be. What is unknown of all
    rows alike is left to the page.
    """
    if number is None:
        return None
    own, n = mean_of_runs(accuracies), len(accuracies)
    expected = Estimate(own.value, own.value, own.value) if exact and n == 1 else repetition(own, n, 1)
    verdict = verdicts.compare(number, verdicts.Counterpart(own, 1, n, row.label, expected, differs))
    return replace(verdict, detail=verdict.detail.replace(f"; unknown: {number.unknown}", ""))


def _best_cells() -> set[str]:
    space = get_space("nb201")
    return {str(space.best(skeleton.classes)) for skeleton in NATIVE.values()}
