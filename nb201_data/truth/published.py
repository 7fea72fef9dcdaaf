"""Accuracies that other authors published, alone and distilled: S0 and two families of vision transformers."""

from dataclasses import dataclass
from pathlib import Path

from diswot_errors import DataError, UsageError
from nb201_data.files import data_dir, is_there
from nb201_data.spaces import get_space
from nb201_data.truth.csv_rows import Row, read_rows
from nb201_data.truth.measured import checked_arch
from nb201_data.truth.records import GroundTruth, Record, ground_truth, narrow


@dataclass(frozen=True)
class Published:
    """One column of a published table."""

    name: str
    file: str
    space: str
    column: str
    images: str
    teacher: str
    note: str
    n: int

    @property
    def path(self) -> Path:
        """Where its file lies, present or not."""
        return data_dir() / self.file


_UNKNOWN_TEACHER = "not recorded"
_S0_KD = "{n} ResNets of S0 distilled on cifar100, one run each; teacher and seed are not recorded, DisWOT authors"
_S0_VANILLA = "{n} ResNets of S0 trained alone on cifar100, one run each, seed not recorded, DisWOT authors"
_VIT_IMAGES = {"cifar100": "c100", "flowers": "flower", "chaoyang": "chaoyang"}


def _s0(variant: str, teacher: str, note: str) -> Published:
    file, column = "distillation/s0_resnet_cifar100.csv", f"cifar100_{variant}"
    return Published(f"s0:{variant}", file, "s0", column, "cifar100", teacher, note, 64)


def _transformer(family: str, images: str, variant: str) -> Published:
    how = "distilled" if variant == "kd" else "trained alone"
    return Published(
        f"vit:{family}:{images}:{variant}",
        f"distillation/{family}.csv",
        family,
        f"{_VIT_IMAGES[images]}_{'kd' if variant == 'kd' else 'base'}_acc",
        images,
        _UNKNOWN_TEACHER if variant == "kd" else "",
        f"{{n}} vision transformers ({family}) {how} on {images}, one run each, Auto-Prox authors",
        100,
    )


_TABLES = (
    _s0("kd", _UNKNOWN_TEACHER, _S0_KD),
    _s0("vanilla", "", _S0_VANILLA),
    *(_transformer(f, i, v) for f in ("autoformer", "pit") for i in _VIT_IMAGES for v in ("kd", "vanilla")),
)
PUBLISHED: dict[str, Published] = {table.name: table for table in _TABLES}


def names() -> list[str]:
    """Every name of this source, on disk or not."""
    return list(PUBLISHED)


def load(name: str, parts: list[str], conditions: dict[str, str]) -> GroundTruth:
    """`s0:kd`, `s0:vanilla`, `vit:autoformer|pit:cifar100|flowers|chaoyang:kd|vanilla`."""
    plain = ":".join(parts)
    if plain not in PUBLISHED:
        family = [known for known in PUBLISHED if known.split(":")[0] == parts[0]]
        raise UsageError(f"no ground truth '{name}': there is {', '.join(family)}")
    table = PUBLISHED[plain]
    if not is_there(table.path):
        raise DataError(f"{plain} is not on disk ({table.path}): `python -m nb201_data fetch distillation`")
    records = [_record(table, row) for row in read_rows(table.path, ("arch", table.column), None)]
    return ground_truth(name, "published", narrow(name, records, conditions), table.note)


def _record(table: Published, row: Row) -> Record:
    built_in = table.space == "s0"
    return Record(
        space=table.space,
        arch=checked_arch(row, table.space) if built_in else row.required("arch"),
        skeleton=str(get_space("s0").skeleton) if built_in else "",
        images=table.images,
        split="test",
        epochs=None,
        teacher=table.teacher,
        protocol="diswot" if built_in else "auto-prox",
        seed=None,
        accuracy=row.percent(table.column),
    )
