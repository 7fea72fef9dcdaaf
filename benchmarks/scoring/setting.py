"""What all questions of a run share, every name resolved. Frozen records; no torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchmarks.scoring.question import Question
from diswot_errors import DataError
from diswot_registry import HOME, Registry
from nb201_data.datasets import DATASETS, parse_name
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import SPACES, SearchSpace, get_space
from nb201_data.splits import SplitName

if TYPE_CHECKING:
    from proxies.registry import ProxyInfo

RECIPE = 2
"""Goes up whenever networks, initialisations, images or passes change what a score is: stored scores expire."""

FIRST_TEACHER_SEED = 1000
"""Seed s has the teacher of seed 1000 + s. With the student's own seed, layers that both have would be equal."""


AS_BUILT = "as-built"
"""The initialisation that leaves the weights as the network's constructor drew them from the seed, or read them."""


@dataclass(frozen=True)
class Setting:
    """What the questions of a run share: all but proxy, architecture and seed. Names are resolved ones."""

    space: str
    skeleton: Skeleton
    images: str
    batch_size: int = 64
    split: SplitName = "train"
    init: str = "gaussian"
    teacher: str = ""  # a ResNet's name or a cell
    teacher_weights: str = ""  # a file; empty: random weights
    device: str = "cpu"  # as torch names it
    precision: str = "fp32"

    @classmethod
    def of(cls, question: Question) -> Setting:
        """The one that a question is asked under, its teacher having random weights."""
        return cls(
            space=question.space,
            skeleton=Skeleton.parse(question.skeleton),
            images=question.images,
            batch_size=question.batch_size,
            split=cast(SplitName, question.split),
            init=question.init,
            teacher=question.teacher,
            device=question.device,
            precision=question.precision,
        )

    @property
    def search_space(self) -> SearchSpace:
        """The space, its networks in this skeleton."""
        return get_space(self.space).with_skeleton(self.skeleton)

    @property
    def teacher_init(self) -> str:
        """Where the teacher's weights come from: the initialisation of the students, or a file of this hash."""
        return file_hash(self.teacher_weights) if self.teacher_weights else self.init

    def teacher_seed(self, seed: int) -> int:
        """The seed of the teacher that goes with a student's seed; 0 where its weights are read from a file."""
        return 0 if self.teacher_weights else FIRST_TEACHER_SEED + seed

    def _teacher_known_as(self) -> str:
        """Its name, and who brought its space where that is not the project."""
        owner, colon, _ = self.teacher.partition(":")
        space = owner.partition("@")[0]
        brought = known_as(SPACES, space) if colon and space in SPACES else space
        return self.teacher + brought.removeprefix(space)

    def question(self, info: ProxyInfo, seed: int) -> Question:
        """What is asked of every architecture for one proxy and one seed."""
        looks = info.teacher
        return Question(
            space=known_as(SPACES, self.space),
            skeleton=str(self.skeleton),
            proxy=info.name,
            version=info.version,
            origin=info.origin,
            init=self.init,
            seed=seed,
            images=known_as(DATASETS, self.images),
            batch_size=self.batch_size,
            split=self.split,
            batch_seed=seed,
            teacher=self._teacher_known_as() if looks else "",
            teacher_init=self.teacher_init if looks else "",
            teacher_seed=self.teacher_seed(seed) if looks else 0,
            device=device_kind(self.device),
            precision=self.precision,
            torch=torch_version(),
            recipe=RECIPE,
        )


def known_as(registry: Registry[Any], name: str) -> str:
    """The name, and who brought it where that is not the project: an edited plugin file, or another version of a
    package, brings something else."""
    key = parse_name(name).base if registry is DATASETS else name
    origin = registry.origin(key) if key in registry else HOME
    return name if origin == HOME else f"{name} of {origin}{_version_of(origin)}"


@cache
def _version_of(origin: str) -> str:
    """Of an installed package; a file is known by its digest."""
    try:
        return f" {metadata.version(origin)}"
    except (metadata.PackageNotFoundError, ValueError):
        return ""


def file_hash(path: str) -> str:
    """`sha256:` and the first 16 digits of the hash of a file."""
    try:
        stamp = Path(path).stat().st_mtime_ns
    except OSError as error:
        raise DataError(f"no weights at {path} ({error.strerror}): give a file written by torch.save") from error
    return _file_hash(path, stamp)


@cache
def _file_hash(path: str, _stamp: int) -> str:
    return f"sha256:{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]}"


@cache
def device_kind(device: str) -> str:
    """`cpu`, or the model of the GPU; what is no name of torch's is such a model already."""
    if not device.startswith("cuda"):
        return device
    import torch

    return torch.cuda.get_device_name(device)


@cache
def torch_version() -> str:
    """The installed version, without importing torch."""
    return metadata.version("torch")
