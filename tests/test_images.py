"""Images by name: official files read safely, channel statistics, batches, pooling."""

import dataclasses
import hashlib
import pickle
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diswot_errors import DataError, UsageError
from nb201_data import files, images
from nb201_data.datasets import CIFAR100, IMAGENET16_120
from nb201_data.image_set import average_pool
from nb201_data.pickles import load_arrays


class Calls:
    """An object whose unpickling calls `function(*arguments)`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def small_pickle(count: int = 6, protocol: int = 2, first_label: int = 0, resolution: int = 32) -> bytes:
    random = np.random.default_rng(0)
    data = random.integers(0, 256, (count, 3 * resolution**2), dtype=np.uint8)
    labels = [int(k) + first_label for k in random.integers(0, 100, count)]
    return pickle.dumps({"data": data, "fine_labels": labels, "labels": np.array(labels)}, protocol=protocol)


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("module", [b"numpy._core.multiarray", b"numpy.core.multiarray"])
def test_arrays_survive_the_restricted_reader(protocol: int, module: bytes) -> None:
    content = small_pickle(protocol=protocol)
    if protocol < 4:  # names are plain lines there: write the one that older numpy wrote
        content = content.replace(b"numpy._core.multiarray", module)
    loaded, expected = load_arrays(content, "made"), pickle.loads(small_pickle())
    assert loaded["fine_labels"] == expected["fine_labels"]
    for key in ("data", "labels"):
        assert np.array_equal(loaded[key], expected[key]) and loaded[key].dtype == expected[key].dtype


def test_column_order_and_byte_order_are_kept() -> None:
    array = np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3))
    assert np.array_equal(load_arrays(pickle.dumps({"a": array}, protocol=2), "made")["a"], array)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_an_exploit_pickle_runs_nothing(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "ran"
    attacks = [
        Calls(exec, f"open({str(trace)!r}, 'w').close()"),
        Calls(subprocess.check_call, ["touch", str(trace)]),
        Calls(Path.touch, trace),
        Calls(np.memmap, str(trace), "uint8", "w+", 0, (4,)),
    ]
    for attack in attacks:
        for content in (attack, {"data": attack}, [attack]):
            with pytest.raises(DataError, match="Nothing in it was run"):
                load_arrays(pickle.dumps(content, protocol=protocol), "evil")
    assert not trace.exists()


@pytest.mark.parametrize(
    "value",
    [
        np.array([1, "x"], dtype=object),
        np.array(["text"]),
        np.zeros(2, dtype="i4,f4"),
        Calls(bytes.decode, b"a", "zip"),
    ],
)
def test_only_arrays_of_numbers_are_read(value: Any) -> None:
    with pytest.raises(DataError, match="made is not a usable image file"):
        load_arrays(pickle.dumps({"data": value}, protocol=2), "made")


def test_cut_and_foreign_content_is_refused() -> None:
    whole = small_pickle()
    for content in (b"", whole[:-20], whole[: len(whole) // 2], b"<html>not found</html>", pickle.dumps([1, 2])):
        with pytest.raises(DataError, match="not a usable image file"):
            load_arrays(content, "made")


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, content: bytes) -> Path:
    """Put `content` where the file `name` belongs, with a catalogue record that fits it."""
    monkeypatch.setenv("NB201_DATA_DIR", str(folder))
    md5 = f"md5:{hashlib.md5(content).hexdigest()}"
    monkeypatch.setitem(files.FILES, name, dataclasses.replace(files.FILES[name], hash=md5, size=len(content)))
    path = files.path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_an_altered_file_is_refused_before_it_is_unpickled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = install(monkeypatch, tmp_path, "cifar100/train", small_pickle())
    attack = pickle.dumps(Calls(Path.touch, tmp_path / "ran"))
    path.write_bytes(attack.ljust(path.stat().st_size, b"."))
    expected = files.FILES["cifar100/train"].hash
    found = f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}"
    with pytest.raises(DataError) as caught:
        images.read_pickles(CIFAR100, ["cifar100/train"])
    for part in (str(path), expected, found, "python -m nb201_data fetch cifar100"):
        assert part in str(caught.value)
    assert not (tmp_path / "ran").exists()


def test_several_files_are_joined_and_only_the_first_classes_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = ["imagenet16-120/train_data_batch_1", "imagenet16-120/train_data_batch_2"]
    for name, count in zip(names, (50, 70), strict=True):
        install(monkeypatch, tmp_path, name, small_pickle(count, first_label=1, resolution=16))
    x, y = images.read_pickles(dataclasses.replace(IMAGENET16_120, classes=60), names)
    raw = [pickle.loads(small_pickle(count, resolution=16)) for count in (50, 70)]
    labels = np.concatenate([part["labels"] for part in raw])
    pixels = np.concatenate([part["data"] for part in raw]).reshape(-1, 3, 16, 16)
    assert y.tolist() == labels[labels < 60].tolist() and 0 < len(y) < 120
    assert np.array_equal(x.numpy(), pixels[labels < 60])
    assert x.dtype == torch.uint8 and y.dtype == torch.int64


def test_a_file_with_too_few_images_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("cifar100/train", "cifar100/test"):
        install(monkeypatch, tmp_path, name, small_pickle(6))
    with pytest.raises(DataError, match="6 images and 6 labels, expected 50000"):
        images.load_images("cifar100").train_x  # noqa: B018


def test_absent_files_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"absent.*python -m nb201_data fetch cifar100") as caught:
        images.load_images("cifar100")
    assert caught.value.exit_code == 1
    with pytest.raises(DataError, match=r"by hand.*imagenet16-120"):
        images.load_images("imagenet16-120")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar1000", "Did you mean cifar10"),
        ("embeded", "Did you mean embedded"),
        ("mnist", "Known: cifar10, cifar100, imagenet16-120, embedded"),
        ("embedded@7", "must divide 32"),
        ("embedded@48", "must divide 32 or be a multiple"),
        ("embedded@2048", "must divide 32 or be a multiple of it, to 1,024"),
        ("embedded@", "must divide 32"),
        ("embedded:1", "from 2 to 216"),
        ("embedded:x", "from 2 to 216"),
        ("cifar100:20", "takes nothing"),
        ("", "no images ''"),
        ("@16", "no images '@16'"),
        ("cifar100@16@8", "Did you mean cifar100"),
    ],
)
def test_names_that_mean_nothing(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        images.load_images(name)
    assert caught.value.exit_code == 2


def test_average_pool_rounds_half_up() -> None:
    x = torch.tensor([[0, 1, 255, 255], [0, 1, 255, 254], [1, 0, 3, 3], [0, 0, 3, 4]], dtype=torch.uint8)
    pooled = average_pool(x.expand(1, 3, 4, 4).contiguous(), 2)
    assert pooled[0, 0].tolist() == [[1, 255], [0, 3]]  # means 0.5, 254.75, 0.25, 3.25
    assert pooled.dtype == torch.uint8


def test_normalise_is_the_textbook_formula() -> None:
    source = images.load_images("embedded")
    x = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (source.mean, source.std))
    assert torch.allclose(source.normalise(x), (x / 255 - mean) / std, atol=1e-6)


def test_a_batch_depends_on_its_seed_only() -> None:
    source = images.load_images("embedded")
    x, y = source.batch(64, seed=3)
    assert x.shape == (64, 3, 32, 32) and x.dtype == torch.float32 and y.dtype == torch.int64
    assert x.is_contiguous(memory_format=torch.channels_last)
    again = images.load_images("embedded").batch(64, seed=3)
    assert torch.equal(x, again[0]) and torch.equal(y, again[1])
    assert not torch.equal(y, source.batch(64, seed=4)[1])
    assert not torch.equal(x, source.batch(64, seed=3, split="test")[0])
    with pytest.raises(UsageError, match="from 1 to 2000"):
        source.batch(2_001, seed=0, split="test")
    with pytest.raises(UsageError, match="no split 'valid'"):
        source.batch(4, seed=0, split="valid")  # type: ignore[arg-type]


def test_cifar100_from_the_official_files(reference_data: Path) -> None:
    start = time.process_time()
    for split in ("train", "test"):
        content = files.path_of(f"cifar100/{split}").read_bytes()
        hashlib.md5(content).digest(), pickle.loads(content, encoding="bytes")
    plain = time.process_time()
    source = images.load_images("cifar100")
    assert source.train_x.shape == (50_000, 3, 32, 32) and source.test_x.shape == (10_000, 3, 32, 32)
    seconds = time.process_time() - plain
    assert source.train_y.bincount().tolist() == [500] * 100
    assert source.test_y.bincount().tolist() == [100] * 100
    sums = source.train_x.sum(dim=(0, 2, 3), dtype=torch.int64) / (50_000 * 1024 * 255)
    assert sums.tolist() == pytest.approx(source.mean, abs=2e-4)
    assert seconds < 6 * (plain - start)  # 1.5 times a plain reading with its hash, when measured


def test_pooled_cifar100(reference_data: Path) -> None:
    whole, pooled = images.load_images("cifar100"), images.load_images("cifar100@16")
    assert (pooled.resolution, pooled.name, pooled.classes) == (16, "cifar100@16", 100)
    assert torch.equal(pooled.test_x, average_pool(whole.test_x, 2))
    x, y = pooled.test.take([5, 7])
    assert torch.equal(x, pooled.test_x[[5, 7]]) and torch.equal(y, whole.test_y[[5, 7]])
