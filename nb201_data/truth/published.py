"""Accuracies that other authors published, alone and distilled: S0 and two families of vision transformers."""

from dataclasses import dataclass, replace
from pathlib import Path

from diswot_errors import UsageError
from nb201_data.files import NotOnDisk, data_dir, is_there
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
    protocol: str
    classes: int
    note: str
    n: int
    above: float = 0.0
    """Rows with less are left out: runs that failed."""

    @property
    def path(self) -> Path:
        """Where its file lies, present or not."""
        return data_dir() / self.file


_UNKNOWN_TEACHER = "not recorded"
_S0_KD = "{n} ResNets of S0 distilled on cifar100, one run each; teacher and seed are not recorded, DisWOT authors"
_S0_VANILLA = "{n} ResNets of S0 trained alone on cifar100, one run each, seed not recorded, DisWOT authors"
_VIT_IMAGES = {"cifar100": ("c100", 100), "flowers": ("flower", 102), "chaoyang": ("chaoyang", 4)}
_VIT_TEACHER = "resnet56"
"""By the configuration that the authors ship: three hint layers of a ResNet-56 that sees the images at 32 x 32."""
_VIT_FAMILIES = {  # file, space, variants
    "autoformer": ("autoformer", "autoformer", ("kd", "vanilla")),
    "autoformer2": ("autoformer_2", "autoformer", ("kd",)),
    "pit": ("pit", "pit", ("kd", "vanilla")),
}
_FAILED = ("vit:autoformer:flowers:kd", 60.0)
"""One run of this table ended at 48.56 %, the next lowest at 65.70: a run that failed."""


def _s0(variant: str, teacher: str, note: str) -> Published:
    file, column = "distillation/s0_resnet_cifar100.csv", f"cifar100_{variant}"
    return Published(f"s0:{variant}", file, "s0", column, "cifar100", teacher, "diswot", 100, note, 64)


def _transformer(family: str, images: str, variant: str) -> Published:
    file, space, _ = _VIT_FAMILIES[family]
    (column, classes), distilled = _VIT_IMAGES[images], variant == "kd"
    name = f"vit:{family}:{images}:{variant}"
    how = "distilled from the maps of a ResNet-56 that saw them at 32 x 32," if distilled else "trained alone,"
    note = f"{{n}} vision transformers of {space}, trained on {images}, {how} one run each, Auto-Prox authors"
    if name == _FAILED[0]:
        note += f"; one run failed ({name}-finished is without it)"
    return Published(
        name,
        f"distillation/{file}.csv",
        space,
        f"{column}_{'kd' if distilled else 'base'}_acc",
        images,
        _VIT_TEACHER if distilled else "",
        "auto-prox",
        classes,
        note,
        100,
    )


def _finished(table: Published) -> Published:
    """A table without its failed run."""
    note = table.note.partition(";")[0] + "; the run that failed is left out"
    return replace(table, name=f"{table.name}-finished", note=note, n=table.n - 1, above=_FAILED[1])


_TRANSFORMERS = [
    _transformer(family, images, variant)
    for family, (*_, variants) in _VIT_FAMILIES.items()
    for images in _VIT_IMAGES
    for variant in variants
]
_TABLES = (
    _s0("kd", _UNKNOWN_TEACHER, _S0_KD),
    _s0("vanilla", "", _S0_VANILLA),
    *_TRANSFORMERS,
    *(_finished(table) for table in _TRANSFORMERS if table.name == _FAILED[0]),
)
PUBLISHED: dict[str, Published] = {table.name: table for table in _TABLES}


def names() -> list[str]:
    """Every name of this source, on disk or not."""
    return list(PUBLISHED)


def load(name: str, parts: list[str], conditions: dict[str, str]) -> GroundTruth:
    """`s0:kd`, `s0:vanilla`, `vit:autoformer|autoformer2|pit:cifar100|flowers|chaoyang:kd|vanilla`."""
    plain = ":".join(parts)
    if plain not in PUBLISHED:
        family = [known for known in PUBLISHED if known.split(":")[0] == parts[0]]
        raise UsageError(f"no ground truth '{name}': there is {', '.join(family)}")
    table = PUBLISHED[plain]
    if not is_there(table.path):
        raise NotOnDisk(plain, table.path, "`python -m nb201_data fetch distillation`")
    records = [_record(table, row) for row in read_rows(table.path, ("arch", table.column), None)]
    kept = [record for record in records if record.accuracy >= table.above]
    return ground_truth(name, "published", narrow(name, kept, conditions), table.note)


def _record(table: Published, row: Row) -> Record:
    return Record(
        space=table.space,
        arch=checked_arch(row, table.space),
        skeleton=str(replace(get_space(table.space).skeleton, classes=table.classes)),
        images=table.images,
        split="test",
        epochs=None,
        teacher=table.teacher,
        protocol=table.protocol,
        seed=None,
        accuracy=row.percent(table.column),
    )
