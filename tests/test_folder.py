"""A folder of images, one folder a class: splits, sizes, and what is refused."""

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from diswot_errors import DataError, UsageError
from nb201_data import folder as folders
from nb201_data.datasets import parse_name
from nb201_data.images import load_images


def photo(path: Path, colour: tuple[int, int, int] = (10, 20, 30), size: tuple[int, int] = (8, 8), **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **how)
    return path


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """40 images of two colours, in two classes."""
    for name, colour in (("cat", (200, 0, 0)), ("dog", (0, 100, 0))):
        for number in range(20):
            photo(tmp_path / "pets" / name / f"{number}.png", colour)
    return tmp_path / "pets"


def test_one_folder_a_class(flat: Path) -> None:
    images = load_images(str(flat))
    assert (images.classes, images.resolution, len(images.train) + len(images.test)) == (2, 8, 40)
    for split in (images.train, images.test):
        assert len(split) and split.x.dtype == torch.uint8
        for x, y in zip(split.x, split.y, strict=True):
            assert x.unique().tolist() == sorted({0, [200, 100][int(y)]})
    red, green, blue = images.mean
    share = int((images.train.y == 0).sum()) / len(images.train)
    assert (red, green, blue) == pytest.approx((share * 200 / 255, (1 - share) * 100 / 255, 0), abs=1e-4)
    x, y = images.batch(8, seed=0)
    assert x.isfinite().all() and len(y.unique()) == 2  # a blue channel that is the same everywhere divides by no zero


def test_the_split_is_stable(flat: Path) -> None:
    def test_images() -> set[str]:
        return {name for name in folders._images(flat) if folders._in_test(name)}

    before = test_images()
    for number in range(20, 60):
        photo(flat / "cat" / f"{number}.png")
    assert before <= test_images() and 0 < len(before) < 20
    assert not any(folders._in_test(name) for name in ("train/cat/1.png", "train/test/1.png"))
    assert folders._in_test("test/cat/1.png")


def test_train_and_test_folders_are_the_splits(tmp_path: Path) -> None:
    for split, count in (("train", 3), ("test", 2)):
        for name in ("cat", "dog"):
            for number in range(count):
                photo(tmp_path / split / name / f"{number}.JPG")
    images = load_images(f"{tmp_path}@4")
    assert (len(images.train), len(images.test), images.train.y.sum(), images.resolution) == (6, 4, 3, 4)


def test_the_usual_size_and_any_other(flat: Path) -> None:
    photo(flat / "cat" / "large.png", size=(30, 50))
    assert load_images(str(flat)).resolution == 8
    other = load_images(f"{flat}@16")
    assert other.resolution == 16 and other.train.x.shape[1:] == (3, 16, 16) and other.name.endswith("@16")


def test_the_middle_of_an_image_is_taken(tmp_path: Path) -> None:
    wide = np.zeros((10, 30, 3), dtype=np.uint8)
    wide[:, 10:20] = 255
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert (folders._pixels(tmp_path / "wide.png", 10) == 255).all()
    assert (folders._pixels(tmp_path / "wide.png", 5)[:, :, 1:4] == 255).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16"])
def test_other_kinds_of_pixels(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.full((4, 4), 0x8000, dtype=np.uint16))
    else:
        image = Image.new("RGB", (4, 4), (255, 255, 255)).convert(mode)
    image.save(tmp_path / "one.png")
    assert set(np.unique(folders._pixels(tmp_path / "one.png", 4))) == {0x80 if mode == "I;16" else 255}


def test_photographs_stand_upright(tmp_path: Path) -> None:
    upright = np.zeros((8, 8, 3), dtype=np.uint8)
    upright[:4] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: to be shown rotated by 90 degrees
    Image.fromarray(np.rot90(upright).copy()).save(tmp_path / "turned.png", exif=exif)
    assert (folders._pixels(tmp_path / "turned.png", 8) == upright.transpose(2, 0, 1)).all()


def test_images_are_read_when_they_are_asked_for(flat: Path) -> None:
    images = load_images(str(flat))
    assert "x" not in images.train.__dict__
    x, y = images.train.take([3, 1])
    assert "x" not in images.train.__dict__ and torch.equal(x, images.train.x[[3, 1]])
    assert torch.equal(y, images.train.y[[3, 1]]) and torch.equal(images.train.take([3, 1])[0], x)


