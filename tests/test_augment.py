"""Crops, flips and batches: against a plain loop, and the same for the same seed."""

import pytest
import torch
import torch.nn.functional as F

from diswot_errors import UsageError
from nb201_data import augment


def pixels(count: int = 12, size: int = 8) -> torch.Tensor:
    return torch.randint(1, 256, (count, 3, size, size), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_apply_is_pad_crop_flip_one_image_at_a_time(dtype: torch.dtype) -> None:
    x = pixels().to(dtype)
    chosen = augment.draw(len(x), torch.Generator().manual_seed(1), padding=2)
    padded = F.pad(x, (2, 2, 2, 2))
    expected = []
    for k in range(len(x)):
        row, column = int(chosen.rows[k]), int(chosen.columns[k])
        crop = padded[int(chosen.order[k]), :, row : row + 8, column : column + 8]
        expected.append(crop.flip(2) if chosen.mirrored[k] else crop)
    result = augment.apply(x, chosen)
    assert result.dtype == dtype
    assert torch.equal(result, torch.stack(expected))
    assert result.is_contiguous(memory_format=torch.channels_last)


def test_input_is_left_as_it_was() -> None:
    x = pixels()
    before = x.clone()
    augment.augmented_epoch(x, torch.arange(12), seed=0, epoch=0)
    assert torch.equal(x, before)


def test_every_offset_and_both_mirrors_occur_about_equally_often() -> None:
    chosen = augment.draw(9_000, torch.Generator().manual_seed(0), padding=4)
    for offsets in (chosen.rows, chosen.columns):
        assert offsets.bincount().tolist() == pytest.approx([1_000] * 9, abs=150)
    assert chosen.mirrored.float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert torch.equal(chosen.order.sort().values, torch.arange(9_000))


def test_an_epoch_is_a_function_of_seed_and_epoch() -> None:
    x, y = pixels(), torch.arange(12)
    one, again = (augment.augmented_epoch(x, y, seed=5, epoch=2) for _ in range(2))
    assert torch.equal(one[0], again[0]) and torch.equal(one[1], again[1])
    torch.manual_seed(99)  # the global generator has no say
    assert torch.equal(augment.augmented_epoch(x, y, seed=5, epoch=2)[0], one[0])
    for seed, epoch in ((5, 3), (6, 2), (2, 5)):
        assert not torch.equal(augment.augmented_epoch(x, y, seed, epoch)[1], one[1])


def test_labels_follow_their_images() -> None:
    y = torch.arange(1, 13)
    x = y.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 8, 8).contiguous()
    moved, labels = augment.augmented_epoch(x, y, seed=0, epoch=0)
    assert torch.equal(moved.amax(dim=(1, 2, 3)).long(), labels)


def test_padding_zero_only_mirrors_and_shuffles() -> None:
    x = pixels()
    moved, order = augment.augmented_epoch(x, torch.arange(12), seed=0, epoch=0, padding=0)
    x = x[order]
    same = (moved == x).flatten(1).all(1) | (moved == x.flip(3)).flatten(1).all(1)
    assert same.all()


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [5, 5, 2]), (True, [5, 5])])
def test_batches(drop_last: bool, sizes: list[int]) -> None:
    x, y = pixels(), torch.arange(12)
    parts = list(augment.batches(x, y, size=5, drop_last=drop_last))
    assert [len(part[1]) for part in parts] == sizes
    assert torch.equal(torch.cat([part[1] for part in parts]), y[: sum(sizes)])


def test_wrong_use_is_named() -> None:
    with pytest.raises(UsageError, match="batch size 0"):
        list(augment.batches(pixels(), size=0))
    with pytest.raises(UsageError, match=r"\[11, 12\]"):
        list(augment.batches(pixels(), torch.arange(11), size=4))
    with pytest.raises(UsageError, match="12 images and 3 labels"):
        augment.augmented_epoch(pixels(), torch.arange(3), 0, 0)
    with pytest.raises(UsageError, match="padding -1"):
        augment.augmented_epoch(pixels(), torch.arange(12), 0, 0, padding=-1)


@pytest.mark.gpu
def test_the_device_changes_nothing() -> None:
    x, y = pixels(), torch.arange(12)
    here = augment.augmented_epoch(x, y, 1, 1)
    there = augment.augmented_epoch(x.cuda(), y.cuda(), 1, 1)
    assert torch.equal(here[0], there[0].cpu()) and torch.equal(here[1], there[1].cpu())
