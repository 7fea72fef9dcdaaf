"""The images of an epoch, and what the teacher says about them.

Crops and flips depend on (epoch, image) alone, never on the student: the teacher answers once per epoch and all
students share the answers. The order of the images belongs to the run's seed, so that seeds repeat the measurement.
"""

from __future__ import annotations

import hashlib
import sys
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from diswot_errors import DataError, UsageError
from nb201_data import augment
from nb201_data.datasets import unpooled
from nb201_data.files import cache_dir
from nb201_data.images import ImageSet, average_pool, load_images
from nb201_data.networks import Network
from nb201_data.sealed import read_sealed, write_sealed

STREAM_SEED = 0
KEPT_BYTES = 3 << 29
LAST = "-last"
_CHUNK = 500


@dataclass(frozen=True)
class Epoch:
    """One epoch in the order of the data set; `Stream.order` gives the order of a run."""

    x: Tensor  # uint8 (N,3,h,w), what the student sees
    y: Tensor  # int64 (N,)
    teacher_x: Tensor | None = None  # uint8 (N,3,H,W), what a teacher beside the student sees: x before pooling
    teacher_logits: Tensor | None = None  # half (N,K)
    teacher_last: Tensor | None = None  # half (N,C,h',w'), the teacher's last map

    def bytes(self) -> int:
        """Memory that keeping it takes."""
        parts = self.x, self.teacher_x, self.teacher_last
        return sum(t.numel() * t.element_size() for t in parts if t is not None)


class Stream:
    """Augmented epochs of `images`. `cifar100@16` is augmented, and shown to the teacher, at 32 x 32, then pooled.

    `per_class`: only so many training images of each class. `held_out`: every so-manieth training image of each class
    is kept back and stands in for the test images, for choices that must not see those. `teacher` answers each epoch
    once, on disk: its logits, and its last map too `with_last`.
    """

    def __init__(
        self,
        images: str,
        padding: int,
        device: torch.device,
        teacher: Network | None = None,
        per_class: int = 0,
        held_out: int = 0,
        with_last: bool = False,
    ) -> None:
        self.whole: ImageSet = load_images(unpooled(images))
        self.images: ImageSet = load_images(images)
        self.padding, self.device, self.with_last = padding, device, with_last
        self.teacher = None if teacher is None else teacher.to(device)
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

    def epoch(self, epoch: int, beside: bool = False) -> Epoch:
        """The epoch's images and the teacher's answers; `beside`: what the teacher sees as well, which is larger.

        The latest epochs are kept in memory up to 1.5 GiB.
        """
        kept = self._kept.get(epoch)
        if kept is None or (beside and kept.teacher_x is None):
            kept = self._made(epoch, beside)
            self._kept[epoch] = kept
        self._kept.move_to_end(epoch)
        while len(self._kept) > 1 and sum(each.bytes() for each in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return kept

    def prepare(self, epoch: int) -> None:
        """Have the teacher's answers of this epoch on disk; at once where they are."""
        if self.teacher is not None and self._stored(epoch) is None:
            self._answer(epoch, self._whole(epoch))

    def _made(self, epoch: int, beside: bool) -> Epoch:
        whole = self._whole(epoch)
        small = self._small(whole).contiguous(memory_format=torch.channels_last)
        logits = last = None
        if self.teacher is not None:
            logits, last = self._stored(epoch) or self._answer(epoch, whole)
        return Epoch(small, self._y, whole if beside else None, logits, last)

    def _whole(self, epoch: int) -> Tensor:
        """uint8 (N,3,H,W): all images, cropped and mirrored as this epoch has them."""
        generator = augment.epoch_generator(STREAM_SEED, epoch)
        return augment.apply(self._x, augment.draw(len(self), generator, self.padding, shuffle=False))

    def _small(self, x: Tensor) -> Tensor:
        """(N,3,H,W) at the resolution of the student."""
        return average_pool(x, self._factor) if self._factor > 1 else x

    def _file(self, epoch: int, part: str = "") -> Path:
        return cache_dir() / "teacher-logits" / f"{self._key}-{epoch}{part}.half"

    def _stored(self, epoch: int) -> tuple[Tensor, Tensor | None] | None:
        """Logits (N,K) and last map (N,C,h,w) in half precision from the cache; None where no run computed them before,
        or where a file is damaged."""
        logits = self._read(self._file(epoch))
        last = self._read(self._file(epoch, LAST)) if self.with_last else None
        if logits is None or (self.with_last and last is None):
            return None
        return logits.view(len(self), -1), None if last is None else self._as_map(last)

    def _read(self, file: Path) -> Tensor | None:
        try:
            content = read_sealed(file)
        except DataError as error:
            print(f"warning: {error}; the teacher's answers are computed again", file=sys.stderr, flush=True)
            return None
        return None if content is None else torch.frombuffer(bytearray(content), dtype=torch.half).to(self.device)

    def _as_map(self, values: Tensor) -> Tensor:
        """(N,C,h,w) in channels_last of the values as they lie in memory."""
        assert self.teacher is not None
        with torch.no_grad():
            _, channels, height, width = (
                self.teacher.eval().forward_features(self.whole.normalise(self._x[:2])).last.shape
            )
        return values.view(len(self), height, width, channels).permute(0, 3, 1, 2)

    def _answer(self, epoch: int, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits (N,K) and last map (N,C,h,w) in half precision: what the teacher says now, kept in the cache."""
        assert self.teacher is not None
        logits, last = predict(self.teacher, self.whole, x, self.with_last)
        if last is not None:
            write_sealed(self._file(epoch, LAST), last.permute(0, 2, 3, 1).cpu().numpy().tobytes())
        write_sealed(self._file(epoch), logits.cpu().numpy().tobytes())
        return logits, last

    def _teacher_key(self, teacher: Network) -> str:
        """Names what the answers depend on: images, augmentation, the teacher's weights, and what computes."""
        about = f"{self.whole.name} {self.padding} {STREAM_SEED} {len(self)} {self.device.type} {torch.__version__}"
        return digest_of(hashlib.sha256(about.encode()), {"y": self._y, "x": self._x, **teacher.state_dict()})


def digest_of(about: hashlib._Hash, tensors: Mapping[str, Tensor]) -> str:
    """Sixteen digits that tell these tensors, and what was hashed before them, from others."""
    for name, value in tensors.items():
        about.update(name.encode())
        about.update(np.ascontiguousarray(value.cpu().numpy()).data)
    return about.hexdigest()[:16]


def rows(x: Tensor, positions: Tensor) -> Tensor:
    """Images x[positions] of (N,C,H,W) in channels_last; each is copied as one piece of memory."""
    n, channels, height, width = x.shape
    pieces = x.permute(0, 2, 3, 1).reshape(n, -1)  # a view
    return pieces.index_select(0, positions).view(-1, height, width, channels).permute(0, 3, 1, 2)


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
def predict(network: Network, images: ImageSet, x: Tensor, with_last: bool = False) -> tuple[Tensor, Tensor | None]:
    """In half precision the logits (N, K), and `with_last` the last map (N, C, h, w), of uint8 images (N,3,H,W), in
    evaluation mode."""
    network.eval()
    parts = (images.normalise(part) for part in x.split(_CHUNK))
    if not with_last:
        return torch.cat([network(part) for part in parts]).float().half(), None
    answers = [(maps.logits.half(), maps.last.half()) for maps in map(network.forward_features, parts)]
    logits, last = zip(*answers, strict=True)
    return torch.cat(logits), torch.cat(last).contiguous(memory_format=torch.channels_last)
