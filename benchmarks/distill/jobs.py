"""The runs of one distillation: a student, some distillers, some seeds; a training for each (distiller, seed)."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_args

import torch

from benchmarks.distill import checkpointed
from benchmarks.distill.protocols import Protocol
from benchmarks.distill.stream import Stream
from benchmarks.distill.students import Student, parse_student
from benchmarks.distill.teaching import OF_THE_FILE, School
from benchmarks.distill.trainer import EpochResult, Trainer, check_trainable, learns_from_logits
from benchmarks.engines.progress import Progress
from benchmarks.engines.registry import Engine
from diswot_errors import DataError, UsageError
from diswot_registry import names_in
from nb201_data.images import load_images
from nb201_data.networks import a_resnet
from nb201_data.splits import SplitName
from proxies.distillation import losses
from proxies.distillation.names import slug
from proxies.inits import initialise

Histories = dict[str, list[list[EpochResult]]]
"""The epochs of each run, by distiller, in the order of seeds."""


@dataclass(frozen=True)
class Distillation:
    """What the runs of a student share, and which they are."""

    student: str
    distillers: tuple[str, ...]
    seeds: int
    teacher_weights: Path | None
    protocol: Protocol
    device: str
    out: Path = Path()

    @property
    def shared(self) -> dict[str, Any]:
        """What all its runs have in common, and so all that may lie in its folder."""
        weights = str(self.teacher_weights.absolute()) if self.teacher_weights else None
        return {"student": student_of(self).name, "protocol": asdict(self.protocol), "teacher_weights": weights}


class Training(NamedTuple):
    """One run."""

    distillation: Distillation
    distiller: str
    seed: int


def distillation(
    student: str, distillers: str, seeds: int, teacher_weights: Path | None, protocol: Protocol, device: str
) -> Distillation:
    """Check every name before anything is computed."""
    asked = names_in(distillers)
    if not asked:
        raise UsageError("--distiller names nothing: expected a comma list, as in ce,kd,diswot+,kd+crd")
    names = tuple(dict.fromkeys(losses.get(name).name for name in asked))
    a_resnet(protocol.teacher, "teacher")
    made = Distillation(student, names, seeds, teacher_weights, protocol, device)
    network = student_of(made).build()
    for name in names:
        check_trainable(network, losses.get(name))
    for split in get_args(SplitName):
        load_images(protocol.images, split)  # what is not on disk is known before anything is computed
    if teacher_weights is not None and not teacher_weights.is_file():
        raise DataError(f"no weights at {teacher_weights}: give a file of the weights of {protocol.teacher}")
    teachings = {losses.get(name).teaching for name in names}
    if teacher_weights is not None and not teachings & OF_THE_FILE:
        raise UsageError(
            f"--teacher-weights {teacher_weights} is for distillers that learn from a trained teacher, and "
            f"{', '.join(names)} does not: take one that does, or leave --teacher-weights out"
        )
    return made


def trains_teacher(distilled: Distillation) -> bool:
    """Whether a teacher has to be trained before its students."""
    teachings = {losses.get(name).teaching for name in distilled.distillers}
    return bool(teachings & {"early", "assistant"}) or ("trained" in teachings and school_of(distilled).file is None)


def student_of(distilled: Distillation) -> Student:
    """The student of a distillation."""
    images = load_images(distilled.protocol.images)
    return parse_student(distilled.student, distilled.protocol, images.classes, images.resolution)


def run(distilled: Distillation, engine: Engine) -> Histories:
    """Train everything that is not on disk yet. Teachers come first, so that no two runs make the same one."""
    found: dict[tuple[str, int], list[EpochResult]] = {}
    trainings = [Training(distilled, name, seed) for seed in range(distilled.seeds) for name in distilled.distillers]
    by_teaching = {losses.get(name).teaching: (distilled, name) for name in distilled.distillers}
    team = engine.team(len(trainings), folder=distilled.out)
    with team, Progress(len(trainings), "run") as progress:
        for together in ({"trained", "early"}, {"assistant"}):  # the assistant learns from the trained teacher
            for _ in team.each(make_teacher, [one for kind, one in by_teaching.items() if kind in together]):
                pass
        for name, seed, history in team.each(train, trainings):
            found[name, seed] = history
            progress.advance()
    return {name: [found[name, seed] for seed in range(distilled.seeds)] for name in distilled.distillers}


def teachers_top1(distilled: Distillation) -> dict[str, float | None]:
    """What the teacher of each distiller reaches on the test images, in percent; None where there is none."""
    school = school_of(distilled)
    by_teaching = {losses.get(name).teaching: losses.get(name) for name in distilled.distillers}
    found = {teaching: school.top1(loss, _say) for teaching, loss in by_teaching.items()}
    return {name: found[losses.get(name).teaching] for name in distilled.distillers}


def run_all(plans: Sequence[Distillation], engine: Engine) -> list[Histories]:
    """`run` of several students; teachers do not depend on them, and those of the first serve all."""
    found = []
    for plan in plans:
        for pattern in ("teacher-*", "early-*", "assistant-*"):
            share(plans[0].out.glob(pattern), plan.out)
        found.append(run(plan, engine))
    return found


def share(teachers: Iterable[Path], out: Path) -> None:
    """Copies of these folders in `out`, where it lacks them; each is there whole or not at all."""
    for folder in teachers:
        if not (out / folder.name).exists():
            partial = out / f".{folder.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(folder, partial)
            partial.replace(out / folder.name)


def make_teacher(asked: tuple[Distillation, str]) -> None:
    """Train the teacher of a distiller where it is not on disk, and keep it there."""
    distilled, name = asked
    school_of(distilled).teacher_for(losses.get(name), _say)


def school_of(distilled: Distillation) -> School:
    """Who teaches its students."""
    classes = load_images(distilled.protocol.images).classes
    return School(distilled.teacher_weights, classes, distilled.protocol, distilled.out, distilled.device)


def trainer_of(training: Training) -> Trainer:
    """The trainer of a run, its teacher trained where it is not on disk."""
    distilled, name, seed = training
    protocol, loss = distilled.protocol, losses.get(name)
    teacher = school_of(distilled).teacher_for(loss, _say)
    answering = teacher if learns_from_logits(loss) else None
    stream = Stream(protocol.images, protocol.padding, torch.device(distilled.device), answering, protocol.per_class)
    student = student_of(distilled).build()
    initialise(student, "kaiming", seed)
    return Trainer(student, loss, protocol, stream, seed, teacher)


def train(training: Training, label: str = "") -> tuple[str, int, list[EpochResult]]:
    """One run, or the rest of it: distiller, seed, all epochs. `label`: what its progress is called."""
    distilled, name, seed = training
    epochs = distilled.protocol.epochs

    def tell(result: EpochResult) -> None:
        _say(f"{label or f'{name} seed {seed}'}: {result.told(epochs)}, {result.seconds:.1f} s")

    source = school_of(distilled).source(losses.get(name))
    settings = {**asdict(distilled.protocol), "student": student_of(distilled).name, "distiller": name, "seed": seed}
    settings |= {"taught by": source} if source else {}
    folder = distilled.out / f"{slug(name)}-seed{seed}"
    done = checkpointed.finished(folder, settings, epochs)
    if done is not None:
        return name, seed, done.history
    return name, seed, checkpointed.train(trainer_of(training), folder, settings, report=tell)


def _say(text: str) -> None:
    print(text, flush=True)
