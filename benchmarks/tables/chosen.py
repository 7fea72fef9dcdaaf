"""The student that each score chooses among all networks of a space, and what training makes of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.command.publish import Content
from benchmarks.scoring.order import LISTED, space_order
from benchmarks.scoring.population import ENOUGH, space_of
from benchmarks.scoring.ranked import Scores, released_scores
from benchmarks.scoring.release import Book
from benchmarks.scoring.released import forms_of
from benchmarks.statistics.formula import Formula
from benchmarks.statistics.noise import Noise, gap, mean, pooled, verdict
from diswot_errors import UsageError
from nb201_data.ground_truth import GroundTruth, load_chosen
from nb201_data.truth.records import Record
from reports import figures
from reports.schema import Cell, Column, Estimate, Figure, Section, Table, Verdict, VerdictKind
from reports.tables import format_count

TITLE = "The student that each score chooses"
COUNT = "params"
NAMED = ("spread_size", "az_nas", "diswot")
"""Of whose choices the first lines tell, where they are there."""
SAME = Verdict(VerdictKind.NOT_TOLD_APART, "the same network")


@dataclass(frozen=True)
class Choice:
    """The network that a score finds the best of all, without dead branches. Of several the first of the fixed random
    order; `alike` counts those that differ in what they compute."""

    score: str
    setting: str
    arch: str
    alike: int
    networks: int


@dataclass(frozen=True)
class Trained:
    """Accuracies of the runs of networks, in percent: those of a fair sample, and those that somebody chose as well."""

    sample: Mapping[str, Sequence[float]]
    runs: Mapping[str, Sequence[float]]

    @property
    def noise(self) -> Noise | None:
        """Of one run, from all networks that were trained more than once."""
        return pooled(self.runs.values())

    def below(self, arch: str) -> float:
        """The share of the sample that has less than a network."""
        own = statistics.fmean(self.runs[arch])
        return statistics.fmean(statistics.fmean(runs) < own for other, runs in self.sample.items() if other != arch)


@dataclass(frozen=True)
class Students:
    """What scores choose among all networks of a truth's space, and what is known of those."""

    truth: GroundTruth
    choices: Sequence[Choice]
    trained: Trained

    @property
    def measured(self) -> list[Choice]:
        """The choices of those that are trained."""
        return [one for one in self.choices if one.arch in self.trained.runs]

    @property
    def lacking(self) -> list[str]:
        """Those that nobody has trained."""
        return list(dict.fromkeys(one.arch for one in self.choices if one.arch not in self.trained.runs))


def students(truth: GroundTruth, books: Iterable[Book], formulas: Sequence[Formula] = ()) -> Students:
    """Those of every score, aggregate and formula that is there."""
    found = choices(truth, released_scores(books, truth, formulas))
    return Students(truth, found, trained(truth, load_chosen(truth.name)))


def beside(truths: Iterable[GroundTruth], book: Book) -> Iterator[Students]:
    """Of each truth beside which chosen ones were trained, where the book has scores of the whole space."""
    for truth in truths:
        if load_chosen(truth.name) and (found := students(truth, [book])).choices:
            yield found


def content(found: Students, config: Mapping[str, Any] | None = None) -> Content:
    """The page."""
    return Content(TITLE, lead(found), sections(found), config=config or {}, ground_truth=found.truth.name)


def trained(truth: GroundTruth, further: Iterable[Record]) -> Trained:
    """The runs of a truth's networks and of further ones under its conditions; a run that is in both counts once."""
    sample = {arch: {record.seed: record.accuracy for record in runs} for arch, runs in truth.runs.items()}
    every = {arch: dict(runs) for arch, runs in sample.items()}
    for record in further:
        every.setdefault(record.arch, {}).setdefault(record.seed, record.accuracy)
    return Trained(*({arch: [*runs.values()] for arch, runs in each.items()} for each in (sample, every)))


def choices(truth: GroundTruth, scores: Iterable[Scores]) -> list[Choice]:
    """Of every score that has values for nine tenths of the whole space; of several seeds the first."""
    if (size := len(space_of(truth))) > LISTED:
        raise UsageError(f"{truth.space} has {size:,} networks: too many to look for the best of all")
    archs = list(space_order(truth.space))
    found = []
    for one in scores:
        values = one.values(archs)
        if len(values) and np.isfinite(values[0]).mean() >= ENOUGH:
            known = np.where(np.isfinite(values[0]), values[0], -np.inf)
            best = [archs[place] for place in np.flatnonzero(known == known.max()).tolist()]
            alike = list(dict.fromkeys(forms_of(truth.space, best).values()))
            found.append(Choice(one.score, one.setting, alike[0], len(alike), len(archs)))
    return found


COLUMNS = (
    Column("proxy"),
    Column("conditions"),
    Column("student", note="the network that it chooses, its branches that reach nothing left out"),
    Column(
        "alike", "integer", note="networks that it finds the best alike; the first of a fixed random order is taken"
    ),
    Column("params", "integer", label="parameters"),
    Column("accuracy", "estimate", 2, "accuracy %", "mean over runs, with the noise of a run"),
    Column("runs", "integer", note="trainings of the student"),
    Column("below", "number", 3, "better than", "share of the networks of the ground truth that have less"),
    Column("minus_count", "estimate", 2, f"− {COUNT}", f"points more than the student that {COUNT} chooses"),
    Column("verdict", "verdict", label=f"than {COUNT}' choice"),
)


