"""The report of a pipeline: verdicts, students, teacher, search, costs; every sentence is made from the numbers."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import provenance
from benchmarks.pipeline import noise as noises
from benchmarks.pipeline.plan import ALONE, Plan
from benchmarks.pipeline.sections import costs_section, search_section, table_section, teacher_section
from benchmarks.pipeline.stages import Teacher, Trained
from benchmarks.pipeline.students import BEST, FOUND, LARGEST, RANDOM, Choice
from benchmarks.search import SearchResult
from reports import figures, html
from reports.records import Page, Run, write_run
from reports.schema import Cell, Column, Estimate, Figure, Section, Table, Verdict
from reports.tables import format_estimate, format_number

COLUMNS = (
    Column("part", note="in the comparison"),
    Column("network"),
    Column("params", "integer"),
    Column("flops", "integer", label="FLOPs"),
    Column("score", "number", 4, note="what the search maximised"),
    Column("runs", "integer", note="one a seed"),
    Column(
        "top1", "estimate", 2, "top-1 %", "after the last epoch; mean, sd over seeds, 95 % interval of pooled noise"
    ),
    Column("gap", "estimate", 2, "found minus this", "in points, 95 % t interval of pooled noise"),
    Column("seconds", "number", 1, "s / run"),
)


@dataclass(frozen=True)
class Outcome:
    """Everything that a pipeline has found out."""

    plan: Plan
    teacher: Teacher
    result: SearchResult
    choice: Choice
    values: Mapping[Any, float | None]  # what the search would have said of each student
    trained: Trained
    elapsed: float

    def runs(self, arch: Any, distiller: str | None = None) -> list[float]:
        """Top-1 after the last epoch, by seed."""
        return [run[-1].top1 for run in self.trained[arch][distiller or self.plan.distiller]]

    @property
    def noise(self) -> noises.Noise | None:
        """Between seeds, pooled over all that was trained."""
        return noises.pooled([run[-1].top1 for run in runs] for each in self.trained.values() for runs in each.values())

    @property
    def gaps(self) -> dict[str, Estimate | None]:
        """The found student minus its rivals; None where it is the rival itself."""
        choice, own = self.choice, self.runs(self.choice.found)
        drawn = [statistics.fmean(self.runs(arch)) for arch in choice.others]
        found: dict[str, Estimate | None] = {RANDOM: noises.gap_to_draw(own, drawn, self.noise) if drawn else None}
        for name, arch in ((LARGEST, choice.largest), (BEST, choice.best)):
            if arch is not None:
                found[name] = None if arch == choice.found else noises.gap(own, self.runs(arch), self.noise)
        if self.plan.alone:
            found[ALONE] = noises.gap(own, self.runs(choice.found, ALONE), self.noise)
        return found


def write_page(outcome: Outcome, command: Sequence[str]) -> Path:
    """Write records and page into the run folder; the page's path."""
    plan = outcome.plan
    sections = [
        Section("verdicts", "Verdicts", verdicts=tuple(verdicts(outcome)), note=_noise_note(outcome)),
        students_section(outcome),
        *([table_section(plan, outcome.choice)] if plan.truth else []),
        teacher_section(plan, outcome.teacher),
        search_section(plan, outcome.result, outcome.choice),
        costs_section(plan, outcome.teacher, outcome.result, outcome.choice, outcome.trained, outcome.elapsed),
    ]
    manifest = provenance.manifest(
        command,
        {**plan.identity(), "device": plan.device, "workers": plan.workers, "out": str(plan.out)},
        plan.device,
        range(plan.seeds),
        ground_truth=plan.truth.name if plan.truth else "",
        ground_truth_note=plan.truth.note if plan.truth else "",
        images=plan.protocol.images,
        skeleton=str(plan.space.skeleton),
        space=plan.space.name,
        notes=_notes(plan),
    )
    title = f"Does {plan.score} find a good student?"
    write_run(plan.out, Run(manifest, page=Page(title, tuple(lead(outcome)), tuple(sections))))
    return html.render(plan.out)


def lead(outcome: Outcome) -> list[str]:
    """The answer in a few sentences."""
    plan, choice, gaps = outcome.plan, outcome.choice, outcome.gaps
    own = noises.mean(outcome.runs(choice.found), outcome.noise)
    within = f" among students with {' and '.join(map(str, plan.constraints))}" if plan.constraints else ""
    first = (
        f"{plan.strategy} with {outcome.result.evaluations} evaluations of {plan.score}{within} found {choice.found}. "
        f"Distilled by {plan.distiller} from {plan.protocol.teacher} ({outcome.teacher.top1:.2f} %) it reaches "
        f"{_points(own)} %, mean and standard deviation of {_count(plan.seeds, 'seed')}."
    )
    drawn = f"the mean of {_count(len(choice.others), 'random student')}"
    parts = [
        _against(gaps[RANDOM], drawn) if choice.others else "there is no random student to compare with",
        _against(gaps[LARGEST], "the student with most parameters"),
    ]
    if BEST in gaps:
        parts.append(_against(gaps[BEST], "the best student of the table"))
    second = f"By these runs it is {'; '.join(parts)}."
    return [first, second]


