"""NAS-Bench-201: accuracies of all 15,625 cells, and the benchmark's own numbering of them."""

from functools import lru_cache
from pathlib import Path

from diswot_errors import DataError, UsageError
from diswot_registry import did_you_mean
from nb201_data.datasets import BENCHMARK
from nb201_data.files import NotOnDisk, data_dir, is_there
from nb201_data.space import Cell
from nb201_data.truth.csv_rows import read_rows
from nb201_data.truth.records import GroundTruth, Record, ground_truth, narrow

FILE = "nb201/accuracies.csv.gz"
COUNT = 15_625
SKELETONS = {data.name: data.skeleton for data in BENCHMARK}
_SHORT = {"imagenet16-120": "imagenet16"}  # in the names of columns
SPLITS = ("test", "valid")
EPOCHS = ("12", "200")


def column(images: str, split: str, epochs: str) -> str:
    """`cifar100_test_200`: where a number stands in the table."""
    return f"{_SHORT.get(images, images)}_{split}_{epochs}"


ACCURACY_COLUMNS = tuple(column(i, s, e) for i in SKELETONS for e in ("200", "12") for s in SPLITS)
COLUMNS = ("index", "arch", *ACCURACY_COLUMNS, "params_m_cifar10", "flops_m_cifar10")


def names() -> list[str]:
    """Every name of this source, on disk or not."""
    return [f"nb201:{images}:{split}:{epochs}" for images in SKELETONS for split in SPLITS for epochs in EPOCHS]


def path() -> Path:
    """Where the columnar file lies, present or not."""
    return data_dir() / FILE


def load(name: str, parts: list[str], conditions: dict[str, str]) -> GroundTruth:
    """`nb201:DATASET:test|valid:12|200`."""
    plain = ":".join(["nb201", *parts])
    if plain not in names():
        near = did_you_mean(plain, names())
        raise UsageError(f"no ground truth '{name}'.{near} There is {', '.join(names())}")
    images, split, epochs = parts
    skeleton = str(SKELETONS[images])
    values = _accuracies(column(images, split, epochs))
    records = (
        Record("nb201", arch, skeleton, images, split, int(epochs), "", "nas-bench-201", None, value)
        for arch, value in zip(official_order(), values, strict=True)
    )
    note = (
        f"{{n}} cells trained alone on {images}, {split} accuracy after {epochs} epochs, "
        "mean over the benchmark's seeds, from NAS-Bench-201"
    )
    return ground_truth(name, "benchmark", narrow(name, records, conditions), note)


def official_order() -> tuple[str, ...]:
    """The arch strings in the order of the benchmark's file."""
    return _order(*_stamp())


def official_index(cell: Cell | str) -> int:
    """The benchmark's number of a cell, 0 to 15,624."""
    index = _index(*_stamp())
    key = str(cell if isinstance(cell, Cell) else Cell.parse(cell))
    return index[key]


def official_cell(index: int) -> Cell:
    """The cell that the benchmark numbers `index`."""
    if not 0 <= index < COUNT:
        raise UsageError(f"no cell {index}: NAS-Bench-201 numbers its cells from 0 to {COUNT - 1:,}")
    return Cell.parse(official_order()[index])


def _accuracies(name: str) -> tuple[float, ...]:
    return tuple(row.percent(name) for row in read_rows(_present(), ("index", "arch", name), None))


def _present() -> Path:
    if not is_there(path()):
        remedy = "`python -m nb201_data fetch nb201/benchmark` gets the official file (5 GB), "
        raise NotOnDisk("NAS-Bench-201", path(), f"{remedy}`python -m nb201_data convert` makes the small table of it")
    return path()


def _stamp() -> tuple[Path, int, int]:
    status = _present().stat()
    return path(), status.st_size, status.st_mtime_ns


@lru_cache(maxsize=2)
def _order(file: Path, _size: int, _time: int) -> tuple[str, ...]:
    order: list[str] = []
    for row in read_rows(file, ("index", "arch"), None):
        if row.integer("index") != len(order):
            raise row.fault(
                "index", f"'{row.text('index')}', expected {len(order)}: the table is in the official order"
            )
        arch = row.required("arch")
        try:
            Cell.parse(arch)
        except UsageError as error:
            raise row.fault("arch", str(error)) from error
        order.append(arch)
    if len(set(order)) != COUNT or len(order) != COUNT:
        raise DataError(f"{file} holds {len(order):,} cells ({len(set(order)):,} different), expected all {COUNT:,}")
    return tuple(order)


@lru_cache(maxsize=2)
def _index(file: Path, size: int, time: int) -> dict[str, int]:
    return {arch: number for number, arch in enumerate(_order(file, size, time))}
