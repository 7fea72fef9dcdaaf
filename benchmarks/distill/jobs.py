"""The runs of one distill command: a plan, and a job for each (distiller, seed)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.distill import checkpointed
from benchmarks.distill.protocols import Protocol
from benchmarks.distill.stream import Stream
from benchmarks.distill.students import Student, parse_student
from benchmarks.distill.teaching import School
from benchmarks.distill.trainer import EpochResult, Trainer, learns_from_logits
from benchmarks.workers import Workers
from diswot_errors import UsageError
from nb201_data.images import load_images
from nb201_data.networks import RESNETS
from proxies.distillation import losses
from proxies.inits import initialise

Histories = dict[str, list[list[EpochResult]]]
"""The epochs of each run, by distiller, in the order of seeds."""


@dataclass(frozen=True)
class Plan:
    """The resolved command: what all its runs share."""

    student: str
    distillers: tuple[str, ...]
    seeds: int
    teacher_weights: Path | None
    protocol: Protocol
    device: str
    out: Path = Path()


def plan(
    student: str, distillers: str, seeds: int, teacher_weights: Path | None, protocol: Protocol, device: str
) -> Plan:
    """Check every name before anything is computed."""
    names = tuple(dict.fromkeys(name.strip() for name in distillers.split(",") if name.strip()))
    if not names:
        raise UsageError("--distiller names nothing: expected a comma list, as in ce,kd,diswot+")
    for name in names:
        losses.get(name)
    if protocol.teacher not in RESNETS:
        raise UsageError(f"unknown teacher {protocol.teacher!r}: expected one of {', '.join(RESNETS)}")
    made = Plan(student, names, seeds, teacher_weights, protocol, device)
    student_of(made)
    return made


def student_of(plan: Plan) -> Student:
    """The student of a plan."""
    images = load_images(plan.protocol.images)
    return parse_student(plan.student, plan.protocol, images.classes, images.resolution)


def run(plan: Plan, workers: int) -> Histories:
    """Train everything that is not on disk yet. Teachers come first, so that no two runs make the same one."""
    found: dict[tuple[str, int], list[EpochResult]] = {}
    jobs = [(plan, name, seed) for seed in range(plan.seeds) for name in plan.distillers]
    by_teaching = {losses.get(name).teaching: (plan, name) for name in plan.distillers}
    with Workers(min(workers, len(jobs))) as team:
        for together in ({"trained", "early"}, {"assistant"}):  # the assistant learns from the trained teacher
            for _ in team.each(make_teacher, [job for kind, job in by_teaching.items() if kind in together]):
                pass
        for name, seed, history in team.each(train, jobs):
            found[name, seed] = history
    return {name: [found[name, seed] for seed in range(plan.seeds)] for name in plan.distillers}


def make_teacher(job: tuple[Plan, str]) -> None:
    """Train the teacher of a distiller where it is not on disk, and keep it there."""
    plan, name = job
    _school(plan).teacher_for(losses.get(name), _say)


def _school(plan: Plan) -> School:
    classes = load_images(plan.protocol.images).classes
    return School(plan.teacher_weights, classes, plan.protocol, plan.out, plan.device)


def trainer_of(job: tuple[Plan, str, int]) -> Trainer:
    """The trainer of a job, its teacher trained where it is not on disk."""
    plan, name, seed = job
    protocol, loss = plan.protocol, losses.get(name)
    teacher = _school(plan).teacher_for(loss, _say)
    answering = teacher if learns_from_logits(loss) else None
    stream = Stream(protocol.images, protocol.padding, torch.device(plan.device), answering, protocol.per_class)
    student = student_of(plan).build()
    initialise(student, "kaiming", seed)
    return Trainer(student, loss, protocol, stream, seed, teacher)


def train(job: tuple[Plan, str, int], label: str = "") -> tuple[str, int, list[EpochResult]]:
    """One run of a plan, or the rest of it: distiller, seed, all epochs. `label`: what its progress is called."""
    plan, name, seed = job

    def tell(result: EpochResult) -> None:
        tested = "" if result.top1 != result.top1 else f", top-1 {result.top1:.2f} %"
        progress = (
            f"epoch {result.epoch}/{plan.protocol.epochs}, loss {result.loss:.3f}{tested}, {result.seconds:.1f} s"
        )
        _say(f"{label or f'{name} seed {seed}'}: {progress}")

    settings = {**asdict(plan.protocol), "student": plan.student, "distiller": name, "seed": seed}
    folder = plan.out / f"{name.replace('+', '-plus')}-seed{seed}"
    return name, seed, checkpointed.train(trainer_of(job), folder, settings, report=tell)


def _say(text: str) -> None:
    print(text, flush=True)
