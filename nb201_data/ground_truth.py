"""Ground truth by name: what is true about the architectures, and under which conditions.

===============================================  ==================================================================
name                                             accuracies
===============================================  ==================================================================
`kd-nb201[:PROTOCOL[:distilled|vanilla]]`        cells that this project trained, with a teacher and alone;
                                                 `kd-nb201:lite-review`: by another distiller or teacher
`nb201:DATASET:test|valid:12|200`                all cells of NAS-Bench-201; `cifar10`, `cifar100`, `imagenet16-120`
`s0:kd`, `s0:vanilla`                            the 64 ResNets of the DisWOT paper
`vit:autoformer|pit:DATASET:kd|vanilla`          100 vision transformers; `cifar100`, `flowers`, `chaoyang`
`vit:autoformer2:DATASET:kd`                     100 further ones, distilled only
a path that ends in `.csv`                       a table of one's own, see `truth/user_csv.py`
===============================================  ==================================================================

Each may be followed by conditions on its records, as in `kd-nb201:lite:distilled:seed=0` or `mine.csv:images=cifar10`.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from diswot_errors import DataError, UsageError
from diswot_registry import did_you_mean
from nb201_data.files import is_there
from nb201_data.numerals import shown
from nb201_data.truth import benchmark, measured, published, user_csv
from nb201_data.truth.benchmark import official_cell, official_index, official_order
from nb201_data.truth.records import GroundTruth, Kind, Record

__all__ = [
    "Available",
    "GroundTruth",
    "Record",
    "available",
    "load_chosen",
    "load_ground_truth",
    "official_cell",
    "official_index",
    "official_order",
]


@dataclass(frozen=True)
class Available:
    """A ground truth that has a name: `n` architectures, on disk or to be fetched."""

    name: str
    kind: Kind
    n: int | None  # None: its file cannot be read
    on_disk: bool


def load_ground_truth(name: str | Path, **conditions: object) -> GroundTruth:
    """The accuracies called `name`, or those in the user's CSV at that path.

    `conditions` keep the records with these values, as `:field=value` behind the name does. `UsageError` where nothing
    matches or where numbers of different conditions remain: it lists what there is.
    """
    plain, chosen = _split(str(name))
    chosen |= {field: "" if value is None else str(value) for field, value in conditions.items()}
    family, *parts = plain.split(":")
    if is_file(name):
        return user_csv.load(Path(os.path.expanduser(plain)), chosen)
    if family == measured.FAMILY:
        return measured.load(str(name), parts, chosen)
    if family == "nb201":
        return benchmark.load(str(name), parts, chosen)
    if family in ("s0", "vit"):
        return published.load(str(name), [family, *parts], chosen)
    known = [measured.FAMILY, *benchmark.names(), *published.names()]
    near = did_you_mean(plain, known)
    raise UsageError(
        f"unknown ground truth {shown(str(name))}.{near} There is {', '.join(known)}, or the path of a .csv file"
    )


def is_file(name: str | Path) -> bool:
    """Whether this is the path of a CSV, with conditions behind it or without, and no name."""
    return isinstance(name, Path) or _split(name)[0].endswith((".csv", ".csv.gz"))


def load_chosen(name: str | Path) -> list[Record]:
    """Further accuracies beside the truth called `name`, of networks that somebody chose; they are no sample of any."""
    plain, conditions = _split(str(name))
    family, *parts = plain.split(":")
    return measured.chosen(str(name), parts, conditions) if family == measured.FAMILY else []


def available() -> list[Available]:
    """Every ground truth that has a name, with its size, and whether it is on disk."""
    found: list[Available] = []
    for name in measured.names():
        try:
            found.append(Available(name, "measured", len(load_ground_truth(name)), True))
        except (DataError, UsageError):
            found.append(Available(name, "measured", None, True))
    found += [_looked_at(name, "benchmark", benchmark.COUNT, benchmark.path()) for name in benchmark.names()]
    return found + [_looked_at(t.name, "published", t.n, t.path) for t in published.PUBLISHED.values()]


def _looked_at(name: str, kind: Kind, n: int, path: Path) -> Available:
    try:
        return Available(name, kind, n, is_there(path))
    except DataError:
        return Available(name, kind, None, True)


def _split(name: str) -> tuple[str, dict[str, str]]:
    """`mine.csv:seed=0:split=test` to `mine.csv` and its conditions."""
    conditions: dict[str, str] = {}
    while match := re.fullmatch(r"(.+):([a-z_]+)=([^:]*)", name):
        name, field, value = match.groups()
        if field in conditions:
            raise UsageError(f"condition '{field}' is given twice: {value} and {conditions[field]}")
        conditions[field] = value
    return name, dict(reversed(conditions.items()))
