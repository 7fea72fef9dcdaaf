"""Files that appear in one step or are locked, and those that know their own content: caches and checkpoints.

A killed or full machine leaves the old file or none. A sealed file is one line, `diswot-bench sealed 1 SHA256 LENGTH`,
and the content, which is read back whole or not at all: a bit that flips later is found when it is read.
"""

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from diswot_errors import DataError

_HEADER = re.compile(rb"diswot-bench sealed 1 ([0-9a-f]{64}) ([0-9]{1,15})\n")
_HEADER_LENGTH = 128  # no header is longer


class SealedError(DataError):
    """A file is there and does not hold what was sealed. What it held can be computed again: the caller decides."""


def write_whole(path: Path, *pieces: bytes) -> None:
    """Put the pieces, one after another, at `path` in one step; its folder is made."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # who reads of it knows no other name
        raise
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(file: Path, busy: str = "") -> Iterator[None]:
    """`file` locked as long as the context lasts. Where another process holds it: a `DataError` that says `busy`, or
    without such words a wait.
    """
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError as error:
            raise DataError(busy) from error
        yield


def write_sealed(path: Path, content: bytes) -> None:
    """Put `content` at `path` with its seal, in one step; `DataError` where the disk refuses, nothing changed then."""
    header = f"diswot-bench sealed 1 {hashlib.sha256(content).hexdigest()} {len(content)}\n"
    try:
        write_whole(path, header.encode(), content)
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror or error}; free some space, or choose a place that is yours"
        ) from error


def read_sealed(path: Path) -> bytes | None:
    """The content that was sealed at `path`, None where there is no file; `SealedError` where it is anything else."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SealedError(f"{path} cannot be read ({error.strerror or error}): check its permissions") from error
    match = _HEADER.match(whole[:_HEADER_LENGTH])
    if match is None:
        raise SealedError(f"{path} is not a sealed file ({len(whole)} bytes): truncated, altered or of another program")
    content = whole[match.end() :]
    if len(content) != int(match[2]):
        raise SealedError(f"{path} is truncated or altered: expected {int(match[2])} bytes, found {len(content)}")
    found = hashlib.sha256(content).hexdigest()
    if found != match[1].decode():
        raise SealedError(f"{path} is altered: expected sha256:{match[1].decode()}, found sha256:{found}")
    return content
