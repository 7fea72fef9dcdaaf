"""The data sets of images by name, one record each: classes, resolution, counts, statistics, files. No torch.

A new one is a record given to `register`, here or in a package or plugin file; `nb201_data.images` loads it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from diswot_errors import UsageError
from diswot_registry import Registry
from nb201_data.skeleton import Skeleton
from nb201_data.splits import SplitName, Triple

if TYPE_CHECKING:
    from nb201_data.image_set import ImageSet


@dataclass(frozen=True)
class Part:
    """One split: how many images, and the files of the catalogue that hold them; none where `read` makes them."""

    count: int
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSet:
    """What is known of a data set before any of its files is opened.

    Where its images come from, one of three: the files of both parts, pickles as CIFAR's are, of which the classes from
    `first_label` on are taken; `read(split)`, which gives images (N, 3, resolution, resolution) as uint8 and labels
    (N,) from 0, as tensors or arrays; `make(option)`, which gives the whole `ImageSet`, for data sets that come in
    several kinds (`embedded:20`).
    """

    name: str
    classes: int
    resolution: int
    train: Part
    test: Part
    mean: Triple | None = None  # of the pixels in [0, 1], by channel; None: measured on the first training images
    std: Triple | None = None
    read: Callable[[SplitName], tuple[Any, Any]] | None = field(default=None, repr=False)
    make: "Callable[[str], ImageSet] | None" = field(default=None, repr=False)
    label_key: str = "labels"
    first_label: int = 0
    searched_on: int = 0
    """On how many images NAS-Bench-201 trains for the validation accuracy of this data set; 0: it has none."""
    any_classes: bool = False
    """Whether `make` takes a number of classes, so that it fits every skeleton."""
    origin: str = ""

    def __post_init__(self) -> None:
        if self.classes < 2 or self.resolution < 1 or min(self.train.count, self.test.count) < 1:
            raise UsageError(f"data set {self.name}: expected 2 classes or more, and images in both splits")
        if not (self.read or self.make or (self.train.files and self.test.files)):
            raise UsageError(f"data set {self.name}: expected files of both splits, or a function `read` or `make`")

    @property
    def skeleton(self) -> Skeleton:
        """What NAS-Bench-201 puts around its cells for these images."""
        return Skeleton(classes=self.classes, resolution=self.resolution)

    def part(self, split: SplitName) -> Part:
        """The split called 'train' or 'test'."""
        return self.train if split == "train" else self.test


class Named(NamedTuple):
    """`cifar100@16` or `embedded:20` in parts."""

    base: str  # a data set's name, or the path of a folder
    option: str  # behind ':', else ''
    pixels: str | None  # behind '@'; None: no '@'
    is_folder: bool


def parse_name(name: str) -> Named:
    """The parts of a name of images; what reads as a path, or is a folder and no data set, is a folder of images."""
    base, at, pixels = name.rpartition("@")
    plain = name.partition("#")[0]  # behind it the digest of a folder, in the full name of a set
    own = _reads_as_path(name) and _is_there(name) if pixels.isdigit() else _is_there(plain)
    if not at or _reads_as_path(pixels) or own:
        base, at, pixels = name, "", ""
    size = pixels if at else None
    if _is_folder(base):
        return Named(base, "", size, True)
    base, _, option = base.partition(":")
    return Named(base, option, size, False)


def unpooled(name: str) -> str:
    """`cifar100` of `cifar100@16`: the name of the images before they are pooled."""
    found = parse_name(name)
    return f"{found.base}:{found.option}" if found.option else found.base


def _is_folder(name: str) -> bool:
    known = name.partition(":")[0] in DATASETS
    return _reads_as_path(name) or (bool(name) and not known and _is_there(name))


def _is_there(name: str) -> bool:
    """Whether it is a folder; what the system cannot take for a path at all is none."""
    try:
        return Path(name).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def _reads_as_path(name: str) -> bool:
    return "/" in name or os.sep in name or name.startswith(("~", "."))


def _painted(option: str) -> "ImageSet":
    from nb201_data.embedded import painted

    return painted(option)


def _noise(option: str) -> "ImageSet":
    from nb201_data.noise import noise

    return noise(option)


DATASETS: Registry[DataSet] = Registry("data set", DataSet, "diswot_bench.datasets", ("nb201_data.datasets",))


def register(data_set: DataSet) -> DataSet:
    """Make a data set known by its name."""
    return DATASETS.add(data_set)


CIFAR10 = register(
    DataSet(
        "cifar10",
        10,
        32,
        Part(50_000, tuple(f"cifar10/data_batch_{i}" for i in range(1, 6))),
        Part(10_000, ("cifar10/test_batch",)),
        (0.4914, 0.4822, 0.4465),
        (0.2470, 0.2435, 0.2616),
        searched_on=25_000,
    )
)
CIFAR100 = register(
    DataSet(
        "cifar100",
        100,
        32,
        Part(50_000, ("cifar100/train",)),
        Part(10_000, ("cifar100/test",)),
        (0.5071, 0.4867, 0.4408),
        (0.2675, 0.2565, 0.2761),
        label_key="fine_labels",
        searched_on=50_000,
    )
)
IMAGENET16_120 = register(
    DataSet(
        "imagenet16-120",
        120,
        16,
        Part(151_700, tuple(f"imagenet16-120/train_data_batch_{i}" for i in range(1, 11))),
        Part(6_000, ("imagenet16-120/val_data",)),
        (122.68 / 255, 116.66 / 255, 104.01 / 255),
        (63.22 / 255, 61.26 / 255, 65.09 / 255),
        first_label=1,
        searched_on=151_700,
    )
)
BENCHMARK = (CIFAR10, CIFAR100, IMAGENET16_120)
"""The data sets that NAS-Bench-201 trained its cells on."""

register(DataSet("embedded", 20, 32, Part(10_000), Part(2_000), make=_painted, any_classes=True))
NOISE = register(DataSet("noise", 20, 32, Part(10_000), Part(2_000), make=_noise, any_classes=True))
