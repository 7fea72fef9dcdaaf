"""What a distill command leaves: a table, training curves, a page, a manifest."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.command.publish import Content
from benchmarks.distill.beside import Teachers, beside_published
from benchmarks.distill.jobs import Distillation, Histories, student_of
from benchmarks.distill.trainer import EpochResult
from proxies.distillation import losses
from reports import figures
from reports.schema import Column, Estimate, Figure, Note, Section, Table, Topic
from reports.tables import format_count

BEST = "of the tested epochs, chosen on the test images and so optimistic; nothing where the last alone is tested"
TEACHER = "of the teacher, on the same test images; nothing where there is none and for a peer"
COLUMNS = (
    Column("distiller"),
    Column("teaching", note="who teaches"),
    Column("seeds", "integer"),
    Column(
        "top1", "estimate", 2, "top-1 %", "test accuracy after the last epoch; mean and standard deviation over seeds"
    ),
    Column("top5", "estimate", 2, "top-5 %"),
    Column("best_top1", "estimate", 2, "best top-1 %", BEST),
    Column("teacher_top1", "number", 2, "teacher top-1 %", TEACHER),
    Column("gain", "estimate", 2, "gain", "top-1 minus that of the first distiller named, paired by seed"),
    Column("seconds", "number", 1, "s / run"),
)


def content(plan: Distillation, histories: Histories, teachers: Teachers) -> Content:
    """What the page says: the table, what is published where there is anything, and the training curves."""
    protocol = plan.protocol
    lead = (
        f"{student_of(plan).name} trained for {protocol.epochs} epochs on {protocol.images} by "
        f"{', '.join(plan.distillers)}; teacher {protocol.teacher}, {format_count(plan.seeds, 'seed')} each.",
    )
    curves = (
        _curve("loss", "training loss", histories, "The losses of different distillers are different sums."),
        _curve("top1", "test top-1 %", histories, "Mean over seeds."),
    )
    notes = [f"{name}: {losses.get(name).note}" for name in plan.distillers if losses.get(name).note]
    notes += [f"{name}: {said}" for name, runs in histories.items() if (said := starved(teachers.get(name), runs))]
    return Content(
        f"Distilling {student_of(plan).name}",
        lead,
        (
            Section("results", "Results", table=result_table(histories, teachers), note=". ".join(notes)),
            *beside_published(plan, histories, teachers),
            Section("curves", "Training curves", figures=curves),
        ),
        notes=[Note(Topic.PROTOCOL, f"Protocol: {protocol.note}.")],
        config=configuration(plan),
        device=plan.device,
        seeds=range(plan.seeds),
        images=protocol.images,
    )


def configuration(plan: Distillation) -> dict[str, Any]:
    """The resolved command, for the manifest."""
    weights = None if plan.teacher_weights is None else str(plan.teacher_weights)
    return {**asdict(plan), "protocol": asdict(plan.protocol), "out": str(plan.out), "teacher_weights": weights}


def result_table(histories: Histories, teachers: Teachers) -> Table:
    """One row a distiller."""
    rows = []
    first = [runs[-1].top1 for runs in next(iter(histories.values()))]
    for name, runs in histories.items():
        top1 = [run[-1].top1 for run in runs]
        gain = (
            Estimate()
            if name == next(iter(histories))
            else over_seeds([a - b for a, b in zip(top1, first, strict=True)])
        )
        seconds = statistics.fmean(sum(result.seconds for result in run) for run in runs)
        top5 = over_seeds([run[-1].top5 for run in runs])
        teaching = losses.get(name).teaching
        start = name, teaching, len(runs), over_seeds(top1), top5
        rows.append((*start, over_seeds(best_top1(runs)), teachers.get(name), gain, seconds))
    return Table(COLUMNS, tuple(rows))


def best_top1(runs: Sequence[Sequence[EpochResult]]) -> list[float]:
    """The best of the tested epochs of each run; nothing where only one was tested, for that is the last."""
    tested = [[result.top1 for result in run if result.tested] for run in runs]
    return [max(each) for each in tested] if all(len(each) > 1 for each in tested) else []


def starved(teacher: float | None, runs: Sequence[Sequence[EpochResult]]) -> str:
    """Where a teacher is worse than the student that it taught: that this says nothing about the method."""
    student = statistics.fmean(run[-1].top1 for run in runs)
    if teacher is None or teacher >= student:
        return ""
    return f"its teacher, {teacher:.2f} %, is worse than its student, {student:.2f} %: this says nothing of the method"


def over_seeds(values: Sequence[float]) -> Estimate:
    """Mean and, from two seeds on, standard deviation."""
    if not values:
        return Estimate()
    return Estimate(statistics.fmean(values), spread=statistics.stdev(values) if len(values) > 1 else None)


def _curve(field: str, label: str, histories: Histories, caption: str) -> Figure:
    def points(runs: list[list[EpochResult]]) -> list[tuple[float, Estimate]]:
        made = []
        for epoch in zip(*runs, strict=True):
            values = [float(getattr(result, field)) for result in epoch]
            if not any(map(math.isnan, values)):
                made.append((float(epoch[0].epoch), over_seeds(values)))
        return made

    series = {name: points(runs) for name, runs in histories.items()}
    return Figure(field, figures.lines(series, x_label="epoch", y_label=label), caption)
