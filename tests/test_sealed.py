"""Sealed files: whole or not at all."""

import os
import random
from pathlib import Path
from typing import Any

import pytest

from diswot_errors import DataError
from nb201_data.sealed import SealedError, read_sealed, write_sealed

CONTENT = random.Random(0).randbytes(2_000)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cache.bin"
    assert read_sealed(path) is None
    for content in (CONTENT, b"", b"\n" * 500):
        write_sealed(path, content)
        assert read_sealed(path) == content
    assert [p.name for p in path.parent.iterdir()] == ["cache.bin"]


def test_every_flip_of_a_bit_is_found(tmp_path: Path) -> None:
    path = tmp_path / "cache.bin"
    write_sealed(path, CONTENT)
    whole = path.read_bytes()
    rng = random.Random(1)
    bits = [*range(8 * 110), *(rng.randrange(8 * len(whole)) for _ in range(1_000))]  # the whole header, and anywhere
    for bit in bits:
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(SealedError, match=r"cache\.bin"):
            read_sealed(path)


def test_every_truncation_and_addition_is_found(tmp_path: Path) -> None:
    path = tmp_path / "cache.bin"
    write_sealed(path, CONTENT)
    whole = path.read_bytes()
    for length in (*range(0, 200), *range(200, len(whole), 37)):
        path.write_bytes(whole[:length])
        with pytest.raises(SealedError, match="truncated"):
            read_sealed(path)
    path.write_bytes(whole + b"x")
    with pytest.raises(SealedError, match="expected 2000 bytes, found 2001"):
        read_sealed(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"diswot-bench sealed 1 \n", b"\xff" * 500, b"a,b\n1,2\n"])
def test_other_content_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cache.bin"
    path.write_bytes(content)
    with pytest.raises(SealedError, match=rf"cache\.bin is not a sealed file \({len(content)} bytes\)") as caught:
        read_sealed(path)
    assert isinstance(caught.value, DataError) and caught.value.exit_code == 1


def test_a_folder_and_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SealedError, match="cannot be read"):
        read_sealed(tmp_path)

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(SealedError, match="Permission denied"):
        read_sealed(tmp_path / "cache.bin")


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    path = tmp_path / "cache.bin"
    write_sealed(path, b"old")

    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, full)
    with pytest.raises(DataError, match=r"cannot write .*cache\.bin: No space left on device; free some space"):
        write_sealed(path, CONTENT)
    monkeypatch.undo()
    assert read_sealed(path) == b"old" and len(list(tmp_path.iterdir())) == 1


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cache.bin"
    write_sealed(path, b"old")

    def interrupt(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_sealed(path, CONTENT)
    assert read_sealed(path) == b"old" and len(list(tmp_path.iterdir())) == 1
