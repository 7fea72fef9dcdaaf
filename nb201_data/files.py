"""Every external file: where it lies, whether it is whole, how to get it.

The data folder is `NB201_DATA_DIR`, or `diswot-bench` in the user's cache folder. Reading never writes there;
only `fetch` does, and it writes under a temporary name, checks the hash and then renames.
"""

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from diswot_errors import DataError, UsageError
from diswot_registry import did_you_mean
from nb201_data.catalogue import FILES, GROUPS, DataFile
from nb201_data.hashes import hash_of, hash_of_bytes
from nb201_data.numerals import shown

State = Literal["absent", "present", "whole", "wrong size", "wrong hash", "unreadable"]


class NotOnDisk(DataError):  # noqa: N818 - what is the matter, as a name
    """Something that `fetch` gets, or says how to get, is not there; `remedy` is the command."""

    def __init__(self, name: str, path: Path, remedy: str) -> None:
        super().__init__(f"{name} is not on disk ({path}): {remedy}")
        self.name, self.remedy = name, remedy


@dataclass(frozen=True)
class Status:
    """What is on disk for one file. 'present': there, its size fits, its hash was not compared."""

    file: DataFile
    path: Path
    state: State
    expected: str = ""
    found: str = ""

    @property
    def usable(self) -> bool:
        """Nothing speaks against reading it."""
        return self.state in ("whole", "present")

    def __str__(self) -> str:
        if self.state == "absent":
            return f"{self.file.name}: absent ({self.path}). {self.remedy}"
        if self.state == "unreadable":
            return f"{self.file.name}: {self.path} cannot be read ({self.found}); check its permissions"
        if self.usable:
            return f"{self.file.name}: {self.state} ({self.path})"
        return (
            f"{self.file.name}: {self.state}: {self.path}, expected {self.expected}, found {self.found}. "
            f"The file is truncated or altered: delete it. {self.remedy}"
        )

    @property
    def remedy(self) -> str:
        """What to do when the file is absent or broken."""
        return remedy(self.file)


def data_dir() -> Path:
    """The folder that holds every external file: `NB201_DATA_DIR`, or the user's cache folder."""
    named = os.environ.get("NB201_DATA_DIR", "")
    return Path(os.path.expanduser(named)).absolute() if named else cache_dir()


def cache_dir() -> Path:
    """The user's cache folder of this project: downloads by default, and what can always be computed again."""
    return platformdirs.user_cache_path("diswot-bench", appauthor=False, opinion=False)


def groups() -> list[str]:
    """Names of the groups of files: 'cifar100', 'cifar10', ..."""
    return list(GROUPS)


def select(name: str) -> list[DataFile]:
    """The file called `name`, or all files of the group called `name`; 'all' for every file."""
    if name == "all":
        return list(FILES.values())
    if name in FILES:
        return [FILES[name]]
    chosen = [file for file in FILES.values() if file.group == name]
    if not chosen:
        known = [*groups(), *FILES]
        raise UsageError(f"no data file or group '{name}'.{did_you_mean(name, known)} Groups: {', '.join(groups())}")
    return chosen


def record(name: str) -> DataFile:
    """The record of exactly one file."""
    chosen = select(name)
    if len(chosen) != 1:
        raise UsageError(
            f"'{name}' names {len(chosen)} files, one was meant: {', '.join(file.name for file in chosen)}"
        )
    return chosen[0]


def path_of(name: str) -> Path:
    """Where the file called `name` lies, present or not."""
    return data_dir() / record(name).path


def is_there(path: Path) -> bool:
    """Whether a file is at `path`; a refusal where that cannot be found out."""
    try:
        return path.is_file()
    except OSError as error:  # a folder that may not be entered, a name that is too long
        raise DataError(
            f"{shown(str(path))} cannot be looked at ({error.strerror}): check its name and the permissions of its "
            "folder, or name another data folder with NB201_DATA_DIR"
        ) from error


def remedy(file: DataFile) -> str:
    """How to get this file."""
    by_hand = f"by hand: {file.manual}; it belongs at {data_dir() / file.path}" if file.manual else ""
    if not file.automatic:
        return f"Get it {by_hand}"
    fetch_it = f"Fetch it: python -m nb201_data fetch {file.group}"
    return f"{fetch_it}, or {by_hand}" if by_hand else fetch_it


def status(name: str, full: bool = True) -> Status:
    """State of one file: size first (cheap), then with `full` its hash as well."""
    return status_of(record(name), data_dir(), full)


def status_of(file: DataFile, folder: Path, full: bool = True) -> Status:
    """State of `file` below `folder`."""
    path = folder / file.path
    try:
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            return Status(file, path, "absent")
        if file.size is not None and size != file.size:
            return Status(file, path, "wrong size", f"{file.size} bytes", f"{size} bytes")
        if not full or not file.hash:
            return Status(file, path, "present")
        hashes = {expected: hash_of(path, expected) for expected in (file.hash, *file.also)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return Status(file, path, "unreadable", found=str(error))
    whole = any(expected == found for expected, found in hashes.items())
    return Status(file, path, "whole" if whole else "wrong hash", file.hash, hashes[file.hash])


def missing(names: Iterable[str]) -> str:
    """What stands against using these files, by presence and size only; '' where nothing does."""
    states = (status(name, full=False) for name in names)
    return next((str(state) for state in states if not state.usable), "")


def verify(names: Iterable[str] = ("all",)) -> list[Status]:
    """Full check, size and hash, of the named files or groups."""
    files = {file.name: file for name in names for file in select(name)}
    return [status_of(file, data_dir()) for file in files.values()]


def read_checked(name: str) -> bytes:
    """Content of one file, refused unless size and hash fit; the bytes that were checked are the bytes returned."""
    file = record(name)
    state = status_of(file, data_dir(), full=False)
    if not state.usable:
        raise DataError(str(state))
    try:
        content = state.path.read_bytes()
    except OSError as error:
        raise DataError(f"{file.name}: {state.path} cannot be read ({error})") from error
    if file.hash:
        found = hash_of_bytes(content, file.hash)
        if found != file.hash:
            raise DataError(str(Status(file, state.path, "wrong hash", file.hash, found)))
    return content