def verdicts(outcome: Outcome) -> list[Verdict]:
    """One claim a rival."""
    plan, choice, gaps = outcome.plan, outcome.choice, outcome.gaps
    claims = {
        RANDOM: f"{plan.score} finds a better student than a random draw",
        LARGEST: f"{plan.score} finds a better student than counting parameters",
        BEST: f"{plan.score} finds a better student than the best of {plan.truth.name if plan.truth else ''}",
        ALONE: f"the found student is better with {plan.distiller} than trained alone",
    }
    below = sum(_mean(outcome, arch) < _mean(outcome, choice.found) for arch in choice.others)
    made = []
    for name, claim in claims.items():
        if name not in gaps:
            continue
        difference = gaps[name]
        if difference is None:
            why = "it is the only random student" if name == RANDOM else "the found student is that very network"
            made.append(Verdict(claim, "open: one and the same network", why))
            continue
        detail = f"{format_estimate(difference, 2)} points"
        if name == RANDOM:
            detail += f"; better than {below} of {len(choice.others)}"
        made.append(Verdict(claim, noises.outcome(difference), detail))
    return made


def students_section(outcome: Outcome) -> Section:
    """All students, what they cost and what they reach."""
    plan, choice, noise = outcome.plan, outcome.choice, outcome.noise
    own = outcome.runs(choice.found)
    rows: list[tuple[Cell, ...]] = []
    for arch, roles in choice.roles.items():
        runs = outcome.runs(arch)
        gap = None if arch == choice.found else noises.gap(own, runs, noise)
        rows.append(_row(outcome, arch, ", ".join(roles), outcome.values[arch], plan.distiller, gap))
    if plan.alone:
        gap = noises.gap(own, outcome.runs(choice.found, ALONE), noise)
        rows.append(_row(outcome, choice.found, f"{FOUND}, alone", None, ALONE, gap))
    estimates = [row[6] for row in rows]
    labels = [str(row[0]) for row in rows]
    drawing = figures.intervals(
        labels,
        [each if isinstance(each, Estimate) else Estimate() for each in estimates],
        x_label="top-1 % after distillation",
        highlight=[label for label in labels if label.startswith(RANDOM)],
        reference=statistics.fmean(own),
    )
    shown = [Figure("top1", drawing, "Dots: means over seeds. Line: the found student. Orange: random students.")]
    pairs = [(value, _mean(outcome, arch)) for arch in choice.roles if (value := outcome.values[arch]) is not None]
    if len(pairs) > 2:
        x, y = zip(*pairs, strict=True)
        dots = figures.scatter(
            x, y, title=plan.score, note=f"{len(pairs)} students", x_label="score", y_label="top-1 %"
        )
        shown.append(Figure("order", dots, "Does the score order these students?", "small"))
    equals = f" {choice.equals} students have most parameters; this one was drawn." if choice.equals > 1 else ""
    again = f" {'; '.join(choice.repeated)}, trained once." if choice.repeated else ""
    note = f"Random students and ties are drawn by --seed from {choice.pool:,} different students.{equals}{again}"
    return Section("students", "Students", table=Table(COLUMNS, tuple(rows)), figures=tuple(shown), note=note)


def _row(
    outcome: Outcome, arch: Any, part: str, value: float | None, distiller: str, gap: Estimate | None
) -> tuple[Cell, ...]:
    space, histories = outcome.plan.space, outcome.trained[arch][distiller]
    top1 = noises.mean([run[-1].top1 for run in histories], outcome.noise)
    seconds = statistics.fmean(sum(result.seconds for result in run) for run in histories)
    return part, str(arch), space.params(arch), space.flops(arch), value, len(histories), top1, gap, seconds


def _mean(outcome: Outcome, arch: Any) -> float:
    return statistics.fmean(outcome.runs(arch))


def _against(difference: Estimate | None, rival: str) -> str:
    """'better than RIVAL beyond noise (+1.20 [0.30, 2.10])'."""
    if difference is None:
        return f"itself {rival}"
    how = {
        "better": f"better than {rival}, beyond noise",
        "worse": f"worse than {rival}, beyond noise",
        "open: within noise": f"not told apart from {rival}",
    }.get(noises.outcome(difference), f"set against {rival} with unknown noise")
    return f"{how} (difference {format_estimate(difference, 2)} points)"


def _noise_note(outcome: Outcome) -> str:
    noise = outcome.noise
    size = (
        f"One run varies by {format_number(noise.deviation, 2)} points (standard deviation between seeds, pooled, "
        f"{noise.freedom} degrees of freedom). "
        if noise
        else "With one seed the noise of a run is unknown: raise --seeds and run again. "
    )
    return size + (
        "Intervals are 95 % and hold the noise of training; against random students also that of drawing them. They do "
        "not hold the luck of the one search nor of the test images, which all students share."
    )


def _notes(plan: Plan) -> list[str]:
    notes = [f"Protocol {plan.protocol.name}: {plan.protocol.note}."]
    if plan.protocol.images.startswith("embedded"):
        notes.append(
            f"Images: {plan.protocol.images}, painted by this program, not photographs, so that nothing needs to be "
            "downloaded. What they show need not hold on real images: `python -m nb201_data fetch cifar100`, then "
            "--images cifar100."
        )
    if plan.truth is None:
        notes.append(
            "No table on disk holds accuracies of these networks on these images: the best there is is unknown."
        )
    return notes


def _points(estimate: Estimate) -> str:
    spread = "" if estimate.spread is None else f" ± {format_number(estimate.spread, 2)}"
    return f"{format_number(estimate.value or 0.0, 2)}{spread}"


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"
