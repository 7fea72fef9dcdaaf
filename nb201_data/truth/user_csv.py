"""A CSV of the user's.

=========  ========  =================================================================================
column     needed    meaning
=========  ========  =================================================================================
arch       yes       an architecture of the space, as `SearchSpace.parse` reads it
accuracy   yes       top-1 in percent, 0 to 100
space      no        unless given, what `:space=NAME` behind the file says, else `nb201`
skeleton   no        such as `c16n5k100r32`; unless given, that of the space, with the classes and resolution of
                     `images` where those are a data set that is known here
images     no        data set trained on, `cifar100`
split      no        `test`, `valid`
epochs     no        a whole number
teacher    no        empty: trained alone
protocol   no        name of the recipe
seed       no        a whole number; several seeds of one architecture are averaged
=========  ========  =================================================================================

Any further column is left alone, unless its name is one of these misspelt.
"""

from dataclasses import replace
from pathlib import Path

from diswot_errors import DataError, UsageError
from nb201_data.datasets import DATASETS
from nb201_data.files import is_there
from nb201_data.numerals import shown, whole
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space
from nb201_data.truth.csv_rows import Row, read_rows
from nb201_data.truth.measured import checked_arch, checked_skeleton
from nb201_data.truth.records import CONDITIONS, GroundTruth, Record, ground_truth, narrow

REQUIRED = ("arch", "accuracy")
OPTIONAL = ("space", "skeleton", "images", "split", "epochs", "teacher", "protocol", "seed")


def load(path: Path, conditions: dict[str, str]) -> GroundTruth:
    """The accuracies in the CSV file at `path`."""
    if not is_there(path):
        raise UsageError(f"no file {path}: expected a CSV with the columns {', '.join(REQUIRED)}")
    records: list[Record] = []
    lines: dict[Record, int] = {}
    space = conditions.get("space") or "nb201"
    for row in read_rows(path, REQUIRED, OPTIONAL, further=True):
        record = _record(row, space)
        run = replace(record, accuracy=0.0)
        before = lines.setdefault(run, row.line)
        if before != row.line:
            seed = "without a seed" if record.seed is None else f"with seed {record.seed}"
            raise row.fault("arch", f"{record.arch} {seed} is in line {before} already")
        records.append(record)
    if not records:
        raise DataError(f"{path} holds no row: expected one accuracy a line")
    if len(records) > 1 and all(record.accuracy <= 1 for record in records):
        raise DataError(f"{path}: every accuracy is at most 1, expected percent: multiply by 100")
    records = narrow(str(path), records, conditions)
    stated = {field: str(getattr(records[0], field) or "") for field in CONDITIONS} if records else {}
    told = ", ".join(f"{field} {value}" for field, value in stated.items() if value)
    note = f"{{n}} architectures ({told}; {{runs}}) from {path.name}"
    name = "".join([str(path), *(f":{field}={value}" for field, value in conditions.items())])
    return ground_truth(name, "user", records, note)


def _record(row: Row, usual_space: str) -> Record:
    space, images = row.text("space", usual_space), row.text("images")
    try:
        skeleton = get_space(space).skeleton
    except UsageError as error:
        if not row.text("space"):
            raise
        raise row.fault("space", str(error)) from error
    try:
        fitted = _fitted(skeleton, images)
    except UsageError as error:
        raise row.fault("images", str(error)) from error
    return Record(
        space=space,
        arch=checked_arch(row, space),
        skeleton=checked_skeleton(row, default=str(fitted)),
        images=images,
        split=row.text("split"),
        epochs=row.integer("epochs"),
        teacher=row.text("teacher"),
        protocol=row.text("protocol"),
        seed=row.integer("seed"),
        accuracy=row.percent("accuracy"),
    )


def _fitted(skeleton: Skeleton, images: str) -> Skeleton:
    """`skeleton` with the classes and resolution of the data set, where it is a known one (`@16`: pooled to 16x16)."""
    name, at, pooled = images.partition("@")
    if name not in DATASETS:
        return skeleton
    resolution = whole(pooled) if at else DATASETS[name].resolution
    if resolution is None:
        raise UsageError(f"{shown(images)}: expected pixels after '@', as in '{name}@16'")
    return replace(skeleton, classes=DATASETS[name].classes, resolution=resolution)
