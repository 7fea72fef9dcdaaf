"""Files that can tell whether they are whole: a line with the SHA-256 of the content, then the content."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from diswot_errors import DataError

SEAL = b"sealed sha256:"
_LINE = len(SEAL) + 64 + 1


def write_sealed(path: Path, content: bytes) -> None:
    """Write whole or not at all, the folder made where it is missing."""
    partial = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            partial = file.name
            file.write(SEAL + hashlib.sha256(content).hexdigest().encode() + b"\n")
            file.write(content)
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(partial)
        reason = error.strerror or error
        raise DataError(f"cannot write {path}: {reason}; free some space or choose another place") from error


def read_sealed(path: Path) -> bytes:
    """The content as it was written; refused with `DataError` where a single bit is another."""
    try:
        found = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    line, content = found[:_LINE], found[_LINE:]
    if not line.startswith(SEAL) or not line.endswith(b"\n"):
        raise DataError(f"{path} is damaged or no file of this program: it does not begin with its SHA-256")
    digest = hashlib.sha256(content).hexdigest()
    if line[len(SEAL) : -1] != digest.encode():
        raise DataError(f"{path} is damaged: SHA-256 {digest[:12]}... of {len(content):,} bytes is not the sealed one")
    return content
