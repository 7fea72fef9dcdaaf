"""Fetching, which never leaves half a file behind."""

import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from files_support import GOOD, left_in, made_file

from diswot_errors import DataError
from nb201_data import downloading, fetching


def test_fetch_installs_a_good_file_once(folder: Path, server: Callable[..., str]) -> None:
    file = made_file(server(GOOD), size=len(GOOD))
    assert fetching.fetch_files([file], folder) == [folder / file.path]
    assert (folder / file.path).read_bytes() == GOOD
    assert left_in(folder) == [file.path]
    offline = dataclasses.replace(file, urls=("http://127.0.0.1:9/never",))
    assert fetching.fetch_files([offline], folder) == [folder / file.path]  # whole: no download


@pytest.mark.parametrize("size", [None, len(GOOD)])
@pytest.mark.parametrize("bad", [GOOD[:-100], GOOD[:-1] + b"!", b"<html>quota exceeded</html>", b""])
def test_truncated_and_tampered_downloads_are_refused(
    folder: Path, server: Callable[..., str], bad: bytes, size: int | None
) -> None:
    file = made_file(server(bad), size=size)
    with pytest.raises(DataError) as caught:
        fetching.fetch_files([file], folder)
    message = str(caught.value)
    assert caught.value.exit_code == 1 and "made/file" in message and "Try again" in message
    if size is None or len(bad) == size:
        assert file.hash in message and f"found sha256:{hashlib.sha256(bad).hexdigest()}" in message
    else:
        assert f"expected {size} bytes, found {len(bad)}" in message
    assert left_in(folder) == []


def test_a_connection_that_breaks_off(folder: Path, server: Callable[..., str]) -> None:
    file = made_file(server(GOOD[:5_000], length=len(GOOD)))
    with pytest.raises(DataError, match="could not be fetched"):
        fetching.fetch_files([file], folder)
    assert left_in(folder) == []


def test_without_a_network_the_message_says_so_and_what_helps(folder: Path, server: Callable[..., str]) -> None:
    with pytest.raises(DataError) as caught:
        fetching.fetch_files([made_file("http://127.0.0.1:9/closed")], folder)
    message = str(caught.value)
    assert "http://127.0.0.1:9/closed failed: " in message and "Connection refused. No server was reached" in message
    assert "NB201_DATA_DIR" in message and "altered" not in message
    with pytest.raises(DataError, match="Try again later"):  # one of two was reached
        fetching.fetch_files([made_file("http://127.0.0.1:9/closed", server(b"bad"))], folder)


def test_the_next_address_is_tried(folder: Path, server: Callable[..., str]) -> None:
    gone, wrong, right = server(b"", code=404), server(b"other"), server(GOOD)
    file = made_file(gone, "http://127.0.0.1:9/closed", wrong, right)
    fetching.fetch_files([file], folder)
    assert (folder / file.path).read_bytes() == GOOD
    with pytest.raises(DataError, match=r"404.*gave a wrong file"):
        fetching.fetch_files([made_file(gone, wrong, path="made/other.bin")], folder)


def test_a_broken_file_is_replaced_only_by_a_whole_one(folder: Path, server: Callable[..., str]) -> None:
    broken = made_file(server(b"bad"))
    place = folder / broken.path
    place.parent.mkdir(parents=True)
    place.write_bytes(b"half")
    with pytest.raises(DataError):
        fetching.fetch_files([broken], folder)
    assert place.read_bytes() == b"half"
    fetching.fetch_files([made_file(server(GOOD))], folder)
    assert place.read_bytes() == GOOD


def test_what_has_no_address_comes_with_instructions(folder: Path, server: Callable[..., str]) -> None:
    manual = made_file(name="made/manual", path="made/manual", manual="ask its authors")
    good = made_file(server(GOOD))
    with pytest.raises(DataError, match=f"ask its authors; it belongs at {folder / 'made/manual'}"):
        fetching.fetch_files([manual, good], folder)
    assert left_in(folder) == [good.path]  # the others are fetched all the same
    with pytest.raises(DataError, match=r"could not be fetched.*Or by hand: use a browser"):
        fetching.fetch_files([made_file(server(b"quota"), path="made/drive", manual="use a browser")], folder)
    with pytest.raises(DataError, match="convert NAS-Bench-201"):
        fetching.fetch("nb201/accuracies")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left on device"), "the disk of .* is full"),
        (PermissionError(13, "Permission denied"), "cannot write below .*set NB201_DATA_DIR"),
        (OSError(30, "Read-only file system"), "cannot write below"),
        (OSError(5, "Input/output error"), "writing below .* failed"),
    ],
)
def test_trouble_with_the_disk(
    folder: Path, server: Callable[..., str], monkeypatch: pytest.MonkeyPatch, error: OSError, message: str
) -> None:
    def refuse(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(DataError, match=message):
        fetching.fetch_files([made_file(server(GOOD))], folder)
    assert left_in(folder) == []


def test_a_disk_that_fills_up_while_downloading(
    folder: Path, server: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloading.pooch.HTTPDownloader, "__call__", fill)
    with pytest.raises(DataError, match="is full"):
        fetching.fetch_files([made_file("http://127.0.0.1:9/x")], folder)
    assert left_in(folder) == []


def test_too_little_room_is_known_before_the_download(folder: Path) -> None:
    with pytest.raises(DataError, match=r"needs 1,000,000,000,000 MB and the disk of"):
        fetching.fetch_files([made_file("http://127.0.0.1:9/x", size=10**18)], folder)


def test_an_interrupted_download_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_self: object, _url: str, target: BinaryIO, _pooch: None) -> None:
        target.write(GOOD[:10])
        raise KeyboardInterrupt

    monkeypatch.setattr(downloading.pooch.HTTPDownloader, "__call__", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetching.fetch_files([made_file("http://127.0.0.1:9/x")], folder)
    assert left_in(folder) == []


def test_leavings_of_a_killed_download_are_cleared_a_day_later(folder: Path, server: Callable[..., str]) -> None:
    old, running = folder / ".incoming-old", folder / ".incoming-new"
    for left in (old, running):
        left.mkdir(parents=True)
        (left / "half").write_bytes(b"half")
    os.utime(old, (0, 0))
    fetching.fetch_files([made_file(server(GOOD))], folder)
    assert not old.exists() and running.exists()
