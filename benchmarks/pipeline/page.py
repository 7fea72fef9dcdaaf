"""The report of a pipeline: verdicts, students, teacher, search, costs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import provenance
from benchmarks.pipeline import noise as noises
from benchmarks.pipeline.outcome import Outcome
from benchmarks.pipeline.plan import ALONE
from benchmarks.pipeline.sections import costs_section, search_section, table_section, teacher_section
from benchmarks.pipeline.students import FOUND, RANDOM
from benchmarks.pipeline.words import claims, lead, noise_note, notes
from reports import figures, html
from reports.records import Page, Run, write_run
from reports.schema import Cell, Column, Estimate, Figure, Section, Table

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


def write_page(outcome: Outcome, command: Sequence[str]) -> Path:
    """Write records and page into the run folder; the page's path."""
    plan = outcome.plan
    sections = [
        Section("verdicts", "Verdicts", claims=tuple(claims(outcome)), note=noise_note(outcome)),
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
        notes=notes(plan),
    )
    title = f"Does {plan.score} find a good student?"
    write_run(plan.out, Run(manifest, page=Page(title, tuple(lead(outcome)), tuple(sections))))
    return html.render(plan.out)


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
    pairs = [(value, outcome.mean(arch)) for arch in choice.roles if (value := outcome.values[arch]) is not None]
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
