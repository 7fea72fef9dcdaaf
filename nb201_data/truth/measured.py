"""Tables that this project measured: cells trained with and without a teacher under one recipe and seed."""

from collections.abc import Iterator
from pathlib import Path

from diswot_errors import DataError, UsageError
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space
from nb201_data.truth.csv_rows import Row, read_rows
from nb201_data.truth.records import GroundTruth, Record, ground_truth, narrow

TABLES = Path(__file__).parents[1] / "tables"
FAMILY = "kd-nb201"
ENOUGH = 100  # cells from which on the full protocol is the default
# fmt: off
COLUMNS = (
    "space", "arch", "skeleton", "images", "protocol", "teacher", "seed", "epochs",
    "distilled_top1", "vanilla_top1", "distilled_best", "vanilla_best", "distilled_loss", "vanilla_loss",
    "seconds", "device", "torch", "version", "date",
)
# fmt: on
_VARIANTS = ("distilled", "vanilla")


def protocols() -> list[str]:
    """Protocols with a table on disk."""
    return sorted(path.stem.removeprefix(f"{FAMILY}-") for path in TABLES.glob(f"{FAMILY}-*.csv"))


def default_protocol() -> str:
    """`full12` where it covers enough cells, else `lite`, else what there is."""
    there = protocols()
    if not there:
        raise DataError(
            f"no table of {FAMILY} in {TABLES}: measure one with `python -m benchmarks.harvest --protocol lite`"
        )
    full = "full12" in there and len({row.text("arch") for row in _rows("full12")}) >= ENOUGH
    order = ("full12", "lite") if full or "lite" not in there else ("lite",)
    return next((name for name in order if name in there), there[0])


def names() -> list[str]:
    """`kd-nb201` and every protocol, distilled and alone."""
    full = [f"{FAMILY}:{protocol}:{variant}" for protocol in protocols() for variant in _VARIANTS]
    return [FAMILY, *full] if full else []


def load(name: str, parts: list[str], conditions: dict[str, str]) -> GroundTruth:
    """`kd-nb201[:PROTOCOL[:distilled|vanilla]]`."""
    protocol = parts[0] if parts else default_protocol()
    variant = parts[1] if len(parts) > 1 else "distilled"
    if protocol not in protocols() or variant not in _VARIANTS or len(parts) > 2:
        raise UsageError(f"no ground truth '{name}': there is {', '.join(names()) or 'no table of ' + FAMILY}")
    records = narrow(name, (_record(row, variant) for row in _rows(protocol)), conditions)
    teacher = f"distilled from {records[0].teacher}" if variant == "distilled" else "trained alone"
    note = (
        f"{{n}} cells {teacher} on {records[0].images} ({records[0].epochs} epochs, protocol {protocol}, "
        f"skeleton {records[0].skeleton}, {{runs}}), measured by this project"
    )
    full_name = f"{FAMILY}:{protocol}:{variant}" + "".join(f":{field}={value}" for field, value in conditions.items())
    return ground_truth(full_name, "measured", records, note)


def _rows(protocol: str) -> Iterator[Row]:
    path, seen = TABLES / f"{FAMILY}-{protocol}.csv", dict[tuple[str, str], int]()
    for row in read_rows(path, COLUMNS, growing=True):
        if row.text("protocol") != protocol:
            raise row.fault("protocol", f"'{row.text('protocol')}', expected '{protocol}' in this file")
        before = seen.setdefault((row.text("arch"), row.text("seed")), row.line)
        if before != row.line:
            raise row.fault("arch", f"{row.text('arch')} with seed {row.text('seed')} is in line {before} already")
        yield row
    if not seen:
        raise DataError(f"{path} holds no row: delete it, or harvest cells with `python -m benchmarks.harvest`")


def _record(row: Row, variant: str) -> Record:
    distilled = variant == "distilled"
    return Record(
        space=row.required("space"),
        arch=checked_arch(row, row.required("space")),
        skeleton=checked_skeleton(row),
        images=row.required("images"),
        split="test",
        epochs=row.integer("epochs"),
        teacher=row.required("teacher") if distilled else "",
        protocol=row.required("protocol"),
        seed=row.integer("seed"),
        accuracy=row.percent(f"{variant}_top1"),
    )


def checked_arch(row: Row, space: str) -> str:
    """The key of the architecture in column `arch`."""
    try:
        return str(get_space(space).parse(row.required("arch")))
    except UsageError as error:
        raise row.fault("arch", str(error)) from error


def checked_skeleton(row: Row, default: str = "") -> str:
    """The skeleton in column `skeleton`, spelt as `Skeleton` spells it."""
    try:
        return str(Skeleton.parse(row.text("skeleton", default)))
    except UsageError as error:
        raise row.fault("skeleton", str(error)) from error
