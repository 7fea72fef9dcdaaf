"""The images of an epoch, and what the teacher says about them.

Crops and flips depend on (epoch, image) alone, never on the student: the teacher answers once per epoch and all
students share the answers. The order of the images belongs to the run's seed, so that seeds repeat the measurement.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from diswot_errors import UsageError
from nb201_data import augment
from nb201_data.files import cache_dir
from nb201_data.images import ImageSet, average_pool, load_images
from nb201_data.networks import Network

STREAM_SEED = 0
KEPT_BYTES = 1 << 30
_CHUNK = 500


@dataclass(frozen=True)
class Epoch:
    """One epoch in the order of the data set; `Stream.order` gives the order of a run."""

    x: Tensor  # uint8 (N,3,h,w), what the student sees
    teacher_x: Tensor  # uint8 (N,3,H,W), what the teacher sees: the same images before pooling
    y: Tensor  # int64 (N,)
    teacher_logits: Tensor | None  # half (N,K)

    def bytes(self) -> int:
        """Memory that keeping it takes."""
        return sum(t.numel() * t.element_size() for t in (self.x, self.teacher_x))


class Stream:
    """Augmented epochs of `images`. `cifar100@16` is augmented, and shown to the teacher, at 32 x 32, then pooled.

    `per_class`: only so many training images of each class. `held_out`: every so-manieth training image of each class
    is kept back and stands in for the test images, for choices that must not see those.
    """

    def __init__(
        self,
        images: str,
        padding: int,
        device: torch.device,
        teacher: Network | None = None,
        per_class: int = 0,
        held_out: int = 0,
    ) -> None:
        self.whole: ImageSet = load_images(images.partition("@")[0])
        self.images: ImageSet = load_images(images)
        self.padding, self.device, self.teacher = padding, device, teacher
        self._factor = self.whole.resolution // self.images.resolution
        x, y = self.whole.train_x, self.whole.train_y
        if per_class:
            chosen = first_of_each_class(y, per_class)
            x, y = x[chosen], y[chosen]
        if held_out:
            held = every_nth_of_each_class(y, held_out)
            test_x, test_y = self._small(x[held]), y[held]
            x, y = x[~held], y[~held]
        else:
            test_x, test_y = self.images.test_x, self.images.test_y
        self._x, self._y = x.to(device), y.to(device)
        self._test = test_x.to(device), test_y.to(device)
        self._key = None if teacher is None else self._teacher_key(teacher)
        self._kept: OrderedDict[int, Epoch] = OrderedDict()

    def __len__(self) -> int:
        return len(self._y)

    @property
    def labels(self) -> Tensor:
        """Training labels (N,) in the order of the data set."""
        return self._y

    @property
    def test(self) -> tuple[Tensor, Tensor]:
        """Test images uint8 (N,3,h,w) and labels (N,)."""
        return self._test

    def order(self, seed: int, epoch: int) -> Tensor:
        """(N,) the positions in which run `seed` goes through epoch `epoch`."""
        return torch.randperm(len(self), generator=augment.epoch_generator(seed, epoch)).to(self.device)

    def epoch(self, epoch: int) -> Epoch:
        """The epoch's images and the teacher's answers; the latest epochs are kept in memory up to 1 GiB."""
        if epoch in self._kept:
            self._kept.move_to_end(epoch)
            return self._kept[epoch]
        generator = augment.epoch_generator(STREAM_SEED, epoch)
        whole = augment.apply(self._x, augment.draw(len(self), generator, self.padding, shuffle=False))
        small = self._small(whole)
        logits = None if self.teacher is None else self._teacher_logits(epoch, whole)
        made = Epoch(small.contiguous(memory_format=torch.channels_last), whole, self._y, logits)
        self._kept[epoch] = made
        while len(self._kept) > 1 and sum(kept.bytes() for kept in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return made

    def _small(self, x: Tensor) -> Tensor:
        """(N,3,H,W) at the resolution of the student."""
        return average_pool(x, self._factor) if self._factor > 1 else x

    def has_teacher_logits(self, epoch: int) -> bool:
        """Whether the teacher's answers of this epoch are on disk."""
        return self.teacher is not None and self._file(epoch).is_file()

    def _file(self, epoch: int) -> Path:
        return cache_dir() / "teacher-logits" / f"{self._key}-{epoch}.pt"

    def _teacher_logits(self, epoch: int, x: Tensor) -> Tensor:
        """(N, K) half precision, from the cache if any run computed them before."""
        file = self._file(epoch)
        if file.is_file():
            return torch.load(file, weights_only=True, map_location=self.device)
        assert self.teacher is not None
        logits = predict(self.teacher, self.whole, x).half()
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".partial", delete=False) as partial:
            torch.save(logits.cpu(), partial)
        os.replace(partial.name, file)
        return logits

    def _teacher_key(self, teacher: Network) -> str:
        """Names what the answers depend on: images, augmentation, and the teacher's weights."""
        digest = hashlib.sha256(f"{self.whole.name} {self.padding} {STREAM_SEED} {len(self)}".encode())
        digest.update(self._y.cpu().numpy().tobytes())
        for name, value in teacher.state_dict().items():
            digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def first_of_each_class(y: Tensor, count: int) -> Tensor:
    """Positions, in order, of the first `count` samples of each class in labels (N,)."""
    chosen = torch.cat([(y == label).nonzero()[:count, 0] for label in y.unique()])
    if len(chosen) < count * len(y.unique()):
        raise UsageError(f"{count} images of each class asked for: some of the {len(y.unique())} classes have fewer")
    return chosen.sort().values


def every_nth_of_each_class(y: Tensor, n: int) -> Tensor:
    """(N,) true for the n-th, 2n-th, ... sample of each class in labels (N,)."""
    chosen = torch.zeros(len(y), dtype=torch.bool, device=y.device)
    for label in y.unique():
        chosen[(y == label).nonzero()[n - 1 :: n, 0]] = True
    return chosen


@torch.no_grad()  # not inference mode: the answers enter losses
def predict(network: Network, images: ImageSet, x: Tensor) -> Tensor:
    """Logits (N, K) in float32 of uint8 images (N,3,H,W), in evaluation mode."""
    network.eval()
    return torch.cat([network(images.normalise(part)) for part in x.split(_CHUNK)]).float()
