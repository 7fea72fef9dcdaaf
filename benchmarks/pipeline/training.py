"""The two stages that train: teacher and students. All that the pipeline asks of `benchmarks.distill` is asked here."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.distill import checkpointed, jobs
from benchmarks.distill.stream import Stream
from benchmarks.distill.teaching import School
from benchmarks.distill.trainer import EpochResult, accuracy
from benchmarks.engines.device import settle
from benchmarks.engines.registry import Engine
from benchmarks.pipeline.plan import PipelinePlan
from benchmarks.scoring.setting import file_hash
from nb201_data.images import load_images
from nb201_data.networks import build_resnet
from nb201_data.sealed import SealedError, read_sealed, write_sealed
from nb201_data.teachers import trained_teacher
from proxies.distillation import losses
from proxies.distillation.names import ALONE

Histories = list[list[EpochResult]]  # by seed
Trained = Mapping[Any, Mapping[str, Histories]]
"""Student -> distiller -> the epochs of each seed."""


@dataclass(frozen=True)
class Teacher:
    """A trained teacher: its weights, what it reaches on the test images, and how it came about."""

    file: Path
    top1: float
    params: int
    seconds: float  # of training, or of testing a file
    history: tuple[EpochResult, ...]  # empty where it was read from a file


def teach(plan: PipelinePlan, folder: Path) -> Teacher:
    """The teacher from its file, or trained in the folder by the protocol."""
    if torch.device(plan.device).type == "cpu":
        settle()
    name, classes = plan.protocol.teacher, load_images(plan.protocol.images).classes
    params = sum(p.numel() for p in build_resnet(name, classes).parameters())
    if plan.teacher_file:
        return _examine(plan, plan.teacher_file, classes, params, folder / "examined")
    School(None, classes, plan.protocol, folder, plan.device).teacher_for(losses.get("kd"), _say)
    folder /= f"teacher-{name}"
    done = checkpointed.latest(folder)
    assert done is not None
    history = done.history
    seconds = sum(result.seconds for result in history)
    return Teacher(folder / checkpointed.WEIGHTS, history[-1].top1, params, seconds, tuple(history))


def _examine(plan: PipelinePlan, weights: Path, classes: int, params: int, kept: Path) -> Teacher:
    """Test a teacher from a file, once."""
    key = file_hash(str(weights))
    try:
        found = json.loads(read_sealed(kept) or b"{}")
    except SealedError as error:
        print(f"warning: {error}; the teacher is tested again", file=sys.stderr, flush=True)
        found = {}
    if found.get("weights") != key:
        begin = time.perf_counter()
        device = torch.device(plan.device)
        network = trained_teacher(plan.protocol.teacher, plan.whole_images, classes, weights).to(device)
        top1, _, _ = accuracy(network, Stream(plan.whole_images, plan.protocol.padding, device))
        found = {"weights": key, "top1": top1, "seconds": time.perf_counter() - begin}
        write_sealed(kept, json.dumps(found).encode())
    return Teacher(weights, found["top1"], params, found["seconds"], ())


def distil(
    plan: PipelinePlan, teacher: Teacher, students: Mapping[Any, tuple[str, ...]], alone: Any, out: Path, engine: Engine
) -> Trained:
    """Train every student that is not on disk yet; `alone`: the student that is trained without a teacher too."""
    plans = distillations(plan, students, alone, teacher.file)
    plans = {key: replace(each, out=out / "students" / jobs.student_of(each).slug) for key, each in plans.items()}
    _share_teachers(plan, teacher, plans, out / "teacher")
    labels = {str(arch): ", ".join(roles) for arch, roles in students.items()}
    every = [
        (labels[key], key, jobs.Training(each, name, seed))
        for seed in range(plan.seeds)
        for key, each in plans.items()
        for name in each.distillers
    ]
    found = {}
    with engine.team(len(every), folder=out) as team:
        for key, name, seed, history in team.each(_train, every):
            found[key, name, seed] = history
    return {
        arch: {
            name: [found[str(arch), name, seed] for seed in range(plan.seeds)] for name in plans[str(arch)].distillers
        }
        for arch in students
    }


def _train(named: tuple[str, str, jobs.Training]) -> tuple[str, str, int, list[EpochResult]]:
    label, key, training = named
    return key, *jobs.train(training, f"{label}, {training.distiller} seed {training.seed}")


def _share_teachers(plan: PipelinePlan, teacher: Teacher, plans: Mapping[str, jobs.Distillation], source: Path) -> None:
    """Some distillers make a teacher of their own (an early one, an assistant): once, for all students."""
    teaching = losses.get(plan.distiller).teaching
    if teaching not in ("early", "assistant"):
        return
    classes = load_images(plan.protocol.images).classes
    School(teacher.file, classes, plan.protocol, source, plan.device).teacher_for(losses.get(plan.distiller), _say)
    for each in plans.values():
        jobs.share(source.glob(f"{teaching}-*"), each.out)


def distillations(
    plan: PipelinePlan, students: Mapping[Any, tuple[str, ...]], alone: Any, teacher: Path | None
) -> dict[str, jobs.Distillation]:
    """What every student is trained by; `alone`: the one that is trained without a teacher too."""
    return {
        str(arch): jobs.distillation(
            f"{plan.space.name}:{arch}",
            f"{plan.distiller},{ALONE}" if plan.alone and arch == alone else plan.distiller,
            plan.seeds,
            teacher,
            plan.protocol,
            plan.device,
        )
        for arch in students
    }


def _say(text: str) -> None:
    print(f"  {text}", flush=True)
