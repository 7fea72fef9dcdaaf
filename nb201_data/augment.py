"""Random crops and flips on whole tensors of images, and batches, without worker processes.

The augmentation of an epoch is a function of (seed, epoch) and of nothing else: what a teacher answers for
an epoch can be computed once and shared by every student that trains on the same stream.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from diswot_errors import UsageError

_CHUNK = 2048  # images at a time: fits the cache, keeps the padded copy small


@dataclass(frozen=True)
class Draw:
    """For each image of an epoch: which image, where its crop starts in the padded image, whether it is mirrored."""

    order: Tensor  # int64 (N,), a permutation
    rows: Tensor  # int64 (N,), 0 to 2 * padding
    columns: Tensor  # int64 (N,), 0 to 2 * padding
    mirrored: Tensor  # bool (N,)
    padding: int

    def to(self, device: torch.device) -> "Draw":
        """The same draw, for images on `device`."""
        return Draw(
            self.order.to(device), self.rows.to(device), self.columns.to(device), self.mirrored.to(device), self.padding
        )


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """The CPU generator that belongs to (seed, epoch)."""
    digest = hashlib.sha256(f"epoch {seed} {epoch}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def draw(count: int, generator: torch.Generator, padding: int, shuffle: bool = True) -> Draw:
    """Order, crops and flips for `count` images, from a CPU generator: equal whatever device the images are on."""
    if padding < 0:
        raise UsageError(f"padding {padding}: expected 0 or more pixels")
    order = torch.randperm(count, generator=generator) if shuffle else torch.arange(count)
    rows = torch.randint(0, 2 * padding + 1, (count,), generator=generator)
    columns = torch.randint(0, 2 * padding + 1, (count,), generator=generator)
    mirrored = torch.randint(0, 2, (count,), generator=generator).bool()
    return Draw(order, rows, columns, mirrored, padding)


def apply(x: Tensor, chosen: Draw) -> Tensor:
    """Images (N,3,H,W), uint8 or float, padded with zeros, cropped back to H x W, mirrored; channels_last."""
    chosen = chosen.to(x.device)
    result = torch.empty_like(x, memory_format=torch.channels_last)
    for start in range(0, len(x), _CHUNK):
        part = slice(start, start + _CHUNK)
        result[part] = _crops(x[chosen.order[part]], chosen, part)
    return result


def _crops(x: Tensor, chosen: Draw, part: slice) -> Tensor:
    """Crops of images that are already in order."""
    padded = F.pad(x.contiguous(memory_format=torch.channels_last), (chosen.padding,) * 4)
    windows = padded.unfold(2, x.shape[2], 1).unfold(3, x.shape[3], 1)  # (N,3,2p+1,2p+1,H,W), a view
    crops = windows[torch.arange(len(x), device=x.device), :, chosen.rows[part], chosen.columns[part]]
    return torch.where(chosen.mirrored[part].view(-1, 1, 1, 1), crops.flip(3), crops)


def default_padding(x: Tensor) -> int:
    """4 pixels for 32x32 images, 2 for 16x16."""
    return int(x.shape[2]) // 8


def augmented_epoch(x: Tensor, y: Tensor, seed: int, epoch: int, padding: int | None = None) -> tuple[Tensor, Tensor]:
    """All images and labels in the order of this epoch, cropped and mirrored; the same for the same (seed, epoch).

    Dtype and device are those of `x`; the images come in channels_last.
    """
    if len(x) != len(y):
        raise UsageError(f"{len(x)} images and {len(y)} labels: expected one label an image")
    chosen = draw(len(x), epoch_generator(seed, epoch), default_padding(x) if padding is None else padding)
    return apply(x, chosen), y[chosen.order.to(y.device)]


def batches(*tensors: Tensor, size: int, drop_last: bool = False) -> Iterator[tuple[Tensor, ...]]:
    """Consecutive slices of equally long tensors; the incomplete last one comes unless `drop_last`."""
    if size < 1:
        raise UsageError(f"batch size {size}: expected 1 or more")
    lengths = {len(tensor) for tensor in tensors}
    if len(lengths) != 1:
        raise UsageError(f"tensors of lengths {sorted(lengths)}: expected equal lengths")
    count = lengths.pop()
    stop = count - count % size if drop_last else count
    for start in range(0, stop, size):
        yield tuple(tensor[start : start + size] for tensor in tensors)
