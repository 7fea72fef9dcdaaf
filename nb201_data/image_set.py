"""A set of labelled images in two splits: drawing batches, normalising, bringing to fewer or more pixels."""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from diswot_errors import UsageError
from nb201_data.numerals import shown, whole
from nb201_data.skeleton import BOUNDS
from nb201_data.splits import SplitName, Triple

FLATTEST = round(1 / 255, 4)


class Split(Protocol):
    """Labelled images of one split. `take` may be cheaper than `x[indices]` where images are made on demand."""

    @property
    def x(self) -> Tensor: ...  # uint8 (N,3,H,W)

    @property
    def y(self) -> Tensor: ...  # int64 (N,)

    def __len__(self) -> int: ...

    def take(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]: ...


class ResizedSplit:
    """Another split at another resolution: `resize` takes and gives images uint8 (N,3,H,W)."""

    def __init__(self, whole: Split, resize: Callable[[Tensor], Tensor]) -> None:
        self._whole = whole
        self._resize = resize

    @cached_property
    def x(self) -> Tensor:
        return self._resize(self._whole.x)

    @property
    def y(self) -> Tensor:
        return self._whole.y

    def __len__(self) -> int:
        return len(self._whole)

    def take(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        x, y = self._whole.take(indices)
        return self._resize(x), y


class MadeSplit(ABC):
    """A split whose images are made when they are asked for; once all of them were, they are kept."""

    def __init__(self, labels: Tensor) -> None:
        self.y = labels

    @abstractmethod
    def made(self, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The images of these numbers, uint8 (N,3,H,W)."""

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def x(self) -> Tensor:
        return self.take(range(len(self)))[0]

    def take(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        chosen = np.asarray(indices, dtype=np.int64)
        places = torch.from_numpy(chosen)
        return self.x[places] if "x" in self.__dict__ else torch.from_numpy(self.made(chosen)), self.y[places]


def in_turn(length: int, classes: int) -> Tensor:
    """Labels that go round: image i belongs to class i % classes."""
    return torch.arange(length) % classes


@dataclass(frozen=True)
class ImageSet:
    """Labelled images in two splits, with the channel statistics (of pixels in [0,1]) they are normalised by."""

    name: str
    classes: int
    resolution: int
    mean: Triple
    std: Triple
    train: Split
    test: Split
    at: "Callable[[int], ImageSet] | None" = field(default=None, compare=False, repr=False)
    """How it is made at fewer pixels; None: the images are averaged."""

    @property
    def train_x(self) -> Tensor:
        """uint8 (N,3,H,W)"""
        return self.train.x

    @property
    def train_y(self) -> Tensor:
        """int64 (N,)"""
        return self.train.y

    @property
    def test_x(self) -> Tensor:
        """uint8 (N,3,H,W)"""
        return self.test.x

    @property
    def test_y(self) -> Tensor:
        """int64 (N,)"""
        return self.test.y

    def split(self, name: SplitName) -> Split:
        """The split called 'train' or 'test'."""
        if name not in ("train", "test"):
            raise UsageError(f"no split '{name}': train or test")
        return self.train if name == "train" else self.test

    def normalise(self, x: Tensor) -> Tensor:
        """uint8 (B,3,H,W) -> float32, (x / 255 - mean) / std for each channel, channels_last."""
        scale, shift = _affine(self.mean, self.std, x.device)
        return x.contiguous(memory_format=torch.channels_last).float().mul_(scale).add_(shift)

    def batch(self, size: int, seed: int, split: SplitName = "train") -> tuple[Tensor, Tensor]:
        """`size` different images drawn with `seed`: normalised (size,3,H,W) channels_last, labels (size,)."""
        source = self.split(split)
        if not 1 <= size <= len(source):
            raise UsageError(f"a batch of {size} from {self.name} {split}: give a size from 1 to {len(source)}")
        x, y = source.take(random.Random(seed).sample(range(len(source)), size))
        return self.normalise(x), y


@cache
def _affine(mean: Triple, std: Triple, device: torch.device) -> tuple[Tensor, Tensor]:
    """(1,3,1,1) each: x * scale + shift = (x / 255 - mean) / std. Kept on the device for captured CUDA graphs."""
    with torch.inference_mode(False):  # plain tensors, whoever asks first
        scale = torch.tensor([1 / (255 * s) for s in std], device=device).view(1, 3, 1, 1)
        shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], device=device).view(1, 3, 1, 1)
    return scale, shift


def average_pool(x: Tensor, factor: int) -> Tensor:
    """uint8 (N,3,H,W) -> uint8 (N,3,H/factor,W/factor): mean of each block, rounded half up."""
    n, channels, height, width = x.shape
    blocks = x.view(n, channels, height // factor, factor, width // factor, factor)
    total = blocks.sum(dim=(3, 5), dtype=torch.int32)
    area = factor * factor
    return ((2 * total + area) // (2 * area)).to(torch.uint8)


def enlarge(x: Tensor, factor: int) -> Tensor:
    """uint8 (N,3,H,W) -> uint8 (N,3,H*factor,W*factor): bilinear, corners not aligned, rounded to the nearest."""
    return functional.interpolate(x.float(), scale_factor=factor, mode="bilinear").add_(0.5).to(torch.uint8)


def fits(resolution: int, target: int) -> bool:
    """Whether images of one resolution can be brought to another: one of the two divides the other."""
    return target % resolution == 0 or resolution % target == 0


def resized(images: ImageSet, pixels: str) -> ImageSet:
    """The same images averaged down, or enlarged, to `pixels` x `pixels`: a divisor or multiple of what they have."""
    target = whole(pixels, BOUNDS["resolution"][1])
    if not target or not fits(images.resolution, target):
        raise UsageError(
            f"{shown(f'{images.name}@{pixels}')}: the resolution after '@' must divide {images.resolution} or be a "
            f"multiple of it, to {BOUNDS['resolution'][1]:,}"
        )
    if target == images.resolution:
        return images
    if images.at:
        return images.at(target)
    down = images.resolution > target
    factor = images.resolution // target if down else target // images.resolution
    resize = partial(average_pool if down else enlarge, factor=factor)
    return replace(
        images,
        name=f"{images.name}@{target}",
        resolution=target,
        train=ResizedSplit(images.train, resize),
        test=ResizedSplit(images.test, resize),
    )


def channel_statistics(split: Split, count: int = 256) -> tuple[Triple, Triple]:
    """Mean and standard deviation of each channel (of pixels in [0,1]) over the first images; sums are of integers.

    A channel that is the same everywhere counts as one with a deviation of one step of 255.
    """
    x = split.take(range(min(count, len(split))))[0].numpy().astype(np.int64)
    pixels = x.size // 3
    means = x.sum(axis=(0, 2, 3)) / pixels
    deviations = np.sqrt((x * x).sum(axis=(0, 2, 3)) / pixels - means * means)
    red, green, blue = (round(float(m) / 255, 4) for m in means)
    red_std, green_std, blue_std = (max(round(float(d) / 255, 4), FLATTEST) for d in deviations)
    return (red, green, blue), (red_std, green_std, blue_std)
