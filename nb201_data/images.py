"""Images by name: CIFAR-10, CIFAR-100, ImageNet16-120 from their official files, and an embedded procedural source."""

import difflib
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from diswot_errors import DataError, UsageError
from nb201_data import embedded, files
from nb201_data.image_set import ImageSet, Triple, average_pool, pooled
from nb201_data.numerals import shown, whole
from nb201_data.pickles import load_arrays

__all__ = ["ImageSet", "average_pool", "load_images"]


class FileSplit:
    """A split that is read from its files when it is first used."""

    def __init__(self, length: int, read: Callable[[], tuple[Tensor, Tensor]]) -> None:
        self._length = length
        self._read = read

    @cached_property
    def _content(self) -> tuple[Tensor, Tensor]:
        x, y = self._read()
        if len(x) != self._length or len(y) != self._length:
            raise DataError(f"a split has {len(x)} images and {len(y)} labels, expected {self._length} of each")
        return x, y

    @property
    def x(self) -> Tensor:
        return self._content[0]

    @property
    def y(self) -> Tensor:
        return self._content[1]

    def __len__(self) -> int:
        return self._length

    def take(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        chosen = torch.as_tensor(indices, dtype=torch.int64)
        return self.x[chosen], self.y[chosen]


def load_images(name: str) -> ImageSet:
    """Images by name: 'cifar10', 'cifar100', 'imagenet16-120', 'embedded' (20 classes), 'embedded:100'.

    A suffix such as '@16' pools them to 16x16 pixels. Files are found at once and read (and checked) on first use;
    within a process all who ask for the same images share them.
    """
    base, at, pixels = name.partition("@")
    source, _, option = base.partition(":")
    if source not in _SOURCES:
        near = difflib.get_close_matches(source, _SOURCES, n=2, cutoff=0.4)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"no images {shown(name)}.{hint} Known: {', '.join(_SOURCES)}, with a suffix such as '@16'")
    images = _load(source, option, files.data_dir())
    return pooled(images, pixels) if at else images


@lru_cache(maxsize=4)
def _load(source: str, option: str, folder: Path) -> ImageSet:
    """The image set at full resolution; `folder` is where its files lie, so that another folder is another set."""
    return _SOURCES[source](option)


def _no_option(name: str, option: str) -> None:
    if option:
        raise UsageError(f"{shown(f'{name}:{option}')}: {name} takes nothing after ':'")


def _require(names: Sequence[str]) -> None:
    """Refuse early, by presence and size only, what would be refused on reading."""
    for name in names:
        state = files.status(name, full=False)
        if not state.usable:
            raise DataError(str(state))


def _read(
    names: Sequence[str], label_key: str, resolution: int, first_label: int, classes: int
) -> tuple[Tensor, Tensor]:
    """Images and labels of some files one after another, those of the first `classes` classes only."""
    xs, ys = [], []
    for name in names:
        content = load_arrays(files.read_checked(name), str(files.path_of(name)))
        try:
            x = np.asarray(content["data"]).reshape(-1, 3, resolution, resolution)
            y = np.asarray(content[label_key], dtype=np.int64) - first_label
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(f"{files.path_of(name)} does not hold images as expected: {error!r}") from error
        if x.dtype != np.uint8 or y.shape != (len(x),) or (len(y) and y.min() < 0):
            raise DataError(f"{files.path_of(name)}: images {x.dtype} {x.shape}, labels {y.shape} do not fit together")
        keep = y < classes
        xs.append(x if keep.all() else x[keep])
        ys.append(y if keep.all() else y[keep])
    joined = (xs[0], ys[0]) if len(xs) == 1 else (np.concatenate(xs), np.concatenate(ys))
    return torch.from_numpy(joined[0]), torch.from_numpy(joined[1])


def _from_files(
    name: str,
    classes: int,
    resolution: int,
    mean: Triple,
    std: Triple,
    train: tuple[int, Sequence[str]],
    test: tuple[int, Sequence[str]],
    label_key: str,
    first_label: int = 0,
) -> Callable[[str], ImageSet]:
    """A loader of an image set whose splits are (number of images, files)."""

    def split(length: int, names: Sequence[str]) -> FileSplit:
        return FileSplit(length, lambda: _read(names, label_key, resolution, first_label, classes))

    def load(option: str) -> ImageSet:
        _no_option(name, option)
        _require([*train[1], *test[1]])
        return ImageSet(name, classes, resolution, mean, std, split(*train), split(*test))

    return load


def _embedded(option: str) -> ImageSet:
    """Painted images; the channel statistics are those of the first training images, rounded to four digits."""
    classes = (whole(option, embedded.most_classes()) or 0) if option else 20
    if classes < 2:
        raise UsageError(
            f"{shown(f'embedded:{option}')}: expected a number of classes from 2 to {embedded.most_classes()}"
        )
    train = embedded.PaintedSplit(embedded.TRAIN_PER_CLASS * classes, classes, seed=0, stream=1)
    test = embedded.PaintedSplit(embedded.TEST_PER_CLASS * classes, classes, seed=0, stream=2)
    mean, std = embedded.channel_statistics(train)
    name = f"embedded:{classes}" if option else "embedded"
    return ImageSet(name, classes, embedded.SIDE, mean, std, train, test)


_SOURCES: dict[str, Callable[[str], ImageSet]] = {
    "cifar10": _from_files(
        "cifar10",
        10,
        32,
        (0.4914, 0.4822, 0.4465),
        (0.2470, 0.2435, 0.2616),
        (50_000, [f"cifar10/data_batch_{i}" for i in range(1, 6)]),
        (10_000, ["cifar10/test_batch"]),
        "labels",
    ),
    "cifar100": _from_files(
        "cifar100",
        100,
        32,
        (0.5071, 0.4867, 0.4408),
        (0.2675, 0.2565, 0.2761),
        (50_000, ["cifar100/train"]),
        (10_000, ["cifar100/test"]),
        "fine_labels",
    ),
    "imagenet16-120": _from_files(
        "imagenet16-120",
        120,
        16,
        (122.68 / 255, 116.66 / 255, 104.01 / 255),
        (63.22 / 255, 61.26 / 255, 65.09 / 255),
        (151_700, [f"imagenet16-120/train_data_batch_{i}" for i in range(1, 11)]),
        (6_000, ["imagenet16-120/val_data"]),
        "labels",
        first_label=1,
    ),
    "embedded": _embedded,
}
