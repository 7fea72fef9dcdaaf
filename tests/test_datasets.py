"""Data sets: one record each, one split at a time, and those that others bring."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diswot_errors import DataError, UsageError
from diswot_plugins import restored
from nb201_data import files
from nb201_data.datasets import BENCHMARK, CIFAR10, DATASETS, DataSet, Part, register
from nb201_data.images import load_images


def squares(split: str) -> tuple[Any, Any]:
    """Black images of class 0, white ones of class 1."""
    y = np.arange(12 if split == "train" else 6) % 2
    return np.broadcast_to((255 * y).astype(np.uint8)[:, None, None, None], (len(y), 3, 8, 8)).copy(), y


SQUARES = DataSet("squares", 2, 8, Part(12), Part(6), read=squares)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    with restored():
        yield


def test_built_in_ones() -> None:
    assert list(DATASETS)[:4] == ["cifar10", "cifar100", "imagenet16-120", "embedded"]
    for name, record in DATASETS.items():
        assert record.name == name and record.origin == "diswot-bench"
        for part in (record.train, record.test):
            assert all(file in files.FILES for file in part.files)
    assert [str(data.skeleton) for data in BENCHMARK] == ["c16n5k10r32", "c16n5k100r32", "c16n5k120r16"]
    embedded = load_images("embedded")
    assert (len(embedded.train), len(embedded.test)) == (
        DATASETS["embedded"].train.count,
        DATASETS["embedded"].test.count,
    )


def test_a_record_with_a_function_is_a_data_set() -> None:
    register(SQUARES)
    images = load_images("squares")
    assert images.train.y.tolist() == [0, 1] * 6 and images.test.x.dtype == torch.uint8
    assert images.mean == (0.5, 0.5, 0.5) and images.std == (0.5, 0.5, 0.5)  # measured: half black, half white
    assert load_images("squares@4").resolution == 4 and images.normalise(images.train.x).unique().tolist() == [-1, 1]
    with pytest.raises(UsageError, match="squares takes nothing after ':'"):
        load_images("squares:3")
    with pytest.raises(UsageError, match=r"no images 'square'. Did you mean squares"):
        load_images("square")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train": Part(13)},
            r"its train images are torch.uint8 \(12, 3, 8, 8\).*expected .* \(13, 3, 8, 8\)",
        ),
        ({"resolution": 16}, r"expected torch.uint8 \(12, 3, 16, 16\)"),
        ({"read": lambda split: (squares(split)[0] / 255, squares(split)[1])}, "images are torch.float64"),
        (
            {"read": lambda split: (squares(split)[0], squares(split)[1] + 1)},
            "labels from 1 to 2, expected 0 to 1",
        ),
        ({"read": lambda split: {}["x"]}, "reading its train images failed with KeyError: 'x'"),
    ],
)
def test_what_a_function_gives_is_checked(changes: dict[str, Any], message: str) -> None:
    register(replace(SQUARES, mean=(0.5,) * 3, std=(0.5,) * 3, **changes))
    with pytest.raises(DataError, match=message):
        load_images("squares").train.x  # noqa: B018


@pytest.mark.parametrize("changes", [{"classes": 1}, {"test": Part(0)}, {"read": None}])
def test_records_that_say_too_little(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="data set squares: expected"):
        replace(SQUARES, **changes)


def test_one_split_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
    for name, size in (("cifar10/test_batch", 5), ("cifar10/data_batch_1", 5)):
        path = files.path_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    images = load_images("cifar10")  # what is in the files is looked at when they are read
    assert len(images.train) == 50_000 and len(images.test) == 10_000
    absent = r"the train images of cifar10 are not all here \(its test images are here\): cifar10/data_batch_2: absent"
    for use in (lambda: images.train.x, lambda: images.batch(4, 0), lambda: load_images("cifar10@16").train.x):
        with pytest.raises(DataError, match=rf"{absent}.*python -m nb201_data fetch cifar10"):
            use()
    with pytest.raises(DataError, match="cifar10/data_batch_2: absent"):
        load_images("cifar10", needs="train")
    assert load_images("cifar10", needs="test") is images


def test_cifar10_from_its_test_file_alone(reference_data: Path) -> None:
    if not (reference_data / files.FILES["cifar10/test_batch"].path).is_file():
        pytest.skip("needs CIFAR-10's test batch below NB201_DATA_DIR")
    images = load_images("cifar10")
    assert images.test.x.shape == (10_000, 3, 32, 32) and images.test.y.bincount().tolist() == [1000] * 10
    sums = images.test.x.sum(dim=(0, 2, 3), dtype=torch.int64) / (10_000 * 1024 * 255)
    assert sums.tolist() == pytest.approx(CIFAR10.mean, abs=5e-3)  # stated for the training images
    if not (reference_data / files.FILES["cifar10/data_batch_1"].path).is_file():
        with pytest.raises(DataError, match="python -m nb201_data fetch cifar10"):
            images.batch(4, seed=0)
