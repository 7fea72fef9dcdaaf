"""From the words of a command to a search: which truth judges it, which skeleton, which objective."""

import contextlib
from pathlib import Path
from typing import Any

from benchmarks.scoring.resolve import resolve_images
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.setting import Setting
from benchmarks.search.scored import ScoredObjective, parts_of, scored_objective
from benchmarks.search.tabular import TabularObjective, tabular_objective
from benchmarks.search.trained import TrainedObjective
from diswot_errors import DataError, UsageError
from nb201_data.datasets import BENCHMARK, unpooled
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import SearchSpace, get_space
from proxies.distillation.names import ALONE

NATIVE = {data.name: data.skeleton for data in BENCHMARK}
TRAINED = "trained:"
TABLES = ("nb201:", "kd-nb201", "s0:")


def is_table(score: str) -> bool:
    """Whether `--score` names a table of accuracies."""
    return score.startswith(TABLES) or score.endswith((".csv", ".csv.gz"))


def is_trained(score: str) -> bool:
    """Whether `--score` is the accuracy after a training."""
    return score.startswith(TRAINED)


def is_scored(score: str) -> bool:
    """Whether `--score` names proxies."""
    return not is_table(score) and not is_trained(score)


def truth_for(name: str | None, space: str, score: str, images: str) -> GroundTruth | None:
    """The truth that will judge the search; None where there is none on disk or `name` is 'none'.

    By default the 200-epoch test accuracies of the data set searched on, else this project's own distilled ones.
    Only its conditions matter before the search, such as the skeleton; its values are looked at afterwards.
    """
    if name == "none":
        return None
    if name:
        return load_ground_truth(name)
    data = score.split(":")[1] if score.startswith("nb201:") else unpooled(images)
    names = [f"nb201:{data}:test:200"] * (space == "nb201" and data in NATIVE) + [get_space(space).truth]
    for each in names:
        with contextlib.suppress(UsageError, DataError):
            return load_ground_truth(each)
    return None


def space_for(name: str, truth: GroundTruth | None, images: str, skeleton: str | None) -> SearchSpace:
    """The space in the skeleton that was asked for, else that of the truth, else the benchmark's for the images."""
    space = get_space(name)
    if truth is not None and truth.space != space.truths_of:
        raise UsageError(f"{truth.name} judges the space {truth.space}, the search is in {name}")
    if skeleton:
        return space.with_skeleton(Skeleton.parse(skeleton))
    if truth is not None and truth.skeleton:
        return space.with_skeleton(truth.skeleton)
    native = NATIVE.get(unpooled(images))
    return space.with_skeleton(native) if native and name == "nb201" else space


def setting_for(
    space: SearchSpace,
    images: str,
    *,
    own_images: str = "",
    teacher: str = "resnet56",
    teacher_weights: Path | None = None,
    batch_size: int | None = None,
    init: str = "gaussian",
    device: str = "cpu",
) -> Setting:
    """How networks of this space are scored. `best-cell` is refused: it is known from test accuracies."""
    from nb201_data.teachers import BEST, resolve_teacher

    if teacher == BEST:
        raise UsageError(f"{BEST} is known from test accuracies, which a search may not use: name another teacher")
    return Setting(
        space=space.name,
        skeleton=space.skeleton,
        images=resolve_images(images, space.skeleton, unpooled(own_images)),
        batch_size=batch_size or space.batch_size,
        init=init,
        teacher=resolve_teacher(teacher, space),
        teacher_weights=str(teacher_weights or ""),
        device=device,
    )


def objective_for(
    space: SearchSpace, score: str, seed: int = 0, runner: Runner | None = None, setting: Setting | None = None
) -> ScoredObjective | TabularObjective | TrainedObjective:
    """`--score`: proxies, a table of validation accuracies, or `trained:PROTOCOL[:LOSS]`; a table needs no runner."""
    if is_table(score):
        return tabular_objective(space, score)
    assert runner is not None and setting is not None
    if is_trained(score):
        whose = {"teacher": setting.teacher, "weights": setting.teacher_weights}
        return trained_objective(space, score, setting.images, seed=seed, device=setting.device, **whose)
    return scored_objective(runner, setting, seed, score.split(","))


def trained_objective(space: SearchSpace, score: str, images: str, **further: Any) -> TrainedObjective:
    """`trained:PROTOCOL[:LOSS]`; unknown names are refused."""
    protocol, _, loss = score.removeprefix(TRAINED).partition(":")
    return TrainedObjective(space, protocol, images, loss or ALONE, **further)


def check_score(space: SearchSpace, score: str, images: str) -> None:
    """Refuse a score that is none, or not of this space."""
    if is_table(score):
        tabular_objective(space, score)
    elif is_trained(score):
        trained_objective(space, score, images)
    else:
        parts_of(score.split(","))
