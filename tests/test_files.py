"""External files: the catalogue, what is on disk, is it whole."""

import dataclasses
import hashlib
from pathlib import Path

import pytest
from files_support import GOOD, made_file

from diswot_errors import UsageError
from nb201_data import catalogue, fetching, files
from nb201_data.catalogue import DataFile
from nb201_data.hashes import hash_of, table_hash


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


def test_every_group_is_described_and_has_files() -> None:
    assert files.groups() == list(dict.fromkeys(file.group for file in files.FILES.values()))


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
    assert set(found.values()) == {"whole"} and len(found) == 7
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