def test_the_name_holds_for_what_was_there(flat: Path) -> None:
    name = load_images(f"{flat}@16").name
    assert load_images(name).name == name
    photo(flat / "cat" / "new.png")
    assert load_images(f"{flat}@16").name != name
    with pytest.raises(DataError, match="is not what it was"):
        load_images(name)


def test_what_cannot_be_read_is_named(flat: Path) -> None:
    whole = (flat / "cat" / "1.png").read_bytes()
    for name, content in (("cut.png", whole[: len(whole) // 2]), ("text.jpg", b"<html>"), ("empty.png", b"")):
        (flat / "cat" / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"cat/{name} cannot be read"):
            load_images(f"{flat}@8").train.x  # noqa: B018
            load_images(f"{flat}@8").test.x  # noqa: B018
        (flat / "cat" / name).unlink()


def test_a_bomb_is_refused_by_its_header(flat: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    for side, message in (
        (8_000, "8000x8000 pixels, at most 50,000,000"),
        (10_000, "pixels"),
        (60_000, "too many pixels"),
    ):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
        (flat / "cat" / "bomb.png").write_bytes(bomb)
        with pytest.raises(DataError, match=rf"bomb.png.*{message}"):
            load_images(str(flat))


def test_other_formats_are_not_decoded(flat: Path) -> None:
    photo(flat / "cat" / "a.bmp").rename(flat / "cat" / "a.png")
    with pytest.raises(DataError, match=r"a.png cannot be read as PNG or JPEG"):
        load_images(str(flat))


def test_links_out_of_the_folder_are_refused(flat: Path) -> None:
    outside = photo(flat.parent / "secret" / "1.png")
    link = flat / "cat" / "link.png"
    link.symlink_to(outside)
    with pytest.raises(DataError, match=r"link.png is a link to .*secret/1.png, outside"):
        load_images(str(flat))
    link.unlink()
    link.symlink_to(flat / "dog" / "1.png")
    assert len(folders._images(flat)) == 41  # one that stays inside is an image
    (flat / "bird").symlink_to(outside.parent, target_is_directory=True)
    with pytest.raises(DataError, match=r"bird is a link to .*secret, outside"):
        load_images(str(flat))


def test_folders_that_are_no_data_set(tmp_path: Path, flat: Path) -> None:
    (tmp_path / "none").mkdir()
    photo(tmp_path / "one" / "cat" / "1.png")
    for number in range(12):
        photo(tmp_path / "few" / "cat" / f"{number}.png")
    photo(tmp_path / "few" / "dog" / "1.png")
    photo(tmp_path / "half" / "train" / "cat" / "1.png")
    for path, kind, message in (
        (tmp_path / "absent", UsageError, "no folder of images"),
        (tmp_path / "none", UsageError, "holds no class: expected 2 folders or more"),
        (tmp_path / "one", UsageError, "holds one class, cat"),
        (tmp_path / "few", DataError, "class dog has . training images, expected at least 2"),
        (tmp_path / "half", UsageError, "holds train: expected 'train' and 'test'"),
        (f"{flat}@x", UsageError, "expected a number of pixels"),
        (f"{flat}@", UsageError, "expected a number of pixels"),
        (f"{flat}@20000", UsageError, r"40 images .* are 48.0 GB, at most 4 GB are taken: ask for fewer pixels"),
    ):
        with pytest.raises(kind, match=message):
            load_images(str(path))
    (flat / "bird").mkdir()
    with pytest.raises(DataError, match="bird holds no image: expected files that end in"):
        load_images(str(flat))


def test_names_of_folders(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(flat.parent)
    assert parse_name("pets").is_folder and parse_name("pets@16")[:3] == ("pets", "", "16")
    assert load_images("pets").classes == load_images("./pets@8").classes == 2
    assert parse_name("a@b/c@16")[:3] == ("a@b/c", "", "16") and parse_name("a@b/c")[:3] == ("a@b/c", "", None)
    assert parse_name("embedded:20@16") == ("embedded", "20", "16", False)
    os.mkdir("cifar100")
    assert not parse_name("cifar100@16").is_folder  # a data set's name is the data set


@pytest.mark.parametrize("name", ["imgs@home", "imgs@16"])
def test_an_at_in_the_name_of_a_folder_is_no_pixels(
    flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    flat.rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for asked in (str(tmp_path / name), *([name] if name == "imgs@home" else [f"./{name}"])):
        found = load_images(asked)
        assert found.name == load_images(found.name).name and f"{name}#" in found.name
        assert load_images(f"{found.name}@8").resolution == 8
