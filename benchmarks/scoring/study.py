"""What is scored and what it is held against: a ground truth, a sample of it, a setting, seeds."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from benchmarks.engines.device import choose_device
from benchmarks.scoring.authors import COMMON
from benchmarks.scoring.order import shuffled
from benchmarks.scoring.released import networks_of
from benchmarks.scoring.resolve import REAL, painted, resolve_images, split_at_hand
from benchmarks.scoring.setting import RECIPE, Setting
from diswot_errors import DataError, UsageError
from diswot_registry import names_in
from nb201_data.datasets import DATASETS, unpooled
from nb201_data.ground_truth import GroundTruth, is_file, load_ground_truth
from nb201_data.spaces import SPACES, SearchSpace, get_space, reads_as_own
from reports.schema import BASELINES, FEWEST, Note, Topic

if TYPE_CHECKING:
    from proxies.registry import ProxyInfo

TRUTHS = ("kd-nb201", "s0:kd")
"""Those that the ablations look at where they are on disk."""
USUAL = "kd-nb201"
SAMPLE, SMALL = 100, 400
"""How many networks are scored where nobody says: of a truth of at most `SMALL` all."""


@dataclass(frozen=True)
class Study:
    """What is scored and what it is held against, every name resolved."""

    truth: GroundTruth
    setting: Setting
    archs: tuple[str, ...]
    seeds: tuple[int, ...]
    kind: str = COMMON  # of setting, see `scoring.authors`: that of all proxies, or of those whose authors have none

    @property
    def accuracies(self) -> list[float]:
        """The truth of each architecture, in percent."""
        return [self.truth.values[arch] for arch in self.archs]

    @cached_property
    def networks(self) -> tuple[str, ...]:
        """Which network each architecture is: dead branches make no other one."""
        return networks_of(self.setting.space, self.archs)

    def notes(self) -> list[Note]:
        """What a reader must know before any number."""
        setting, truth = self.setting, self.truth
        about = f"{truth.note}. {len(self.archs):,} of its {len(truth):,} networks are scored."
        notes = [Note(Topic.TRUTH, f"Ground truth {truth.name}: {about}")]
        real = unpooled(truth.images) or _photographs(setting.skeleton.classes)
        split = split_at_hand(real, setting.split)
        there = real if split == setting.split else f"{real} --split {split}"
        there = there if real in DATASETS else f"DIR (a folder of {real})"
        with_real = f"With real images, --images {there}, other numbers may result." if real else ""
        if made := painted(setting.images, with_real):
            notes += made
        elif truth.images and unpooled(truth.images) != unpooled(setting.images):
            other = f"The networks were trained on {truth.images} and are scored on {setting.images}."
            notes.append(Note(Topic.IMAGES, other))
        elif setting.split == "test" and split_at_hand(real, "train") == "test":
            notes.append(Note(Topic.IMAGES, f"Images: the test images of {real}; its training images are not on disk."))
        if setting.space != truth.space:
            spaces = f"Scored are networks of {setting.space}; the accuracies are those of {truth.space}."
            notes.append(Note(Topic.NETWORKS, spaces))
        if (different := len(set(self.networks))) < len(self.archs):
            text = f"These are {different:,} different networks, since some differ in dead branches only: intervals "
            notes.append(Note(Topic.NETWORKS, f"{text}redraw networks, and such equals together."))
        if self.kind != COMMON:
            other = f"where that is not known under {setting.init} weights and {setting.batch_size} images"
            notes.append(Note(Topic.PROTOCOL, f"Each proxy is asked under the setting of its authors, {other}."))
        if setting.precision != "fp32":
            changes = f"Scored in {setting.precision}; what that changes is measured in a section of its own."
            notes.append(Note(Topic.PRECISION, changes))
        return notes

    def config(self) -> dict[str, Any]:
        """All that decides the numbers but the proxies: for the manifest, and to tell one run from another."""
        setting = self.setting
        return {
            "truth": self.truth.name,
            "truth_sha256": self.truth.digest,
            "networks_in_truth": len(self.truth),
            "sample": len(self.archs),
            "sample_sha256": hashlib.sha256("\n".join(self.archs).encode()).hexdigest()[:16],
            "seeds": list(self.seeds),
            "space": setting.space,
            "skeleton": str(setting.skeleton),
            "images": setting.images,
            "init": setting.init,
            "batch_size": setting.batch_size,
            "split": setting.split,
            "teacher": setting.teacher,
            "teacher_init": setting.teacher_init,
            "teacher_seeds": [setting.teacher_seed(seed) for seed in self.seeds],
            "precision": setting.precision,
            "recipe": RECIPE,
        } | ({} if self.kind == COMMON else {"setting": self.kind})


def study_of(options: argparse.Namespace, space: str | None, truth_name: str | None, init: str) -> Study:
    """The resolved question of a command; every contradiction is refused before anything is computed."""
    return study_on(load_truth(space, truth_name), options, space, init)


def study_on(truth: GroundTruth, options: argparse.Namespace, space: str | None, init: str) -> Study:
    """The same on a truth that is there."""
    archs = sample_of(truth, options.sample, options.sample_seed)
    setting, kind = setting_of(options, truth, space, init, later=True), getattr(options, "setting", COMMON)
    return Study(truth, setting, archs, tuple(range(options.seeds)), kind)


def setting_of(
    options: argparse.Namespace, truth: GroundTruth, space: str | None, init: str, later: bool = False
) -> Setting:
    """How networks are scored that are to be held against a truth: its skeleton, its images, the options.

    later: images need not be on disk before a network is scored.
    """
    chosen = get_space(space or truth.space)
    skeleton = truth.skeleton or chosen.skeleton
    own = unpooled(truth.images)
    split = split_at_hand(own, options.split) if options.images == REAL else options.split
    setting = Setting(
        space=chosen.name,
        skeleton=skeleton,
        images=resolve_images(options.images, skeleton, own, split, later),
        batch_size=options.batch_size or chosen.batch_size,
        split=split,
        init=init,
        teacher=teacher_of(options, chosen.with_skeleton(skeleton)),
        teacher_weights=str(options.teacher_weights or ""),
        device=str(choose_device(options.device)),
        precision=getattr(options, "precision", "fp32"),
    )
    check_teacher(setting)
    return setting


def teacher_of(options: argparse.Namespace, space: SearchSpace) -> str:
    """The resolved name of `--teacher` for students of a space."""
    from nb201_data.teachers import resolve_teacher

    if options.teacher_weights and not options.teacher:
        raise UsageError(
            "--teacher-weights needs --teacher: say which network the file holds, as in --teacher resnet56"
        )
    return resolve_teacher(options.teacher, space)


def studies_at_hand(options: argparse.Namespace, names: Sequence[str], init: str) -> tuple[list[Study], dict[str, str]]:
    """A study for each ground truth that `--ground-truth` names by commas; without it for those of `names` on disk.

    Also why others are missing, by name. What was asked for by name must be there, and so must one of the usual ones.
    """
    if options.ground_truth:
        return [study_of(options, None, name, init) for name in names_in(options.ground_truth)], {}
    found: list[Study] = []
    missing: dict[str, str] = {}
    for name in names:
        try:
            found.append(study_of(options, None, name, init))
        except DataError as error:
            missing[name] = str(error)
    if not found:
        raise DataError(f"no ground truth is on disk: {'; '.join(missing.values())}")
    return found, missing


def _photographs(classes: int) -> str:
    """A known data set of so many classes that comes in files; '' where there is none."""
    return next((name for name, one in DATASETS.items() if one.classes == classes and one.train.files), "")


def with_init(study: Study, init: str) -> Study:
    """The same study under another initialisation."""
    return replace(study, setting=replace(study.setting, init=init))


def load_truth(space: str | None, name: str | None) -> GroundTruth:
    """The ground truth of that name, or the usual one of the space; refused where it cannot be scored in the space."""
    chosen = get_space(space) if space is not None else None
    named = name or (chosen.truth if chosen else USUAL)
    if not named:
        raise UsageError(
            f"the space {space} brings no ground truth: give --ground-truth FILE.csv, or the space a table"
        )
    of_space = {"space": chosen.truths_of} if chosen and is_file(named) and ":space=" not in named else {}
    truth = load_ground_truth(named, **of_space)
    if truth.space not in SPACES:
        raise UsageError(
            f"--ground-truth {truth.name} is about {truth.space}, whose networks cannot be built here: expected a "
            f"truth about {', '.join(SPACES)}"
        )
    if chosen and get_space(truth.space).truths_of != chosen.truths_of:
        raise UsageError(
            f"--space {space} and --ground-truth {truth.name} contradict: that truth is about {truth.space}; leave "
            "--space out"
        )
    if len(truth) < FEWEST:
        raise UsageError(
            f"--ground-truth {truth.name} covers {len(truth)} networks: expected at least {FEWEST}, below that a rank "
            "correlation says nothing"
        )
    return truth


def sample_of(truth: GroundTruth, sample: int | str | None, seed: int) -> tuple[str, ...]:
    """The first `sample` architectures of the truth in a fixed random order; None: the usual number."""
    order = shuffled(truth.values, seed)
    if sample == "all":
        return tuple(order)
    usual = len(order) if len(order) <= SMALL else SAMPLE
    count = usual if sample is None else int(sample)
    if count > len(order):
        raise UsageError(
            f"--sample {count}: {truth.name} covers {len(order):,} networks; give a number up to that, or 'all'"
        )
    if count < FEWEST:
        raise UsageError(f"--sample {count}: expected at least {FEWEST}, below that a rank correlation says nothing")
    return tuple(order[:count])


def check_teacher(setting: Setting) -> None:
    """Refuse weights that are not there or do not fit, and a teacher of one's own that does not know the classes,
    before a worker trips over it."""
    if setting.teacher_weights:
        from benchmarks.scoring.scorer import trained_teacher

        trained_teacher(setting)
    if reads_as_own(setting.teacher):
        from nb201_data.own import outputs_of, own_network

        classes = outputs_of(own_network(setting.teacher).with_skeleton(setting.skeleton))
        if classes != setting.skeleton.classes:
            raise UsageError(
                f"--teacher {setting.teacher} gives {classes} logits, the students {setting.skeleton.classes} "
                f"({setting.skeleton}): make it with {setting.skeleton.classes} classes"
            )


def with_baselines(infos: Sequence[ProxyInfo]) -> tuple[ProxyInfo, ...]:
    """Params and FLOPs are rows of every table."""
    from proxies.registry import get

    names = {info.name for info in infos}
    return (*infos, *(get(name) for name in BASELINES if name not in names))
