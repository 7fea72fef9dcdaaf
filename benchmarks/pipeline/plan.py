"""What a pipeline does, every name resolved and checked before anything is computed."""

from __future__ import annotations

import argparse
import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.distill.options import resolved
from benchmarks.distill.protocols import Protocol
from benchmarks.distill.trainer import check_trainable
from benchmarks.engines.device import choose_device
from benchmarks.scoring.setting import file_hash
from benchmarks.search import all_strategies, get_strategy
from benchmarks.search.choices import check_score
from benchmarks.search.constraints import Constraint, feasible
from benchmarks.search.options import budget_of, constraints_of
from diswot_errors import DataError, UsageError
from nb201_data.datasets import unpooled
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from nb201_data.images import load_images
from nb201_data.networks import a_resnet
from nb201_data.spaces import SearchSpace, get_space
from nb201_data.teachers import teacher_file
from proxies.distillation import losses

BUDGET = 200  # evaluations of its search


@dataclass(frozen=True)
class PipelinePlan:
    """The resolved command."""

    space: SearchSpace  # in the skeleton that is trained: that is what is scored
    protocol: Protocol  # with the images and the teacher of this run
    teacher_file: Path | None  # None: the teacher is trained here
    scoring_teacher: str  # 'random' or 'trained'
    strategy: str
    score: str
    budget: int
    constraints: tuple[Constraint, ...]
    distiller: str
    alone: bool
    students: int
    seeds: int
    seed: int
    truth: GroundTruth | None
    device: str

    @property
    def whole_images(self) -> str:
        """The images before they are pooled for the student: what the teacher sees."""
        return unpooled(self.protocol.images)

    @property
    def truth_name(self) -> str:
        """Of the table that knows the best student, or none."""
        return self.truth.name if self.truth is not None else "none"

    def identity(self) -> dict[str, Any]:
        """Every setting that decides a number."""
        return {
            **{key: value for key, value in vars(self).items() if key != "device"},
            "space": self.space.name,
            "skeleton": str(self.space.skeleton),
            "protocol": asdict(self.protocol),
            "teacher_file": file_hash(str(self.teacher_file)) if self.teacher_file else "trained here",
            "constraints": [str(constraint) for constraint in self.constraints],
            "truth": self.truth_name,
        }


def resolve(options: argparse.Namespace) -> PipelinePlan:
    """The plan that the options stand for; what does not fit is refused here."""
    protocol = resolved(options)
    a_resnet(protocol.teacher, "teacher")
    loss = losses.get(options.distiller)
    if get_strategy(options.strategy).kind != "ask-tell":
        raise UsageError(
            f"--strategy {options.strategy} trains a shared network and asks for no score: expected one of "
            f"{', '.join(each.name for each in all_strategies() if each.kind == 'ask-tell')} (python -m "
            "benchmarks.search runs the others)"
        )
    images = load_images(protocol.images)
    space = get_space(options.space)
    around = protocol.skeleton(images.classes, images.resolution) if space.scalable else None
    space = space.with_skeleton(around) if around else space.fitted(images.classes, images.resolution)
    check_score(space, options.score, protocol.images)  # before a teacher is trained for it
    check_trainable(space.build(space.all()[0]), loss)
    constraints = constraints_of(space, options)
    allowed = feasible(space, constraints)
    return PipelinePlan(
        space=space,
        protocol=protocol,
        teacher_file=_teacher_file(protocol, options.teacher_weights),
        scoring_teacher=options.scoring_teacher,
        strategy=options.strategy,
        score=options.score,
        budget=budget_of(options, BUDGET, lambda: len(allowed)),
        constraints=constraints,
        distiller=loss.name,
        alone=options.alone and loss.teacher,
        students=options.students,
        seeds=options.seeds,
        seed=options.seed,
        truth=_truth(options.ground_truth, space, protocol.images),
        device=str(choose_device(options.device)),
    )


def _teacher_file(protocol: Protocol, given: Path | None) -> Path | None:
    """The user's file, else that of the data folder, else None."""
    usual = teacher_file(protocol.teacher, unpooled(protocol.images))
    if given is not None and not given.is_file():
        raise DataError(f"no weights at {given}: give a file of {protocol.teacher} written by torch.save")
    return given or (usual if usual.is_file() else None)


def _truth(name: str | None, space: SearchSpace, images: str) -> GroundTruth | None:
    """The table that says which student is truly best: the one named, or one of the same networks on the same images.

    Its accuracies are looked at after the search.
    """
    if name == "none":
        return None
    if name:
        truth = load_ground_truth(name)
        if truth.space != space.truths_of:
            raise UsageError(f"--ground-truth {truth.name} is about {truth.space}, the search is in {space.name}")
        return truth
    for each in (space.truth, f"nb201:{images}:test:200"):
        with contextlib.suppress(UsageError, DataError):
            truth = load_ground_truth(each)
            if (truth.space, truth.skeleton, truth.images) == (space.name, space.skeleton, images):
                return truth
    return None
