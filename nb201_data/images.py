"""Images by name: a data set of `datasets`, or a folder with one folder a class."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from diswot_errors import DataError, UsageError
from diswot_registry import did_you_mean
from nb201_data import files
from nb201_data.datasets import DATASETS, DataSet, parse_name
from nb201_data.image_set import ImageSet, Split, average_pool, channel_statistics, resized
from nb201_data.numerals import shown
from nb201_data.pickles import load_arrays
from nb201_data.splits import SplitName

__all__ = ["ImageSet", "average_pool", "load_images"]

MEASURED_ON = 1024  # training images that give the channel statistics where none are stated


class LazySplit:
    """A split that is read when it is first used; a split whose files are not there says so then."""

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


def load_images(name: str, needs: SplitName | None = None, later: bool = False) -> ImageSet:
    """Images by name: 'cifar10', 'cifar100', 'imagenet16-120', 'embedded' (20 classes), 'embedded:100', a folder.

    A suffix such as '@16' pools them to 16x16 pixels, '@224' enlarges them; those of a folder are cut to it. Files are
    found at once and read (and checked) on first use. One split is enough: the other is refused when it is used, or at
    once where it is the one that the caller `needs`. `later`: both may be lacking until they are used. Within a process
    all who ask for the same images share them.
    """
    base, option, pixels, is_folder = parse_name(name)
    if is_folder:
        from nb201_data.folder import load_folder

        return load_folder(base, pixels)
    if base not in DATASETS:
        hint = did_you_mean(base, DATASETS)
        raise UsageError(
            f"no images {shown(name)}.{hint} Known: {', '.join(DATASETS)}, a folder with one folder a class"
        )
    record = DATASETS[base]
    for split in (needs,) if needs else ():
        if fault := files.missing(record.part(split).files):
            raise DataError(fault)
    images = _load(record, option, files.data_dir(), later)
    return images if pixels is None else resized(images, pixels)


@lru_cache(maxsize=4)
def _load(record: DataSet, option: str, folder: Path, later: bool) -> ImageSet:
    """The image set at full resolution; `folder` is where its files lie, so that another folder is another set."""
    if record.make:
        return record.make(option)
    if option:
        raise UsageError(f"{shown(f'{record.name}:{option}')}: {record.name} takes nothing after ':'")
    faults = [files.missing(part.files) for part in (record.train, record.test)]
    if all(faults) and not later:
        raise DataError(faults[0])
    train, test = _split(record, "train"), _split(record, "test")
    mean, std = record.mean, record.std
    if mean is None or std is None:
        mean, std = channel_statistics(train, MEASURED_ON)
    return ImageSet(record.name, record.classes, record.resolution, mean, std, train, test)


def _split(record: DataSet, split: SplitName) -> Split:
    return LazySplit(record.part(split).count, lambda: _content(record, split))


def _content(record: DataSet, split: SplitName) -> tuple[Tensor, Tensor]:
    """Images and labels of a split, read now."""
    if record.read is None:
        if fault := files.missing(record.part(split).files):
            other: SplitName = "test" if split == "train" else "train"
            there = "" if files.missing(record.part(other).files) else f" (its {other} images are here)"
            raise DataError(f"the {split} images of {record.name} are not all here{there}: {fault}")
        return read_pickles(record, record.part(split).files)
    try:
        x, y = (torch.as_tensor(part) for part in record.read(split))
    except DataError:
        raise
    except Exception as error:  # somebody else's code
        raise DataError(
            f"data set {record.name} from {record.origin}: reading its {split} images failed with "
            f"{type(error).__name__}: {error}"
        ) from error
    expected = (record.part(split).count, 3, record.resolution, record.resolution)
    if x.dtype != torch.uint8 or x.shape != expected or y.shape != expected[:1]:
        raise DataError(
            f"data set {record.name} from {record.origin}: its {split} images are {x.dtype} {tuple(x.shape)} and its "
            f"labels {tuple(y.shape)}, expected torch.uint8 {expected} and {expected[:1]}"
        )
    if y.min() < 0 or y.max() >= record.classes:
        raise DataError(
            f"data set {record.name} from {record.origin}: {split} labels from {y.min()} to {y.max()}, expected 0 to "
            f"{record.classes - 1}"
        )
    return x, y.to(torch.int64)


def read_pickles(record: DataSet, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Images and labels of files of the catalogue one after another, those of the record's classes only."""
    xs, ys = [], []
    for name in names:
        content = load_arrays(files.read_checked(name), str(files.path_of(name)))
        try:
            x = np.asarray(content["data"]).reshape(-1, 3, record.resolution, record.resolution)
            y = np.asarray(content[record.label_key], dtype=np.int64) - record.first_label
        except (KeyError, ValueError, TypeError) as error:
            raise DataError(f"{files.path_of(name)} does not hold images as expected: {error!r}") from error
        if x.dtype != np.uint8 or y.shape != (len(x),) or (len(y) and y.min() < 0):
            raise DataError(f"{files.path_of(name)}: images {x.dtype} {x.shape}, labels {y.shape} do not fit together")
        keep = y < record.classes
        xs.append(x if keep.all() else x[keep])
        ys.append(y if keep.all() else y[keep])
    joined = (xs[0], ys[0]) if len(xs) == 1 else (np.concatenate(xs), np.concatenate(ys))
    return torch.from_numpy(joined[0]), torch.from_numpy(joined[1])
