"""Getting files: write under a temporary name, check, rename. What is not whole never reaches its place."""

import errno
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from diswot_errors import DataError
from nb201_data.catalogue import ARCHIVES, FILES, Archive, Conversion, DataFile, Source
from nb201_data.downloading import LIMITS, DownloadLimits, download, fault_of
from nb201_data.files import data_dir, remedy, select, status_of
from nb201_data.published_tables import CONVERTERS

_INCOMING = ".incoming-"
_STALE = 24 * 3600  # seconds after which the workspace of a killed download is cleared
_Get = Callable[[Source, Path], Path]  # a source, into a folder


def fetch(name: str, progress: bool = False) -> list[Path]:
    """Get the file or group called `name` and return where its files lie; what is whole already is left alone."""
    return fetch_files(select(name), data_dir(), progress)


def fetch_files(
    wanted: Sequence[DataFile], folder: Path, progress: bool = False, limits: DownloadLimits = LIMITS
) -> list[Path]:
    """Get every file of `wanted` that is not whole below `folder`; all are tried before failures are reported."""
    get = partial(download, progress=progress, limits=limits)
    failures: list[str] = []
    for file in wanted:
        if status_of(file, folder).usable:
            continue  # whole, or fetched with the archive of an earlier file
        try:
            if not file.automatic:
                raise DataError(f"{file.name}: {remedy(file)}")
            with _workspace(folder) as workspace:
                _fetch_one(file, folder, workspace, get)
        except DataError as error:
            failures.append(str(error))
    if failures:
        raise DataError("\n".join(dict.fromkeys(failures)))
    return [folder / file.path for file in wanted]


def _fetch_one(file: DataFile, folder: Path, workspace: Path, get: _Get) -> None:
    if file.archive:
        _from_archive(ARCHIVES[file.archive], folder, workspace, get)
    elif file.conversions:
        _install(_converted(file, workspace, get), folder / file.path)
    else:
        source = Source(file.name, file.urls, file.hash, file.size, file.redirects)
        try:
            _install(get(source, workspace), folder / file.path)
        except DataError as error:
            if not file.manual:
                raise
            raise DataError(f"{error}. Or by hand: {file.manual}; it belongs at {folder / file.path}") from error


@contextmanager
def _workspace(folder: Path) -> Iterator[Path]:
    """A folder beside the data (so that renaming is atomic), gone afterwards whatever happened."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear_stale(folder)
        workspace = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=folder))
    except OSError as error:
        raise _disk_error(error, folder) from error
    try:
        yield workspace
    except OSError as error:
        raise _disk_error(error, folder) from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _clear_stale(folder: Path) -> None:
    """Remove what a killed download left behind."""
    for left in folder.glob(_INCOMING + "*"):
        if left.is_dir() and time.time() - left.stat().st_mtime > _STALE:
            shutil.rmtree(left, ignore_errors=True)


def _disk_error(error: OSError, folder: Path) -> DataError:
    if error.errno == errno.ENOSPC:
        return DataError(f"the disk of {folder} is full: free some space or set NB201_DATA_DIR to another disk")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DataError(f"cannot write below {folder} ({error.strerror}): set NB201_DATA_DIR to a folder of your own")
    return DataError(f"writing below {folder} failed: {error}")


def _install(made: Path, place: Path) -> None:
    """Move a checked file to its place in one step."""
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(made, place)


def _from_archive(archive: Archive, folder: Path, workspace: Path, get: _Get) -> None:
    """Download a tar file, take out the members that the catalogue knows, check each, then move them all."""
    packed = get(archive, workspace)
    wanted = {str(Path(f.path).relative_to(archive.folder)): f for f in FILES.values() if f.archive == archive.name}
    unpacked: dict[str, Path] = {}
    try:
        with tarfile.open(packed) as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                if name in wanted and member.isreg() and name not in unpacked:
                    unpacked[name] = _unpack(tar, member, wanted[name], workspace)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise DataError(f"{archive.name} cannot be unpacked: {error}. Fetch it again") from error
    missing = wanted.keys() - unpacked.keys()
    if missing:
        raise DataError(f"{archive.name} lacks {', '.join(sorted(missing))}: nothing of it was installed")
    for name, path in unpacked.items():
        _install(path, folder / wanted[name].path)


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, file: DataFile, workspace: Path) -> Path:
    """One regular member, written under a name of our own choice and checked."""
    target = workspace / f"member-{Path(file.path).name}"
    stream = tar.extractfile(member)
    if stream is None or (file.size is not None and member.size != file.size):
        raise DataError(f"{file.name} in the archive has {member.size} bytes, expected {file.size}: not installed")
    with stream, target.open("wb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    fault = fault_of(target, Source(file.name, (), file.hash, file.size))
    if fault:
        raise DataError(f"{file.name} in the archive is altered: {fault}; not installed")
    return target


def _converted(file: DataFile, workspace: Path, get: _Get) -> Path:
    """The table of `file`, from the first conversion that gives the pinned values."""
    faults = []
    for number, conversion in enumerate(file.conversions):
        try:
            table = workspace / f"table-{number}.csv"
            table.write_text(_table(conversion, workspace, get), encoding="utf-8", newline="\n")
            fault = fault_of(table, Source(file.name, (), file.hash))
        except DataError as error:
            fault = str(error)
        if not fault:
            return table
        faults.append(f"{' and '.join(source.name for source in conversion.sources)}: {fault}")
    raise DataError(f"{file.name} could not be made from {file.origin}. {'. '.join(faults)}")


def _table(conversion: Conversion, workspace: Path, get: _Get) -> str:
    return CONVERTERS[conversion.function]([get(source, workspace) for source in conversion.sources])
