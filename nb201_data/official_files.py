"""Reading the official file of NAS-Bench-201 and the folder of NATS-Bench, a part of the cells at a time.

Both give the arch strings in official order, and per cell the states of its results as the nas-bench-201 package
writes them, under 'less' (12 epochs) and 'full' (200 epochs). Nothing in a file is run.
"""

import bz2
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diswot_errors import DataError, UsageError
from nb201_data.catalogue import FILES
from nb201_data.files import remedy
from nb201_data.hashes import hash_of
from nb201_data.last_epochs import copy_last_epochs
from nb201_data.pickles import load_results
from nb201_data.space import Cell

States = dict[int, dict[str, Any]]  # index -> {'less': state, 'full': state}
_BATCH = 1000  # the package's API copies what it is given
_META = "meta.pickle.pbz2"
_NAME = re.compile(r"(?:GLOBAL|global|class) (\w[\w.]*\.\w+)")


def read_benchmark(source: Path) -> tuple[list[str], Iterator[States]]:
    """The arch strings in official order, and the states of the results of all cells, batch by batch."""
    if source.is_dir():
        order, batches = _read_folder(source)
    elif source.is_file():
        order, batches = _read_file(source)
    else:
        raise UsageError(f"no file or folder {source}: expected the official .pth file or a folder NATS-tss-...-simple")
    try:
        cells = [str(Cell.parse(arch)) for arch in order]
    except (UsageError, TypeError, AttributeError) as error:
        raise DataError(f"{source} is no topology benchmark: {error}") from error
    if len(set(cells)) != len(cells):
        raise DataError(f"{source} lists a cell twice")
    return cells, batches


def _read_file(source: Path) -> tuple[list[str], Iterator[States]]:
    _check_hash(source)
    with tempfile.TemporaryDirectory() as folder:
        short = Path(folder) / "last_epochs.pth"
        copy_last_epochs(source, short)
        content = _load(short, source)
    missing = {"meta_archs", "arch2infos"} - set(content if isinstance(content, dict) else ())
    if missing:
        raise DataError(f"{source} is no NAS-Bench-201 file: it has no {' and no '.join(sorted(missing))}")
    return content["meta_archs"], _batches(content["arch2infos"])


def _batches(infos: States) -> Iterator[States]:
    indices = sorted(infos)
    for start in range(0, len(indices), _BATCH):
        yield {index: infos.pop(index) for index in indices[start : start + _BATCH]}


def _check_hash(source: Path) -> None:
    """Refuse a file that has the name of the published one and another content."""
    published = FILES["nb201/benchmark"]
    if source.name != Path(published.path).name:
        return
    found = hash_of(source, published.hash)
    if found != published.hash:
        raise DataError(
            f"{source}: expected {published.hash}, found {found}. It is truncated or altered: "
            f"delete it. {remedy(published)}"
        )


def _load(path: Path, origin: Path) -> Any:
    """The content of a file of `torch.save`: containers, numbers and tensors, with numpy's numbers as the one extra."""
    import numpy as np
    import torch

    scalar = np.float64(0).__reduce__()[0]
    names = [(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]  # before and from numpy 2 on
    numbers = [np.dtype, *(type(np.dtype(code)) for code in ("f4", "f8", "i4", "i8"))]
    try:
        with torch.serialization.safe_globals([*numbers, *names]):  # type: ignore[list-item]
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile or cut file can raise almost anything
        asked = _NAME.search(str(error))
        reason = f"it asks for {asked[1]}, which data never need" if asked else str(error).splitlines()[0]
        raise DataError(f"{origin} is not a usable benchmark file: {reason}. Nothing in it was run") from error


def _read_folder(source: Path) -> tuple[list[str], Iterator[States]]:
    if not (source / _META).is_file():
        raise DataError(f"{source} is no NATS-Bench folder: it has no {_META}; unpack NATS-tss-v1_0-3ffb9-simple.tar")
    meta = _unpickled(source / _META)
    if "meta_archs" not in meta:
        raise DataError(f"{source / _META} is no benchmark: it has no 'meta_archs'")
    order: list[str] = list(meta["meta_archs"])
    return order, (_of_one_cell(source, index) for index in range(len(order)))


def _of_one_cell(folder: Path, index: int) -> States:
    path = folder / f"{index:06d}.pickle.pbz2"
    states = {str(epochs): state for epochs, state in _unpickled(path).items()}
    if not {"12", "200"} <= set(states):
        found = ", ".join(states) or "no"
        raise DataError(f"{path} has results after {found} epochs, expected 12 and 200: is it of the topology space?")
    return {index: {"less": states["12"], "full": states["200"]}}


def _unpickled(path: Path) -> dict[Any, Any]:
    try:
        content = bz2.decompress(path.read_bytes())
    except FileNotFoundError:
        raise DataError(f"{path} is missing: unpack the archive again") from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} is truncated or altered ({error}): unpack the archive again") from error
    return load_results(content, str(path))
