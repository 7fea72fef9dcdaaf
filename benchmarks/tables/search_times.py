"""The published times of Table 8: when is the published accuracy reached, do the speed-ups follow from the times?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from statistics import fmean

from benchmarks.tables.search_rows import Contender
from benchmarks.tables.search_runs import Course
from reports import figures
from reports.published import published
from reports.schema import Column, Estimate, Figure, Section, Table, Verdict, VerdictKind

REACHED = 0.5  # of the published time: less, and the printed accuracy belongs to another search
Truths = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Reached:
    """A printed accuracy of a search, and the cost after which the same strategy has it here."""

    data: str
    strategy: str
    published: float
    published_seconds: float
    seconds: float | None  # None where it never gets there
    final: float

    @property
    def share(self) -> float | None:
        """Of the published time."""
        return None if self.seconds is None else self.seconds / self.published_seconds

    @property
    def verdict(self) -> Verdict:
        """Does it take at least half the published time?"""
        if self.share is None:
            return Verdict(VerdictKind.OPEN, "not reached")
        return Verdict(VerdictKind.HOLDS if self.share > REACHED else VerdictKind.FAILS, f"{self.share:.0%}")


def reached(courses: Mapping[str, Mapping[Contender, Sequence[Course]]], truths: Truths) -> Section:
    """After what cost does the mean over seeds reach the accuracy that the paper prints for the same strategy?

    `courses`: by data set and row, one for each seed.
    """
    paper = published("search")
    found: list[Reached] = []
    drawn = []
    for data, by_row in courses.items():
        series = {}
        for row, each in by_row.items():
            number, printed = paper.number(row.key, data), paper.number(row.key, f"{data}_seconds")
            if row.kind != "accuracy":
                continue
            points = mean_course(each, truths[data])
            series[row.label] = [(cost / 1000, Estimate(accuracy)) for cost, accuracy in _thinned(points)]
            if number is None or printed is None or not points:
                continue
            cost = next((cost for cost, accuracy in points if accuracy >= number.value), None)
            found.append(Reached(data, row.label, number.value, printed.value, cost, points[-1][1]))
        if series:
            title = figures.lines(
                series,
                title=data,
                x_label="cost, 1,000 s",
                y_label="test accuracy %",
                styles=dict.fromkeys(series, "steps"),
            )
            drawn.append(Figure(data, title, "Test accuracy of the best by validation so far, mean over seeds."))
    columns = (
        Column("data"),
        Column("strategy"),
        Column("published", "number", 2, "published %"),
        Column("published_seconds", "number", 0, "published s"),
        Column("seconds", "number", 0, "s to reach it", "first cost at which the mean over seeds is as high"),
        Column("final", "number", 2, "measured %", "at the end of the published time"),
        Column("verdict", "verdict", note="does it take at least half the published time to get there?"),
    )
    intro = (
        _reached_sentence(found),
        "The printed accuracy of a search by accuracy, and the cost after which the same strategy has it here. A small "
        "share of the published time means that the printed accuracy belongs to a much shorter search.",
    )
    rows = ((*astuple(each), each.verdict) for each in found)
    table = Table(columns, tuple(rows))
    return Section("reached", "When is the published accuracy reached?", intro, table, figures=tuple(drawn))


def _reached_sentence(found: Sequence[Reached]) -> str:
    shares = [each.share for each in found if each.share is not None]
    if not shares:
        return "No search by accuracy reached the accuracy printed for it."
    span = " to ".join(dict.fromkeys(f"{share:.0%}" for share in (min(shares), max(shares))))
    return (
        f"Searches by accuracy reach the accuracy printed for them after {span} of the time printed for them "
        f"({len(shares)} of {len(found)} reach it)."
    )


def mean_course(courses: Sequence[Course], truth: Mapping[str, float]) -> list[tuple[float, float]]:
    """(cost, mean accuracy of the best so far) at every cost where a search improved, once all have begun."""
    if not courses or not all(courses):
        return []
    start = max(course[0][0] for course in courses)
    costs = sorted({cost for course in courses for cost, _ in course if cost >= start})
    points = []
    for cost in costs:
        held = [next(arch for spent, arch in reversed(course) if spent <= cost) for course in courses]
        points.append((cost, fmean(truth[arch] for arch in held)))
    return points


def _thinned(points: Sequence[tuple[float, float]], most: int = 60) -> list[tuple[float, float]]:
    """At most about `most` of them, the last one among them."""
    step = max(1, math.ceil(len(points) / most))
    return [*points[: len(points) - 1 : step], *points[-1:]]
