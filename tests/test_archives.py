"""Files that come out of an archive or of a conversion."""

import dataclasses
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from files_support import GOOD, left_in, made_file

from diswot_errors import DataError
from nb201_data import fetching, files
from nb201_data.catalogue import Archive, Conversion, DataFile, Source
from nb201_data.hashes import table_hash


def tar_of(members: list[tuple[str, bytes]], *others: tarfile.TarInfo) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for other in others:
            tar.addfile(other)
    return packed.getvalue()


@pytest.fixture
def install_archive(monkeypatch: pytest.MonkeyPatch, server: Callable[..., str]) -> Callable[[bytes], list[DataFile]]:
    """Put a tar file on the server and into the catalogue, with two known members."""

    def install(packed: bytes) -> list[DataFile]:
        md5 = f"md5:{hashlib.md5(packed).hexdigest()}"
        archive = Archive("made.tar.gz", (server(packed),), md5, len(packed), folder="made")
        known = []
        for name, content in (("one", GOOD), ("two", b"two")):
            digest = f"md5:{hashlib.md5(content).hexdigest()}"
            known.append(DataFile(f"made/{name}", "", f"made/in/{name}", "", "", digest, archive="made.tar.gz"))
        monkeypatch.setitem(fetching.ARCHIVES, archive.name, archive)
        for file in known:
            monkeypatch.setitem(files.FILES, file.name, file)
        return known

    return install


def test_known_members_are_installed_and_others_ignored(
    folder: Path, install_archive: Callable[[bytes], list[DataFile]]
) -> None:
    escape = ("../../escaped", b"x"), ("/tmp/escaped-absolute", b"x"), ("in/../../escaped", b"x")
    known = install_archive(tar_of([("in/one", GOOD), ("./in/two", b"two"), ("in/readme", b"hello"), *escape]))
    paths = fetching.fetch_files(known, folder)
    assert [path.read_bytes() for path in paths] == [GOOD, b"two"]
    assert left_in(folder.parent) == ["data/made/in/one", "data/made/in/two"]
    assert not Path("/tmp/escaped-absolute").exists()


def test_a_link_in_place_of_a_member_is_not_followed(
    folder: Path, tmp_path: Path, install_archive: Callable[[bytes], list[DataFile]]
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(GOOD)
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        link = tarfile.TarInfo("in/one")
        link.type, link.linkname = kind, str(secret)
        known = install_archive(tar_of([("in/two", b"two")], link))
        with pytest.raises(DataError, match=r"lacks in/one: nothing of it was installed"):
            fetching.fetch_files(known, folder)
    assert left_in(folder) == []


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("in/one", GOOD)], "lacks in/two"),
        ([("in/one", GOOD[:-1]), ("in/two", b"two")], "made/one in the archive is altered"),
        ([("in/one", GOOD), ("in/two", b"tow")], "made/two in the archive is altered"),
    ],
)
def test_incomplete_and_altered_archives_install_nothing(
    folder: Path,
    install_archive: Callable[[bytes], list[DataFile]],
    members: list[tuple[str, bytes]],
    message: str,
) -> None:
    with pytest.raises(DataError, match=message):
        fetching.fetch_files(install_archive(tar_of(members)), folder)
    assert left_in(folder) == []


def test_an_archive_that_is_no_archive(folder: Path, install_archive: Callable[[bytes], list[DataFile]]) -> None:
    whole = tar_of([("in/one", os.urandom(50_000)), ("in/two", b"two")])
    for content in (b"not a tar file", whole[: len(whole) // 2]):
        with pytest.raises(DataError, match=r"made\.tar\.gz cannot be unpacked"):
            fetching.fetch_files(install_archive(content), folder)
    assert left_in(folder) == []


# --- converted tables ------------------------------------------------------------------------------------------------


def test_a_table_is_made_from_the_first_conversion_that_gives_it(
    folder: Path, tmp_path: Path, server: Callable[..., str]
) -> None:
    alone, wrong, distilled = (server(text) for text in (b"111 60.2000\n", b"111 99.0\n", b"111 61.8700\n"))
    expected = tmp_path / "expected.csv"
    expected.write_text("arch,n1,n2,n3,cifar100_vanilla,cifar100_kd\n111,1,1,1,60.2,61.87\n")

    def conversion(kd: str) -> Conversion:
        return Conversion("s0_networks", (Source("alone.txt", (alone,)), Source("kd.txt", (kd,))))

    pinned = f"table-sha256:{table_hash(expected)}"
    file = made_file(hash=pinned, path="made/t.csv", conversions=(conversion(wrong), conversion(distilled)))
    fetching.fetch_files([file], folder)
    assert (folder / file.path).read_text() == expected.read_text()
    assert left_in(folder) == ["made/t.csv"]
    other = dataclasses.replace(file, path="made/u.csv", conversions=(conversion(wrong),))
    with pytest.raises(
        DataError, match=r"made/file could not be made from this test.*alone\.txt and kd\.txt: expected"
    ):
        fetching.fetch_files([other], folder)
    assert left_in(folder) == ["made/t.csv"]
