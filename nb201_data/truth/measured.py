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
ANSWER = COLUMNS[8:14]  # what was measured; when, where and how fast is left out
USUAL = "kd"  # the distiller of tables without a column `distiller`
CHOSEN = "chosen-"
"""Before the name of a table: cells that somebody chose, beside the random ones."""
_VARIANTS = ("distilled", "vanilla")


def protocols() -> list[str]:
    """Protocols with a table on disk; `lite-resnet20`, `lite-review`: another teacher, another distiller."""
    return sorted(path.stem.removeprefix(f"{FAMILY}-") for path in TABLES.glob(f"{FAMILY}-*.csv"))


def default_protocol() -> str:
    """`full12` where it covers enough cells, else `lite`, else what there is."""
    there = protocols()
    if not there:
        raise DataError(
            f"no table of {FAMILY} in {TABLES}: measure one with `python -m benchmarks.harvest --protocol lite`"
        )
    full = "full12" in there and len({row.text("arch") for row in _rows(_path("full12"))}) >= ENOUGH
    order = ("full12", "lite") if full or "lite" not in there else ("lite",)
    return next((name for name in order if name in there), there[0])


def names() -> list[str]:
    """`kd-nb201` and every protocol, distilled and alone."""
    full = [f"{FAMILY}:{protocol}:{variant}" for protocol in protocols() for variant in _VARIANTS]
    return [FAMILY, *full] if full else []


def card_of(name: str) -> str:
    """The data card of the table behind a truth's name, as Markdown; '' where there is none."""
    family, _, rest = name.partition(":")
    path = TABLES / f"{FAMILY}-{rest.partition(':')[0]}.md"
    return path.read_text(encoding="utf-8") if family == FAMILY and rest and path.is_file() else ""


def load(name: str, parts: list[str], conditions: dict[str, str]) -> GroundTruth:
    """`kd-nb201[:PROTOCOL[:distilled|vanilla]]`."""
    protocol, variant = _named(name, parts)
    rows = list(_rows(_path(protocol)))
    distiller = rows[0].text("distiller", USUAL)
    records = narrow(name, (_record(row, variant) for row in rows), conditions)
    by = "" if distiller == USUAL else f" by {distiller}"
    teacher = f"distilled from {records[0].teacher}{by}" if variant == "distilled" else "trained alone"
    note = (
        f"{{n}} cells {teacher} on {records[0].images} ({records[0].epochs} epochs, protocol {records[0].protocol}, "
        f"skeleton {records[0].skeleton}, {{runs}}), measured by this project"
    )
    full_name = f"{FAMILY}:{protocol}:{variant}" + "".join(f":{field}={value}" for field, value in conditions.items())
    return ground_truth(full_name, "measured", records, note)


def chosen(name: str, parts: list[str], conditions: dict[str, str]) -> list[Record]:
    """Accuracies of cells that somebody chose, under the conditions of `load`: no sample, and so part of no truth."""
    protocol, variant = _named(name, parts)
    path = _path(protocol, CHOSEN)
    return [] if not path.is_file() else narrow(name, (_record(row, variant) for row in _rows(path)), conditions)


def _named(name: str, parts: list[str]) -> tuple[str, str]:
    """Protocol and variant."""
    protocol = parts[0] if parts else default_protocol()
    variant = parts[1] if len(parts) > 1 else "distilled"
    if protocol not in protocols() or variant not in _VARIANTS or len(parts) > 2:
        raise UsageError(f"no ground truth '{name}': there is {', '.join(names()) or 'no table of ' + FAMILY}")
    return protocol, variant


def _path(table: str, kind: str = "") -> Path:
    return TABLES / f"{kind}{FAMILY}-{table}.csv"


def _rows(path: Path) -> Iterator[Row]:
    """The rows of a table, each answer once; all of one protocol, teacher and distiller."""
    table, seen = path.stem.partition(f"{FAMILY}-")[2], dict[tuple[str, str], Row]()
    for row in read_rows(path, COLUMNS, ("distiller",), growing=True):
        protocol = row.text("protocol")
        if table not in _tables_of(row):
            raise row.fault("protocol", f"'{protocol}', expected '{table}' in this file")
        before = seen.setdefault((row.text("arch"), row.text("seed")), row)
        if any(row.text(column) != before.text(column) for column in ANSWER):
            where = f"{row.text('arch')} with seed {row.text('seed')} is in line {before.line} already"
            raise row.fault("arch", f"{where}, with another result: delete the wrong row")
        if before is row:
            yield row
    if not seen:
        raise DataError(f"{path} holds no row: delete it, or harvest cells with `python -m benchmarks.harvest`")


def _tables_of(row: Row) -> list[str]:
    """Tables that a row may be in: that of its protocol, of another teacher, another distiller, or both."""
    protocol, teacher = row.text("protocol"), row.text("teacher").partition(":")[0]
    distiller = row.text("distiller", USUAL).replace("+", "-plus")
    own = [f"{protocol}-{distiller}", f"{protocol}-{teacher}-{distiller}"]
    return own if distiller != USUAL else [protocol, f"{protocol}-{teacher}"]


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
