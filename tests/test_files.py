"""External files: what is on disk, is it whole, and fetching that never leaves half a file behind."""

import dataclasses
import hashlib
import io
import os
import tarfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from nb201_data import catalogue, fetching, files
from nb201_data.catalogue import Archive, Conversion, DataFile, Source
from nb201_data.errors import DataError, UsageError
from nb201_data.hashes import hash_of, table_hash

GOOD = b"the content that was published" * 1_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder."""
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """`serve(content, length=None, code=200)` -> an address on this machine that gives this content."""
    pages: dict[str, tuple[bytes, int, int]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content, length, code = pages[self.path]
            self.send_response(code)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()

        def serve(content: bytes, length: int | None = None, code: int = 200) -> str:
            page = f"/{len(pages)}/file"
            pages[page] = (content, len(content) if length is None else length, code)
            return f"http://127.0.0.1:{running.server_port}{page}"

        yield serve
        running.shutdown()


def made_file(*urls: str, content: bytes = GOOD, **changes: object) -> DataFile:
    record = DataFile(
        "made/file",
        "a file of this test",
        "made/deep/file.bin",
        "none",
        "this test",
        f"sha256:{hashlib.sha256(content).hexdigest()}",
        urls=urls,
    )
    return dataclasses.replace(record, **changes)  # type: ignore[arg-type]


def left_in(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or "incoming" in path.name
    )


# --- the catalogue ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", files.FILES.values(), ids=lambda file: file.name)
def test_every_record_is_complete(file: DataFile) -> None:
    assert file.what and file.licence and file.origin.startswith("https://")
    assert file.automatic or file.manual
    assert all(url.startswith("https://") for url in file.urls)
    assert not Path(file.path).is_absolute() and ".." not in Path(file.path).parts
    assert file.hash or file.manual  # what is downloaded is checked
    for expected in (file.hash, *file.also):
        kind, _, digits = expected.partition(":")
        length = {"md5": 32, "sha256": 64, "table-sha256": 64, "sha256-prefix": 8, "": 0}[kind]
        assert len(digits) == length and set(digits) <= set("0123456789abcdef")
    if file.archive:
        assert Path(file.path).is_relative_to(catalogue.ARCHIVES[file.archive].folder)
    for conversion in file.conversions:
        assert conversion.function in fetching.CONVERTERS


def test_paths_and_names_are_unique() -> None:
    assert len({file.path for file in files.FILES.values()}) == len(files.FILES)
    assert not set(files.groups()) & set(files.FILES)


def test_select() -> None:
    assert [file.name for file in files.select("cifar100")] == ["cifar100/train", "cifar100/test", "cifar100/meta"]
    assert len(files.select("imagenet16-120")) == 11 and len(files.select("all")) == len(files.FILES)
    with pytest.raises(
        UsageError, match=r"no data file or group 'cifar1oo'\. Did you mean cifar10 or cifar100"
    ) as caught:
        files.select("cifar1oo")
    assert caught.value.exit_code == 2
    with pytest.raises(UsageError, match="names 3 files"):
        files.path_of("cifar100")


def test_data_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NB201_DATA_DIR", str(tmp_path / "here"))
    assert files.data_dir() == tmp_path / "here"
    assert files.path_of("cifar100/train") == tmp_path / "here/cifar100/cifar-100-python/train"
    monkeypatch.setenv("NB201_DATA_DIR", "")
    assert files.data_dir() == files.cache_dir() and files.data_dir().name == "diswot-bench"


def test_reference_data_are_whole(reference_data: Path) -> None:
    found = {status.file.name: status.state for status in files.verify(["cifar100", "distillation"])}
    assert set(found.values()) == {"whole"} and len(found) == 6
    teachers = [status for status in files.verify(["teachers"]) if status.state != "absent"]
    assert {status.file.name for status in teachers} == {"teachers/cifar100_resnet20", "teachers/cifar100_resnet56"}
    assert all(status.state == "whole" for status in teachers)


# --- status ----------------------------------------------------------------------------------------------------------


def test_states(folder: Path) -> None:
    file = made_file("https://nowhere.invalid/file", size=len(GOOD))
    place = folder / file.path
    assert files.status_of(file, folder).state == "absent"
    place.parent.mkdir(parents=True)
    for content, state in ((GOOD, "whole"), (GOOD[:-1], "wrong size"), (b"T" + GOOD[1:], "wrong hash")):
        place.write_bytes(content)
        status = files.status_of(file, folder)
        assert status.state == state and status.usable == (state == "whole")
        if state != "whole":
            for part in ("made/file", str(place), status.expected, status.found, "truncated or altered", "Fetch it"):
                assert part in str(status)
    assert files.status_of(file, folder, full=False).state == "present"
    assert files.status_of(dataclasses.replace(file, hash=""), folder).state == "present"


def test_another_copy_of_the_same_thing_is_whole_too(folder: Path) -> None:
    other = f"sha256:{hashlib.sha256(b'saved again').hexdigest()}"
    file = made_file(also=(other,))
    (folder / file.path).parent.mkdir(parents=True)
    (folder / file.path).write_bytes(b"saved again")
    assert files.status_of(file, folder).state == "whole"
    (folder / file.path).write_bytes(b"something else")
    assert files.status_of(file, folder).state == "wrong hash"


def test_a_file_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> str:
        raise PermissionError(13, "Permission denied")

    file = made_file()
    (folder / file.path).parent.mkdir(parents=True)
    (folder / file.path).write_bytes(GOOD)
    monkeypatch.setattr(files, "hash_of", refuse)
    status = files.status_of(file, folder)
    assert status.state == "unreadable" and not status.usable
    assert "Permission denied" in str(status) and "check its permissions" in str(status)


def test_hash_kinds(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(GOOD)
    for kind in ("md5", "sha256"):
        digest = hashlib.new(kind, GOOD).hexdigest()
        assert hash_of(path, f"{kind}:{'0' * len(digest)}") == f"{kind}:{digest}"
    assert hash_of(path, "sha256-prefix:00000000") == f"sha256-prefix:{hashlib.sha256(GOOD).hexdigest()[:8]}"


def test_table_hash_sees_values_and_nothing_else(tmp_path: Path) -> None:
    def hashed(text: str) -> str:
        path = tmp_path / "table.csv"
        path.write_bytes(text.encode())
        return table_hash(path)

    base = hashed('arch,accuracy\n"{""a"": [1, 2.5], ""b"": 3}",66.5962\nx,2\n')
    assert hashed('arch,accuracy\r\nx,2.0\r\n"{""b"": 3.0, ""a"": [1,2.50]}",66.59620000000001\r\n') == base
    assert hashed('arch,accuracy\n"{""a"": [1, 2.5], ""b"": 3}",66.5963\nx,2\n') != base
    assert hashed('arch,accuracy\n"{""a"": [2.5, 1], ""b"": 3}",66.5962\nx,2\n') != base
    assert hashed('accuracy,arch\n"{""a"": [1, 2.5], ""b"": 3}",66.5962\nx,2\n') != base


# --- fetching --------------------------------------------------------------------------------------------------------


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
        files.fetch("nb201/accuracies")


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

    monkeypatch.setattr(fetching.pooch.HTTPDownloader, "__call__", fill)
    with pytest.raises(DataError, match="is full"):
        fetching.fetch_files([made_file("http://127.0.0.1:9/x")], folder)
    assert left_in(folder) == []


def test_too_little_room_is_known_before_the_download(folder: Path) -> None:
    with pytest.raises(DataError, match=r"needs 1,000,000,000,000 MB and the disk of"):
        fetching.fetch_files([made_file("http://127.0.0.1:9/x", size=10**18)], folder)


def test_an_interrupted_download_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_self: object, _url: str, target: str, _pooch: None) -> None:
        Path(target).write_bytes(GOOD[:10])
        raise KeyboardInterrupt

    monkeypatch.setattr(fetching.pooch.HTTPDownloader, "__call__", interrupt)
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


# --- archives --------------------------------------------------------------------------------------------------------


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
        archive = Archive("made.tar.gz", (server(packed),), md5, len(packed), "made")
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
