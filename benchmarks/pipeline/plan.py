"""What a pipeline does, every name resolved and checked before anything is computed; a run folder belongs to one."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import shell
from benchmarks.distill.protocols import Protocol, get_protocol
from benchmarks.search import get_strategy, max_flops, max_params
from benchmarks.search.constraints import Constraint, feasible
from benchmarks.settings import file_hash
from benchmarks.store import default_store
from diswot_errors import DataError, UsageError
from nb201_data.files import data_dir
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import SearchSpace, get_space

if TYPE_CHECKING:
    from nb201_data.ground_truth import GroundTruth

ALONE = "ce"  # the loss of a student without a teacher
GROWING = ("students", "seeds")  # settings that a folder may continue with when they are larger
FILE = "pipeline.json"


@dataclass(frozen=True)
class Plan:
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
    workers: int
    store: Path
    out: Path

    @property
    def whole_images(self) -> str:
        """The images before they are pooled for the student: what the teacher sees."""
        return self.protocol.images.partition("@")[0]

    def identity(self) -> dict[str, Any]:
        """Every setting that decides a number."""
        return {
            "space": self.space.name,
            "skeleton": str(self.space.skeleton),
            "protocol": asdict(self.protocol),
            "teacher weights": file_hash(str(self.teacher_file)) if self.teacher_file else "trained here",
            "scoring teacher": self.scoring_teacher,
            "strategy": self.strategy,
            "score": self.score,
            "budget": self.budget,
            "constraints": [str(constraint) for constraint in self.constraints],
            "distiller": self.distiller,
            "alone": self.alone,
            "students": self.students,
            "seeds": self.seeds,
            "seed": self.seed,
            "ground truth": self.truth.name if self.truth else "none",
        }


def resolve(options: argparse.Namespace) -> Plan:
    """The plan that the options stand for; what does not fit is refused here."""
    from benchmarks.distill.budget import on_images
    from nb201_data.images import load_images
    from nb201_data.networks import RESNETS
    from proxies.distillation import losses

    protocol = on_images(get_protocol(options.protocol), options.images)
    protocol = replace(protocol, teacher=options.teacher or protocol.teacher)
    if protocol.teacher not in RESNETS:
        raise UsageError(f"unknown teacher {protocol.teacher!r}: expected one of {', '.join(RESNETS)}")
    loss = losses.get(options.distiller)
    if get_strategy(options.strategy).kind != "ask-tell":
        raise UsageError(
            f"--strategy {options.strategy} trains a shared network and asks for no score: expected evolution, "
            "evolution-aging, random, reinforce, bohb or exhaustive (python -m benchmarks.search runs the others)"
        )
    _check_score(options.score)
    images = load_images(protocol.images)
    own = Skeleton(16, 0, images.classes, images.resolution)  # S0 brings its widths and depths
    skeleton = protocol.skeleton(images.classes, images.resolution) if options.space == "nb201" else own
    space = get_space(options.space).with_skeleton(skeleton)
    limits = ((max_params, options.max_params), (max_flops, options.max_flops))
    constraints = tuple(make(space, limit) for make, limit in limits if limit is not None)
    feasible(space, constraints)
    device = str(shell.choose_device(options.device))
    score = re.sub(r"[^A-Za-z0-9_.+-]+", "-", options.score)
    name = f"pipeline-{space.name}-{score}-{protocol.name}-{images.name.replace(':', '-')}-seed{options.seed}"
    return Plan(
        space=space,
        protocol=protocol,
        teacher_file=_teacher_file(protocol, options.teacher_weights),
        scoring_teacher=options.scoring_teacher,
        strategy=options.strategy,
        score=options.score,
        budget=options.budget,
        constraints=constraints,
        distiller=loss.name,
        alone=options.alone and loss.teacher,
        students=options.students,
        seeds=options.seeds,
        seed=options.seed,
        truth=_truth(options.ground_truth, space, protocol.images),
        device=device,
        workers=options.workers or shell.default_workers(device),
        store=options.store or default_store(),
        out=options.out or Path("runs") / name,
    )


def _check_score(score: str) -> None:
    """Unknown proxies are refused before a teacher is trained for them."""
    from benchmarks.search.choices import is_scored
    from proxies.registry import aggregates, select

    if is_scored(score):
        parts = {info.name: info.parts for info in aggregates()}
        select([part for name in score.split(",") for part in parts.get(name.strip(), (name.strip(),))])


def _teacher_file(protocol: Protocol, given: Path | None) -> Path | None:
    """The user's file, else that of the data folder, else None."""
    usual = data_dir() / "teachers" / f"{protocol.images.partition('@')[0]}_{protocol.teacher}.pth"
    if given is not None and not given.is_file():
        raise DataError(f"no weights at {given}: give a file of {protocol.teacher} written by torch.save")
    return given or (usual if usual.is_file() else None)


def _truth(name: str | None, space: SearchSpace, images: str) -> GroundTruth | None:
    """The table that says which student is truly best: the one named, or one of the same networks on the same images.

    Its accuracies are looked at after the search.
    """
    from nb201_data.ground_truth import load_ground_truth

    if name == "none":
        return None
    if name:
        truth = load_ground_truth(name)
        if truth.space.partition("-")[0] != space.name.partition("-")[0]:
            raise UsageError(f"--ground-truth {truth.name} is about {truth.space}, the search is in {space.name}")
        return truth
    for each in ("kd-nb201", f"nb201:{images}:test:200", "s0:kd"):
        with contextlib.suppress(UsageError, DataError):
            truth = load_ground_truth(each)
            if (truth.space, truth.skeleton, truth.images) == (space.name, space.skeleton, images):
                return truth
    return None


def claim(plan: Plan) -> None:
    """Make the folder, or go on in it; a folder of other settings is refused, but for more students and seeds."""
    from reports.csv_files import write_text

    file, text = shell.prepare_output(plan.out) / FILE, json.dumps(plan.identity(), indent=2) + "\n"
    if file.is_file():
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise DataError(f"{file} is no configuration ({error}); remove the folder to start again") from None
        wanted = json.loads(text)
        other = [key for key in wanted if found.get(key) != wanted[key]]
        other = [key for key in other if not (key in GROWING and wanted[key] > found.get(key, 0))]
        if other:
            change = "; ".join(_difference(key, found.get(key), wanted[key]) for key in other)
            raise UsageError(
                f"{plan.out} holds another pipeline ({change}); choose another --out, or remove it. "
                f"Only {' and '.join('--' + key for key in GROWING)} may be raised."
            )
    write_text(file, text)


def _difference(key: str, there: Any, now: Any) -> str:
    if isinstance(there, dict) and isinstance(now, dict):
        inner = [each for each in {**there, **now} if there.get(each) != now.get(each)]
        return "; ".join(_difference(f"{key} {each}", there.get(each), now.get(each)) for each in inner)
    return f"{key}: {there!r} there, {now!r} now"