def sections(students: Students) -> list[Section]:
    """The table, best student first; and the students that nobody has trained."""
    truth, found, known = students.truth, students.choices, students.trained
    space, noise, base = space_of(truth), known.noise, _counted(found)
    measured = sorted(students.measured, key=lambda one: -statistics.fmean(known.runs[one.arch]))
    rows: list[tuple[Cell, ...]] = []
    for one in (*measured, *(one for one in found if one.arch not in known.runs)):
        cells: tuple[Cell, ...] = (None, None, None, None, Verdict(VerdictKind.NOT_MEASURED))
        if runs := known.runs.get(one.arch):
            other = known.runs.get(base, ())
            difference = gap(runs, other, noise) if other and base != one.arch else None
            told = SAME if base == one.arch else verdict(difference) if difference else None
            cells = mean(runs, noise), len(runs), known.below(one.arch), difference, told
        size = space.params(space.parse(one.arch))
        rows.append((one.score, one.setting, one.arch, one.alike, size, *cells))
    made = [
        Section(
            "chosen",
            TITLE,
            (),
            Table(COLUMNS, tuple(rows)),
            figures=(Figure("students", _figure(measured, known), width="wide"),) if measured else (),
            note=f"{truth.note}. A choice is one network, by one draw of weights and images: what is compared are "
            "students, not how well scores order. The intervals are about the noise of training, 95 % each, and no "
            "account is taken of their number.",
        )
    ]
    if lacking := students.lacking:
        column = Column("arch")
        words = (f"{format_count(len(lacking), 'student')} that a score chooses and that nobody has trained.",)
        made.append(Section("lacking", "Not trained yet", words, Table((column,), tuple((arch,) for arch in lacking))))
    return made


def lead(students: Students) -> list[str]:
    """How the choices fare, beside those of counting and of chance."""
    truth, found, known, measured = students.truth, students.choices, students.trained, students.measured
    sample = [statistics.fmean(runs) for runs in known.sample.values()]
    n = found[0].networks
    said = [
        f"{format_count(len(found), 'choice')}, of a score under a setting each, of the best of {n:,} networks of "
        f"{space_of(truth).name} name {format_count(len({one.arch for one in found}), 'student')}; "
        f"{len({one.arch for one in measured})} of them are trained as those of {truth.name} are.",
        f"Of {len(sample)} networks of {truth.name} one has {statistics.fmean(sample):.2f} % on the mean, "
        f"{statistics.median(sample):.2f} % in the middle, the best {max(sample):.2f} %.",
    ]
    return said + _named(measured, known) + _standing(measured, known)


def _named(measured: Sequence[Choice], known: Trained) -> list[str]:
    """The best student that is chosen, and those of the scores that this bench is about."""
    if not measured:
        return []
    told = {
        one.arch: f"{statistics.fmean(known.runs[one.arch]):.2f} %, better than {100 * known.below(one.arch):.1f} %"
        for one in measured
    }
    best = max(told, key=lambda arch: statistics.fmean(known.runs[arch]))
    by = _label(list(dict.fromkeys(one.score for one in measured if one.arch == best)))
    seen: dict[tuple[str, str], str] = {}
    for name in NAMED:
        for one in measured:
            if one.score == name:
                seen.setdefault((name, one.arch), f"{name} ({one.setting.partition(', teacher')[0]}) {told[one.arch]}")
    said = [f"The best student that is chosen, by {by}, has {told[best]} of those."]
    return said + ([f"Others: {'; '.join(seen.values())}."] if seen else [])


def _standing(measured: Sequence[Choice], known: Trained) -> list[str]:
    base = _counted(measured)
    if not base:
        return []
    rest = [one.arch for one in measured if one.score != COUNT]
    gaps = [gap(known.runs[arch], known.runs[base], known.noise) for arch in rest if arch != base]
    kinds = [verdict(each).kind for each in gaps]
    by_network = dict(zip([arch for arch in rest if arch != base], kinds, strict=True))
    said = ", ".join(f"{kinds.count(kind)} {kind.label}" for kind in (VerdictKind.BETTER, VerdictKind.WORSE))
    if known.noise is None:
        said = f"{sum((each.value or 0) > 0 for each in gaps)} have more, the noise of a run not being known"
    return [
        f"Beside the student that counting parameters chooses: {said}, of {len(gaps)} choices, which name "
        f"{format_count(len(by_network), 'network')} ({list(by_network.values()).count(VerdictKind.WORSE)} of them "
        f"worse); {len(rest) - len(gaps)} choose that very network."
    ]


def _counted(found: Sequence[Choice]) -> str:
    """The network that counting parameters chooses."""
    return next((one.arch for one in found if one.score == COUNT), "")


def _figure(measured: Sequence[Choice], known: Trained) -> str:
    """A row a student, named by the scores that choose it; the line is the mean of the truth's networks."""
    by_arch: dict[str, list[str]] = {}
    for one in measured:
        by_arch.setdefault(one.arch, []).append(one.score)
    names = {arch: list(dict.fromkeys(scores)) for arch, scores in by_arch.items()}
    labels = [_label(scores) for scores in names.values()]
    estimates: list[Estimate] = [mean(known.runs[arch], known.noise) for arch in names]
    base = [_label(scores) for scores in names.values() if COUNT in scores]
    middle = statistics.fmean(statistics.fmean(runs) for runs in known.sample.values())
    return figures.intervals(
        labels, estimates, x_label="accuracy %", highlight=base, reference=middle, width=360.0, written=True
    )


def _label(scores: Sequence[str]) -> str:
    first = COUNT if COUNT in scores else scores[0]
    more = len(scores) - 1
    return f"{first} and {more} more" if more else first
