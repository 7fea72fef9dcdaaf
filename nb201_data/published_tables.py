"""From the files that authors published to the tables in `distillation/`: one function for each kind of file."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from diswot_errors import DataError

_TRANSFORMER_COLUMNS = (
    "c100_base_acc",
    "c100_kd_acc",
    "flower_base_acc",
    "flower_kd_acc",
    "chaoyang_base_acc",
    "chaoyang_kd_acc",
)
_SUPERNET_COLUMN = "imagenet_super_acc"  # of AutoFormer alone


def s0_networks(sources: Sequence[Path]) -> str:
    """Two text files of lines 'DDD accuracy' (alone, distilled), D the depths of the stages -> one CSV text."""
    alone, distilled = (_accuracies(path) for path in sources)
    if set(alone) != set(distilled):
        unpaired = ", ".join(sorted(set(alone) ^ set(distilled)))
        raise DataError(f"{sources[0].name} and {sources[1].name} list different networks: only one has {unpaired}")
    rows = [[name, *name, repr(alone[name]), repr(distilled[name])] for name in sorted(alone)]
    return _csv([["arch", "n1", "n2", "n3", "cifar100_vanilla", "cifar100_kd"], *rows])


def _accuracies(path: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        try:
            name, accuracy = line.split()
            if len(name) != 3 or not name.isdigit() or name in found or not 0 <= float(accuracy) <= 100:
                raise ValueError
            found[name] = float(accuracy)
        except ValueError:
            raise DataError(
                f"{path.name}, line {number}: {line!r}, expected three depths and an accuracy such as '333 69.57', "
                "each network once"
            ) from None
    return found


def vision_transformers(sources: Sequence[Path]) -> str:
    """A torch file with a list of {'arch': {...}, 'c100_base_acc': ..., ...} -> one CSV text, arch as JSON.

    An accuracy alone (`base`) that an entry lacks, or that is None or NaN, is an empty cell.
    """
    path = sources[0]
    entries = _load(path)
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f"{path.name} holds no list of networks")
    columns = [*_TRANSFORMER_COLUMNS, *([_SUPERNET_COLUMN] if _SUPERNET_COLUMN in entries[0] else [])]

    def accuracy(entry: dict[str, Any], column: str) -> str:
        value = entry.get(column) if "_base_" in column else entry[column]
        return "" if value is None or math.isnan(float(value)) else repr(float(value))

    try:
        rows = [
            [json.dumps(dict(entry["arch"]), default=_number), *(accuracy(entry, column) for column in columns)]
            for entry in entries
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path.name}: an entry does not hold what is expected ({error!r})") from error
    return _csv([["arch", *columns], *rows])


def _load(path: Path) -> Any:
    """A torch file of plain containers and numbers (numpy's included); anything else in it is refused unrun."""
    import numpy as np
    import torch

    scalar: Any = np.float64(0).__reduce__()[0]
    kinds = {type(np.dtype(kind)) for kind in ("float64", "float32", "int64")}
    harmless: list[Any] = [scalar, (scalar, "numpy.core.multiarray.scalar"), np.dtype, *kinds]  # numpy 2, numpy 1
    try:
        with torch.serialization.safe_globals(harmless):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken zip, an unsafe pickle, a cut file: torch raises many kinds
        raise DataError(f"{path.name} is not a usable table: {str(error).splitlines()[0]}") from error


def _number(value: Any) -> Any:
    """Numbers of numpy and tensors of one element, for JSON."""
    return value.item()


def _csv(rows: Sequence[Sequence[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


CONVERTERS: dict[str, Callable[[Sequence[Path]], str]] = {
    "s0_networks": s0_networks,
    "vision_transformers": vision_transformers,
}
