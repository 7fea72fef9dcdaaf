"""One published file over the network, within bounds: so many bytes, so slow at most, from the hosts of its record."""

import errno
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit

import pooch

from diswot_errors import DataError
from nb201_data.catalogue import Source
from nb201_data.hashes import hash_of


@dataclass(frozen=True)
class DownloadLimits:
    """What a download may take. Its time is bounded by its size: each window brings its share or is the last."""

    most_bytes: int = 64_000_000
    """Of a file whose size the catalogue does not state."""
    slowest: int = 10_000
    """Bytes a second, over a window."""
    window: float = 60.0
    """Seconds."""
    silence: float = 30.0
    """Seconds without an answer."""


LIMITS = DownloadLimits()
_CHUNK = 1 << 14  # read before anything is counted: less than a window's share
_LOOK = 0.05  # seconds between two looks at what has arrived
_OFFLINE = (
    "No server was reached: check the network, and HTTPS_PROXY where there is a proxy; or fetch on another machine and "
    "bring its data folder here, named by NB201_DATA_DIR"
)
_DISK = (errno.ENOSPC, errno.EACCES, errno.EROFS)


def download(source: Source, folder: Path, progress: bool = False, limits: DownloadLimits = LIMITS) -> Path:
    """`source`, from the first of its addresses that gives the expected content, as a file in `folder`."""
    _ensure_room(source, folder)
    faults, answered = [], False
    for url in source.urls:
        target = folder / source.name.replace("/", "-")
        try:
            _check_address(url, source)
            _transfer(url, target, source, progress, limits)
        except DataError as error:
            faults.append(f"{url} {error}")
            answered = True
            continue
        except Exception as error:  # what comes over a network can raise almost anything
            if isinstance(error, OSError) and error.errno in _DISK:
                raise
            unreached = _unreached(error)
            faults.append(f"{url} failed: {unreached or error}")
            answered |= not unreached
            continue
        fault = fault_of(target, source)
        if not fault:
            return target
        target.unlink()
        faults.append(f"{url} gave a wrong file: {fault}; it was thrown away")
        answered = True
    advice = "Try again later; if it stays so, the file was replaced at its source or altered on the way"
    raise DataError(f"{source.name} could not be fetched. {'. '.join(faults)}. {advice if answered else _OFFLINE}")


def fault_of(path: Path, source: Source) -> str:
    """What speaks against a file that is there, or nothing."""
    size = path.stat().st_size
    if source.size is not None and size != source.size:
        return f"expected {source.size} bytes, found {size}"
    if source.hash:
        found = hash_of(path, source.hash)
        if found != source.hash:
            return f"expected {source.hash}, found {found}"
    return ""


def _unreached(error: BaseException) -> str:
    """Why no connection was made, the innermost cause of what the libraries wrap; '' where a server was reached."""
    from requests.exceptions import ConnectionError, ConnectTimeout
    from urllib3.exceptions import MaxRetryError

    cause: Any = error.args[0] if isinstance(error, ConnectionError | ConnectTimeout) and error.args else None
    if not isinstance(cause, MaxRetryError):
        return ""
    inner: Any = cause.reason
    inner = getattr(inner, "original_error", inner)
    return str(inner).rpartition(": ")[2] or str(inner)


def _ensure_room(source: Source, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if source.size is not None and free < source.size:
        raise DataError(
            f"{source.name} needs {source.size / 1e6:,.0f} MB and the disk of {folder.parent} has "
            f"{free / 1e6:,.0f} MB left: free some space or set NB201_DATA_DIR to another disk"
        )


def _check_address(url: str, source: Source, base: str = "") -> None:
    """Refuse what is not https, and hosts that the record does not name; a server of one's own machine needs no TLS."""
    try:
        parts = urlsplit(urljoin(base, url))
        scheme, host = parts.scheme, parts.hostname or ""
    except ValueError as error:
        raise DataError(f"is no address ({error})") from error
    hosts = {urlsplit(known).hostname for known in source.urls} | set(source.redirects)
    if scheme != "https" and (scheme, host) != ("http", "127.0.0.1"):
        raise DataError(f"is refused: the scheme is '{scheme[:20]}', expected https")
    if host not in hosts:
        raise DataError(f"is refused: the host is '{host[:100]}', expected {' or '.join(sorted(map(str, hosts)))}")


class _Arriving:
    """The file that a downloader writes to: counts, refuses what is too much, and breaks off once nobody waits."""

    def __init__(self, stream: BinaryIO, most: int, stated: bool) -> None:
        self.stream, self.most, self.stated = stream, most, stated
        self.count, self.abandoned = 0, False

    def write(self, chunk: bytes) -> int:
        self.count += len(chunk)
        if self.abandoned:
            raise DataError("was given up")
        if self.count > self.most:
            why = "its size" if self.stated else "the most for a file whose size is not stated"
            raise DataError(f"was broken off after {self.count} bytes: more than {self.most} bytes, {why}")
        return self.stream.write(chunk)

    def flush(self) -> None:
        self.stream.flush()


def _transfer(url: str, target: Path, source: Source, progress: bool, limits: DownloadLimits) -> None:
    """Download in a thread of its own, so that one who waits for the network can give up at any time."""

    def look_at(response: Any, *_arguments: Any, **_options: Any) -> None:
        responses.append(response)
        if response.is_redirect or response.is_permanent_redirect:
            goal = response.headers.get("location", "")
            try:
                _check_address(goal, source, response.url)
            except DataError as error:
                raise DataError(f"leads to {goal[:200]!r}, which {error}") from error

    def run() -> None:
        options = {"hooks": {"response": look_at}, "headers": {"Accept-Encoding": "identity"}}
        get = pooch.HTTPDownloader(progressbar=progress, chunk_size=_CHUNK, timeout=limits.silence, **options)
        try:
            get(url, arriving, None)
        except BaseException as error:
            failures.append(error)
        finally:
            for response in responses:
                response.close()

    failures: list[BaseException] = []
    responses: list[Any] = []
    most = limits.most_bytes if source.size is None else source.size
    with target.open("wb") as stream:
        arriving = _Arriving(stream, most, source.size is not None)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            _wait(thread, arriving, limits)
        finally:
            arriving.abandoned = True
    if failures:
        raise failures[0]


def _wait(thread: threading.Thread, arriving: _Arriving, limits: DownloadLimits) -> None:
    """Until the download has ended, or a window brought less than its share."""
    begin, before = time.monotonic(), 0
    while thread.is_alive():
        thread.join(_LOOK)
        if time.monotonic() - begin < limits.window or not thread.is_alive():
            continue
        came = arriving.count - before
        if came < limits.slowest * limits.window:
            raise DataError(
                f"was given up: {came} bytes in {limits.window:g} seconds, "
                f"expected at least {limits.slowest * limits.window:.0f}"
            )
        begin, before = time.monotonic(), arriving.count
