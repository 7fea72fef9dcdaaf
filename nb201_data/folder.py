"""A folder of images, one folder a class, as a data set: `DIR/cat/1.png`, or `DIR/train/cat/1.png` and `DIR/test/...`.

Without `train` and `test`, one image in six is a test image, told by a hash of its name: the split is the same on every
machine and does not change when images are added. Images are resized and cut to a square in the middle.
"""

import hashlib
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from diswot_errors import DataError, UsageError
from nb201_data.image_set import ImageSet, MadeSplit, channel_statistics
from nb201_data.numerals import shown, whole

ENDINGS = (".png", ".jpg", ".jpeg")
TEST_SHARE = 6  # one image in so many
FEWEST = 2  # training images of each class
MOST_PIXELS = 50_000_000  # of one image as it is on disk
MOST_BYTES = 4_000_000_000  # of all images as they are kept
MEASURED_ON = 1024  # training images that give the channel statistics
_MARK = re.compile(r"(.+)#([0-9a-f]{8})")


class FolderSplit(MadeSplit):
    """Images that are read from their files."""

    def __init__(self, root: Path, names: Sequence[str], labels: Sequence[int], resolution: int) -> None:
        super().__init__(torch.tensor(labels, dtype=torch.int64))
        self._root, self._names, self._resolution = root, names, resolution

    def made(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Read."""
        x = np.empty((len(indices), 3, self._resolution, self._resolution), dtype=np.uint8)
        for place, index in enumerate(indices):
            x[place] = _pixels(self._root / self._names[index], self._resolution)
        return x


def load_folder(name: str, pixels: str | None) -> ImageSet:
    """The images below the folder `name`, `pixels` high and wide, or as most of them are.

    The name of the set ends in a digest of what lies in the folder; a name with another digest is refused.
    """
    marked = _MARK.fullmatch(name)
    path = Path(name).expanduser()
    wanted = ""
    if marked and not path.is_dir():
        path, wanted = Path(marked[1]).expanduser(), marked[2]
    if not path.is_dir():
        raise UsageError(
            f"no folder of images {path}: expected one folder a class in it, as in {path / 'cat' / '1.png'}"
        )
    size = None if pixels is None else whole(pixels, MOST_PIXELS)
    if pixels is not None and (size is None or size < 4):
        raise UsageError(
            f"{shown(f'{name}@{pixels}')}: expected a number of pixels from 4 behind '@', as in '{name}@32'"
        )
    root = path.resolve()
    try:
        names = _images(root)
        digest = _digest(root, names)
    except OSError as error:
        raise DataError(f"{root} cannot be read: {error}") from error
    if wanted and wanted != digest:
        raise DataError(f"{root} is not what it was: its files are {digest}, expected {wanted}; start the run anew")
    return _load(root, tuple(names), size, digest)


@lru_cache(maxsize=4)
def _load(root: Path, names: tuple[str, ...], pixels: int | None, digest: str) -> ImageSet:
    splits = {"train": [n for n in names if not _in_test(n)], "test": [n for n in names if _in_test(n)]}
    classes = sorted({_class(name) for name in names})
    _check_classes(root, classes, splits)
    resolution = pixels or _usual_size(root, names)
    if len(names) * 3 * resolution**2 > MOST_BYTES:
        raise UsageError(
            f"{root}: {len(names):,} images of {resolution}x{resolution} pixels are "
            f"{len(names) * 3 * resolution**2 / 1e9:.1f} GB, at most {MOST_BYTES / 1e9:.0f} GB are taken: "
            f"ask for fewer pixels, as in {root}@32"
        )
    number = {each: index for index, each in enumerate(classes)}
    train, test = (
        FolderSplit(root, found, [number[_class(n)] for n in found], resolution) for found in splits.values()
    )
    mean, std = channel_statistics(train, MEASURED_ON)
    full_name = f"{root}#{digest}" + (f"@{resolution}" if pixels else "")
    return ImageSet(full_name, len(classes), resolution, mean, std, train, test)


def _images(root: Path) -> list[str]:
    """Every image, `cat/1.png` or `train/cat/1.png`, ordered by a hash of its name so that the first ones are mixed."""
    folders = _folders(root)
    if {"train", "test"} & {folder.name for folder in folders}:
        if [folder.name for folder in folders] != ["test", "train"]:
            there = ", ".join(folder.name for folder in folders)
            raise UsageError(f"{root} holds {there}: expected 'train' and 'test' and no other, or one folder a class")
        folders = [inner for folder in folders for inner in _folders(folder)]
    names = []
    for folder in folders:
        found = [f"{folder.relative_to(root).as_posix()}/{file.name}" for file in _files(root, folder)]
        if not found:
            raise DataError(f"{folder} holds no image: expected files that end in {', '.join(ENDINGS)}")
        names += found
    return sorted(names, key=_hash)


def _folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))


def _files(root: Path, folder: Path) -> Iterator[Path]:
    """The images right in a folder; a link that leads out of `root` is refused."""
    if not folder.resolve().is_relative_to(root):
        raise DataError(f"{folder} is a link to {folder.resolve()}, outside {root}: copy what it leads to")
    for file in folder.iterdir():
        if file.suffix.lower() in ENDINGS and not file.name.startswith("."):
            if not file.resolve().is_relative_to(root):
                raise DataError(f"{file} is a link to {file.resolve()}, outside {root}: copy what it leads to")
            if not file.is_file():
                raise DataError(f"{file} is no file: take it out")
            yield file


def _class(name: str) -> str:
    return name.split("/")[-2]


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode(errors="surrogateescape")).digest()


def _in_test(name: str) -> bool:
    split, _, rest = name.partition("/")
    return split == "test" if "/" in rest else int.from_bytes(_hash(name)[:8], "big") % TEST_SHARE == 0


def _digest(root: Path, names: Sequence[str]) -> str:
    """Of names, sizes and times of change, so that a folder that has changed is another set of images."""
    told = hashlib.sha256()
    for name in names:
        state = os.stat(root / name)
        told.update(f"{name}\0{state.st_size}\0{state.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return told.hexdigest()[:8]


def _check_classes(root: Path, classes: Sequence[str], splits: dict[str, list[str]]) -> None:
    if len(classes) < 2:
        found = f"one class, {classes[0]}" if classes else "no class"
        raise UsageError(
            f"{root} holds {found}: expected 2 folders or more, one a class, with PNG or JPEG images in them"
        )
    counts = {split: Counter(map(_class, names)) for split, names in splits.items()}
    few = min(classes, key=lambda each: counts["train"][each])
    if counts["train"][few] < FEWEST:
        raise DataError(
            f"{root}: class {few} has {counts['train'][few]} training images, expected at least {FEWEST} of each class"
        )
    if not splits["test"]:
        raise DataError(
            f"{root}: none of {len(splits['train'])} images is a test image: add images, or a folder 'test'"
        )


def _usual_size(root: Path, names: Sequence[str]) -> int:
    """The shorter side that most images have."""
    sides: Counter[int] = Counter()
    for name in names:
        with _opened(root / name) as image:
            sides[min(image.size)] += 1
    return max(sides.items(), key=lambda pair: (pair[1], -pair[0]))[0]


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The image with its header read; refused before its pixels are, where there are too many."""
    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(stream, formats=("PNG", "JPEG"))
            if image.width * image.height > MOST_PIXELS:
                size = f"{image.width}x{image.height}"
                raise DataError(f"{path} has {size} pixels, at most {MOST_PIXELS:,} are taken: make it smaller")
            yield image
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} has too many pixels: {error}") from error
    except (OSError, SyntaxError, ValueError, MemoryError) as error:
        raise DataError(f"{path} cannot be read as PNG or JPEG ({error}): mend it or take it out") from error


def _pixels(path: Path, resolution: int) -> npt.NDArray[np.uint8]:
    """uint8 (3, resolution, resolution): turned as its camera was held, shorter side resized, cut in the middle."""
    with _opened(path) as opened:
        image: Image.Image = opened
        if image.mode.startswith("I"):  # 16 bits a pixel
            image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8))
        upright = ImageOps.exif_transpose(image).convert("RGB")
        square = ImageOps.fit(upright, (resolution, resolution), Image.Resampling.BILINEAR)
    return np.asarray(square, dtype=np.uint8).transpose(2, 0, 1)
