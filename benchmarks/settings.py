"""The whole question that a score answers, and what all questions of a run share. Frozen records; no torch."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from diswot_errors import DataError, UsageError
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space

if TYPE_CHECKING:
    from proxies.registry import ProxyInfo

RECIPE = 2
"""Goes up whenever networks, initialisations, images or passes change what a score is: stored scores expire."""

FIRST_TEACHER_SEED = 1000
"""Seed s has the teacher of seed 1000 + s. With the student's own seed, layers that both have would be equal."""

BEST_CELLS = {
    10: "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    100: "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    120: "|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
}
"""By number of classes (CIFAR-10, CIFAR-100, ImageNet16-120): the cell with the highest mean test accuracy after 200
epochs in NAS-Bench-201: 94.37 (shared with one other cell; this one is also first in validation), 73.51, 47.31 %."""

REAL = "real"
"""A name for the images that the networks of a ground truth were trained on."""

DEFAULT_TEACHERS = {"nb201": "best-cell", "s0": "resnet56", "s0-plain": "resnet56"}
RESNETS = ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")


class Answer(NamedTuple):
    """A value, or a status with the reason why there is none; seconds as `proxies.Score` counts them."""

    value: float | None
    status: str
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Question:
    """Everything a score depends on but the architecture. The store is keyed by all of it."""

    space: str
    skeleton: str
    proxy: str
    version: int
    origin: str  # the package that brought the proxy
    init: str
    seed: int  # of weights and noise
    images: str
    batch_size: int
    split: str
    batch_seed: int
    teacher: str  # empty, as the two below, where the proxy looks at no teacher
    teacher_init: str  # an initialisation, or 'sha256:...' of a file of weights
    teacher_seed: int
    device: str  # its kind: 'cpu', 'NVIDIA H200'
    precision: str
    torch: str  # its version
    recipe: int


@dataclass(frozen=True)
class Setting:
    """What the questions of a run share: all but proxy, architecture and seed. Names are resolved ones."""

    space: str
    skeleton: Skeleton
    images: str
    batch_size: int = 64
    split: str = "train"
    init: str = "gaussian"
    teacher: str = ""  # a ResNet's name or a cell
    teacher_weights: str = ""  # a file; empty: random weights
    device: str = "cpu"  # as torch names it
    precision: str = "fp32"

    @property
    def teacher_init(self) -> str:
        """Where the teacher's weights come from: the initialisation of the students, or a file of this hash."""
        return file_hash(self.teacher_weights) if self.teacher_weights else self.init

    def teacher_seed(self, seed: int) -> int:
        """The seed of the teacher that goes with a student's seed; 0 where its weights are read from a file."""
        return 0 if self.teacher_weights else FIRST_TEACHER_SEED + seed

    def question(self, info: ProxyInfo, seed: int) -> Question:
        """What is asked of every architecture for one proxy and one seed."""
        looks = info.teacher
        return Question(
            space=self.space,
            skeleton=str(self.skeleton),
            proxy=info.name,
            version=info.version,
            origin=info.origin,
            init=self.init,
            seed=seed,
            images=self.images,
            batch_size=self.batch_size,
            split=self.split,
            batch_seed=seed,
            teacher=self.teacher if looks else "",
            teacher_init=self.teacher_init if looks else "",
            teacher_seed=self.teacher_seed(seed) if looks else 0,
            device=device_kind(self.device),
            precision=self.precision,
            torch=torch_version(),
            recipe=RECIPE,
        )


def resolve_images(name: str, skeleton: Skeleton, own: str = "") -> str:
    """The images that fit a skeleton: `embedded` gets its classes, larger images are pooled to its resolution.

    `real` stands for the networks' `own` images where they are on disk, else for `embedded`. What the user spelt out is
    left as it is and refused where it does not fit.
    """
    from nb201_data.images import load_images

    if name == REAL:
        name = _own_images(own)
    base, at, _ = name.partition("@")
    if base == "embedded":
        base = f"embedded:{skeleton.classes}"
    full = f"{base}@{skeleton.resolution}" if not at else base + name[name.index("@") :]
    source = load_images(base)
    if source.classes != skeleton.classes:
        raise UsageError(
            f"--images {name}: {base} has {source.classes} classes, the networks of this ground truth have "
            f"{skeleton.classes} ({skeleton}): choose images with {skeleton.classes} classes, such as "
            f"embedded:{skeleton.classes}, or another --ground-truth"
        )
    if not at and source.resolution % skeleton.resolution:
        raise UsageError(
            f"--images {name}: {source.resolution} pixels cannot be pooled to the {skeleton.resolution} pixels that "
            f"the networks of this ground truth take ({skeleton}): choose other images or another --ground-truth"
        )
    images = load_images(full)
    if images.resolution != skeleton.resolution:
        raise UsageError(
            f"--images {name}: {images.resolution} pixels, the networks of this ground truth take "
            f"{skeleton.resolution} ({skeleton}): leave out '@...' to have them pooled"
        )
    return images.name


def _own_images(own: str) -> str:
    from nb201_data.images import load_images

    if not own:
        raise UsageError(f"--images {REAL}: this ground truth does not say on which images it was trained: name them")
    try:
        load_images(own)
    except DataError:
        return "embedded"
    return own


def resolve_teacher(name: str | None, space: str, skeleton: Skeleton) -> str:
    """A ResNet's name, or the architecture that `best-cell`, a cell or S0 depths stand for; None: the usual one."""
    name = name or DEFAULT_TEACHERS[space]
    if name in RESNETS:
        return name
    if name == "best-cell":
        return best_cell(skeleton.classes)
    near = difflib.get_close_matches(name, ["best-cell", *RESNETS], n=2)
    if near or not name.startswith("|"):
        try:
            return str(get_space("s0").parse(name))
        except UsageError:
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise UsageError(
                f"unknown teacher {name!r}.{hint} Expected best-cell, {', '.join(RESNETS)}, three depths of S0 such as "
                "777, or a cell of NAS-Bench-201 as an arch string"
            ) from None
    return str(get_space("nb201").parse(name))


def best_cell(classes: int) -> str:
    """The best cell of NAS-Bench-201 on its data set with so many classes; CIFAR-10's for any other number."""
    return BEST_CELLS.get(classes, BEST_CELLS[10])


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
    """`cpu`, or the model of the GPU."""
    if device == "cpu":
        return "cpu"
    import torch

    return torch.cuda.get_device_name(device)


@cache
def torch_version() -> str:
    """The installed version, without importing torch."""
    return metadata.version("torch")
