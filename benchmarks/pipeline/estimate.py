"""What a pipeline would do and about how long each stage would take: for `--dry-run`."""

from __future__ import annotations

import random
import time
from typing import Any

from benchmarks.distill import budget, jobs
from benchmarks.pipeline.plan import ALONE, Plan
from benchmarks.pipeline.stages import objective_of
from benchmarks.pipeline.students import FOUND, Choice, choose
from benchmarks.search.choices import is_scored
from nb201_data.images import load_images
from nb201_data.networks import build_resnet
from proxies.distillation import losses
from reports.schema import Cell, Column, Table

COLUMNS = (
    Column("stage"),
    Column("what"),
    Column("seconds", "number", 0, "about s", "of one worker, from a few steps measured now"),
    Column("minutes", "number", 1, "about min", "on the workers of this run"),
)
TRIED = 3  # networks scored, for the time of an evaluation


def estimate(plan: Plan) -> Table:
    """A row for each stage, and their sum."""
    choice = choose(plan, plan.space.distinct()[0])  # what will be found is not known yet
    stages = [(*_teacher(plan, choice), 1), (*_search(plan), 1), (*_distillation(plan, choice), plan.workers)]
    rows: list[tuple[Cell, ...]] = []
    total = minutes = 0.0
    for stage, what, seconds, workers in stages:
        rows.append((stage, what, seconds, None if seconds is None else seconds / workers / 60))
        total, minutes = total + (seconds or 0.0), minutes + (seconds or 0.0) / workers / 60
    rows.append(("all", f"protocol {plan.protocol.name} on {plan.protocol.images}", total, minutes))
    return Table(COLUMNS, tuple(rows))


def _teacher(plan: Plan, choice: Choice) -> tuple[str, str, float | None]:
    shown, tested = _images(plan)
    if plan.teacher_file:
        tests = len(load_images(plan.whole_images).test)
        return "teacher", f"test {plan.teacher_file}", _teacher_macs(plan) * tests / _speed(plan, choice)
    work = _teacher_macs(plan) * (budget.BACKWARD * shown + tested)
    return "teacher", f"train {plan.protocol.teacher}", work / _speed(plan, choice)


def _search(plan: Plan) -> tuple[str, str, float | None]:
    """All evaluations; a mean standing scores references first, and is not tried, nor are tables and trainings."""
    what = f"{plan.budget} evaluations by {plan.strategy} of {plan.score}"
    if not is_scored(plan.score) or "," in plan.score:
        return "search", what, None
    objective, rng = objective_of(plan, None), random.Random(plan.seed)
    archs = [plan.space.draw(rng) for _ in range(1 + TRIED)]
    objective(archs[0], objective.fidelities[-1])  # pays for the teacher and the images
    begin = time.perf_counter()
    for arch in archs[1:]:
        objective(arch, objective.fidelities[-1])
    return "search", what, plan.budget * (time.perf_counter() - begin) / TRIED


def _distillation(plan: Plan, choice: Choice) -> tuple[str, str, float | None]:
    """The found student counts as the largest one."""
    shown, tested = _images(plan)
    roles = [names for names in choice.roles.values() if names != (FOUND,)]
    archs = [arch for arch, names in choice.roles.items() if names != (FOUND,)]
    macs = [_macs(plan, choice.largest) * (2 if plan.alone else 1), *(_macs(plan, arch) for arch in archs)]
    runs = plan.seeds * sum(macs) * (budget.BACKWARD * shown + tested)
    beside = _teacher_macs(plan) * shown if losses.get(plan.distiller).teacher else 0.0
    listed = ", ".join(" = ".join(names) for names in [(FOUND,), *roles])
    alone = f", the found one also by {ALONE}" if plan.alone else ""
    what = f"{listed}: {plan.seeds} seeds each by {plan.distiller}{alone}"
    return "distillation", what, (runs + beside) / _speed(plan, choice)


def _images(plan: Plan) -> tuple[int, int]:
    """Images trained on in all epochs, and tested."""
    protocol, images = plan.protocol, load_images(plan.protocol.images)
    count = protocol.per_class * images.classes if protocol.per_class else len(images.train)
    return protocol.epochs * count, min(protocol.tested_epochs or protocol.epochs, protocol.epochs) * len(images.test)


def _macs(plan: Plan, arch: Any) -> float:
    return budget.macs(plan.space.build(arch), plan.space.skeleton.resolution)


def _teacher_macs(plan: Plan) -> float:
    whole = load_images(plan.whole_images)
    return budget.macs(build_resnet(plan.protocol.teacher, whole.classes), whole.resolution)


def _speed(plan: Plan, choice: Choice) -> float:
    """Multiply-adds a second, from a few training steps of the largest student."""
    student = f"{plan.space.name}:{choice.largest}"
    made = jobs.plan(student, plan.distiller, plan.seeds, plan.teacher_file, plan.protocol, plan.device)
    return budget.speed(made)
