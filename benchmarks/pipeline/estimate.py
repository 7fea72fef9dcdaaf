"""What a pipeline would do and about how long each stage would take: for `--dry-run`."""

from __future__ import annotations

from random import Random
from typing import Any

from benchmarks.command.publish import in_terminal
from benchmarks.distill.budget import BACKWARD, macs
from benchmarks.pipeline.plan import ALONE, PipelinePlan
from benchmarks.pipeline.run import objective_of
from benchmarks.pipeline.students import FOUND, Choice, choose
from benchmarks.pipeline.training import speed
from benchmarks.scoring.runner import Runner
from benchmarks.search.courses import PROBED
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


def estimate(plan: PipelinePlan, runner: Runner) -> str:
    """A table with a row for each stage, and their sum."""
    choice = choose(plan, plan.space.distinct()[0])  # what will be found is not known yet
    pace = speed(plan, choice.largest)
    stages = [
        (*_teacher(plan, pace), 1),
        (*_search(plan, runner), 1),
        (*_distillation(plan, choice, pace), runner.workers),
    ]
    rows: list[tuple[Cell, ...]] = [
        (stage, what, seconds, seconds / workers / 60) for stage, what, seconds, workers in stages
    ]
    total, minutes = sum(seconds for *_, seconds, _ in stages), sum(s / w / 60 for *_, s, w in stages)
    rows.append(("all", f"protocol {plan.protocol.name} on {plan.protocol.images}", total, minutes))
    return f"{in_terminal(Table(COLUMNS, tuple(rows)))}\n\nwith {runner.workers} workers"


def _teacher(plan: PipelinePlan, pace: float) -> tuple[str, str, float]:
    shown, tested = _images(plan)
    if plan.teacher_file:
        tests = len(load_images(plan.whole_images).test)
        return "teacher", f"test {plan.teacher_file}", _teacher_macs(plan) * tests / pace
    work = _teacher_macs(plan) * (BACKWARD * shown + tested)
    return "teacher", f"train {plan.protocol.teacher}", work / pace


def _search(plan: PipelinePlan, runner: Runner) -> tuple[str, str, float]:
    """All evaluations, one after the other; the references of a mean standing are not counted."""
    rng = Random(plan.seed)
    one = objective_of(plan, runner).probe([plan.space.draw(rng) for _ in range(PROBED)])
    return "search", f"{plan.budget} evaluations by {plan.strategy} of {plan.score}", plan.budget * one


def _distillation(plan: PipelinePlan, choice: Choice, pace: float) -> tuple[str, str, float]:
    """The found student counts as the largest one."""
    shown, tested = _images(plan)
    roles = [names for names in choice.roles.values() if names != (FOUND,)]
    archs = [arch for arch, names in choice.roles.items() if names != (FOUND,)]
    each = [_macs(plan, choice.largest) * (2 if plan.alone else 1), *(_macs(plan, arch) for arch in archs)]
    runs = plan.seeds * sum(each) * (BACKWARD * shown + tested)
    beside = _teacher_macs(plan) * shown if losses.get(plan.distiller).teacher else 0.0
    listed = ", ".join(" = ".join(names) for names in [(FOUND,), *roles])
    alone = f", the found one also by {ALONE}" if plan.alone else ""
    what = f"{listed}: {plan.seeds} seeds each by {plan.distiller}{alone}"
    return "distillation", what, (runs + beside) / pace


def _images(plan: PipelinePlan) -> tuple[int, int]:
    """Images trained on in all epochs, and tested."""
    protocol, images = plan.protocol, load_images(plan.protocol.images)
    count = protocol.per_class * images.classes if protocol.per_class else len(images.train)
    return protocol.epochs * count, min(protocol.tested_epochs or protocol.epochs, protocol.epochs) * len(images.test)


def _macs(plan: PipelinePlan, arch: Any) -> float:
    return macs(plan.space.build(arch), plan.space.skeleton.resolution)


def _teacher_macs(plan: PipelinePlan) -> float:
    whole = load_images(plan.whole_images)
    return macs(build_resnet(plan.protocol.teacher, whole.classes), whole.resolution)
