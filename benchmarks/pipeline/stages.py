"""The three stages that take time: teacher, search, distillation. Each keeps what it has done under the run folder."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import shell
from benchmarks.distill import checkpointed, jobs
from benchmarks.distill.stream import Stream
from benchmarks.distill.teaching import School
from benchmarks.distill.trainer import EpochResult, accuracy
from benchmarks.pipeline.plan import ALONE, Plan
from benchmarks.search import SearchResult, run_search
from benchmarks.search.choices import is_scored, objective_for, scorer_for
from benchmarks.search.protocol import Answer, Objective
from benchmarks.settings import file_hash
from benchmarks.workers import Workers
from nb201_data.images import load_images
from nb201_data.networks import build_resnet
from nb201_data.teachers import trained_teacher
from proxies.distillation import losses
from reports.csv_files import write_text

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


def teach(plan: Plan) -> Teacher:
    """The teacher from its file, or trained under the run folder by the protocol."""
    if torch.device(plan.device).type == "cpu":
        shell.one_thread()
    name, classes = plan.protocol.teacher, load_images(plan.protocol.images).classes
    params = sum(p.numel() for p in build_resnet(name, classes).parameters())
    if plan.teacher_file:
        return _examine(plan, plan.teacher_file, classes, params)
    folder = plan.out / "teacher"
    School(None, classes, plan.protocol, folder, plan.device).teacher_for(losses.get("kd"), _say)
    folder /= f"teacher-{name}"
    with (folder / checkpointed.CURVE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    history = [EpochResult(int(row.pop("epoch")), **{key: float(v or "nan") for key, v in row.items()}) for row in rows]
    seconds = sum(result.seconds for result in history)
    return Teacher(folder / checkpointed.WEIGHTS, history[-1].top1, params, seconds, tuple(history))


def _examine(plan: Plan, weights: Path, classes: int, params: int) -> Teacher:
    """Test a teacher from a file, once."""
    kept, key = plan.out / "teacher" / "examined.json", file_hash(str(weights))
    found = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    if found.get("weights") != key:
        begin = time.perf_counter()
        device = torch.device(plan.device)
        network = trained_teacher(plan.protocol.teacher, plan.whole_images, classes, weights).to(device)
        top1, _, _ = accuracy(network, Stream(plan.whole_images, plan.protocol.padding, device))
        found = {"weights": key, "top1": top1, "seconds": time.perf_counter() - begin}
        write_text(kept, json.dumps(found) + "\n")
    return Teacher(weights, found["top1"], params, found["seconds"], ())


def objective_of(plan: Plan, teacher: Path | None) -> Objective:
    """What the search maximises; `teacher`: trained weights for scores that compare with one."""
    scorer = None
    if is_scored(plan.score):
        scorer = scorer_for(
            plan.space,
            plan.protocol.images,
            teacher=plan.protocol.teacher,
            teacher_weights=teacher,
            seed=plan.seed,
            device=plan.device,
            store=plan.store,
        )
    return objective_for(plan.space, plan.score, scorer, plan.protocol.images, plan.seed, plan.device)


def search(plan: Plan, objective: Objective) -> SearchResult:
    """Search, or go on with the search that lies under the run folder."""
    shown = time.monotonic()

    def tell(_: Answer, count: int) -> None:
        nonlocal shown
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            print(f"  {count}/{plan.budget} evaluations", file=sys.stderr, flush=True)

    return run_search(
        plan.space,
        plan.strategy,
        objective,
        plan.budget,
        constraints=plan.constraints,
        seed=plan.seed,
        workers=plan.workers,
        folder=plan.out / "search",
        resume=True,
        progress=tell,
    )


def distil(plan: Plan, teacher: Teacher, students: Mapping[Any, tuple[str, ...]], alone: Any) -> Trained:
    """Train every student that is not on disk yet; `alone`: the student that is trained without a teacher too."""
    plans: dict[str, jobs.Plan] = {}
    for arch in students:
        names = f"{plan.distiller},{ALONE}" if plan.alone and arch == alone else plan.distiller
        made = jobs.plan(f"{plan.space.name}:{arch}", names, plan.seeds, teacher.file, plan.protocol, plan.device)
        plans[str(arch)] = replace(made, out=plan.out / "students" / jobs.student_of(made).slug)
    _share_teachers(plan, teacher, plans)
    labels = {str(arch): ", ".join(roles) for arch, roles in students.items()}
    every = [
        (labels[key], key, (each, name, seed))
        for seed in range(plan.seeds)
        for key, each in plans.items()
        for name in each.distillers
    ]
    found = {}
    with Workers(min(plan.workers, len(every))) as team:
        for key, name, seed, history in team.each(_train, every):
            found[key, name, seed] = history
    return {
        arch: {
            name: [found[str(arch), name, seed] for seed in range(plan.seeds)] for name in plans[str(arch)].distillers
        }
        for arch in students
    }


def _train(job: tuple[str, str, tuple[jobs.Plan, str, int]]) -> tuple[str, str, int, list[EpochResult]]:
    label, key, (plan, name, seed) = job
    return key, *jobs.train((plan, name, seed), f"{label}, {name} seed {seed}")


def _share_teachers(plan: Plan, teacher: Teacher, plans: Mapping[str, jobs.Plan]) -> None:
    """Some distillers make a teacher of their own (an early one, an assistant): once, for all students."""
    teaching = losses.get(plan.distiller).teaching
    if teaching not in ("early", "assistant"):
        return
    source = plan.out / "teacher"
    classes = load_images(plan.protocol.images).classes
    School(teacher.file, classes, plan.protocol, source, plan.device).teacher_for(losses.get(plan.distiller), _say)
    for folder in source.glob(f"{teaching}-*"):
        for each in plans.values():
            if not (each.out / folder.name).exists():
                shutil.copytree(folder, each.out / folder.name)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)
