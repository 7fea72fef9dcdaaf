"""The report of a pipeline: verdicts, students, teacher, search, costs."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.command.publish import Content
from benchmarks.pipeline.result import PipelineResult
from benchmarks.pipeline.sections import costs_section, search_section, table_section, teacher_section
from benchmarks.pipeline.students import FOUND, RANDOM
from benchmarks.pipeline.words import claims, lead, noise_note, notes
from benchmarks.statistics import noise as noises
from proxies.distillation.names import ALONE
from reports import figures
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


def content(result: PipelineResult) -> Content:
    """The whole page."""
    plan = result.plan
    sections = [
        Section("verdicts", "Verdicts", claims=tuple(claims(result)), note=noise_note(result)),
        students_section(result),
        *([table_section(plan, result.choice)] if plan.truth is not None else []),
        teacher_section(plan, result.teacher),
        search_section(plan, result.search, result.choice),
        costs_section(result),
    ]
    return Content(
        title=f"Does {plan.score} find a good student?",
        lead=lead(result),
        sections=sections,
        notes=notes(plan),
        config={**plan.identity(), "device": plan.device, "workers": result.workers},
        device=plan.device,
        seeds=range(plan.seeds),
        ground_truth=plan.truth.name if plan.truth is not None else "",
        ground_truth_note=plan.truth.note if plan.truth is not None else "",
        images=plan.protocol.images,
        skeleton=str(plan.space.skeleton),
        space=plan.space.name,
    )


def students_section(result: PipelineResult) -> Section:
    """All students, what they cost and what they reach."""
    plan, choice, noise = result.plan, result.choice, result.noise
    own = result.runs(choice.found)
    rows: list[tuple[Cell, ...]] = []
    for arch, roles in choice.roles.items():
        runs = result.runs(arch)
        gap = None if arch == choice.found else noises.gap(own, runs, noise)
        rows.append(_row(result, arch, ", ".join(roles), result.values[arch], plan.distiller, gap))
    if plan.alone:
        gap = noises.gap(own, result.runs(choice.found, ALONE), noise)
        rows.append(_row(result, choice.found, f"{FOUND}, alone", None, ALONE, gap))
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
    pairs = [(value, result.mean(arch)) for arch in choice.roles if (value := result.values[arch]) is not None]
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
    result: PipelineResult, arch: Any, part: str, value: float | None, distiller: str, gap: Estimate | None
) -> tuple[Cell, ...]:
    space, histories = result.plan.space, result.trained[arch][distiller]
    top1 = noises.mean([run[-1].top1 for run in histories], result.noise)
    seconds = statistics.fmean(sum(result.seconds for result in run) for run in histories)
    return part, str(arch), space.params(arch), space.flops(arch), value, len(histories), top1, gap, seconds
