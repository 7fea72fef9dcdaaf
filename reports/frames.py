"""A run as pandas tables, for notebooks."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from diswot_errors import UsageError
from reports.records import TABLES, read_run
from reports.schema import Estimate

if TYPE_CHECKING:
    from pandas import DataFrame


def frame(run_folder: Path | str, table: str = "scores") -> "DataFrame":
    """The table `scores`, `truth` or `correlations` of a run; an estimate is four columns, as in the CSV."""
    from pandas import DataFrame

    if table not in TABLES:
        raise UsageError(f"unknown table {table!r}: expected one of {', '.join(TABLES)}")
    rows = []
    for record in getattr(read_run(Path(run_folder)), table):
        row: dict[str, object] = {}
        for field in fields(record):
            value = getattr(record, field.name)
            if isinstance(value, Estimate):
                row |= {field.name: value.value}
                row |= {f"{field.name}_{part}": getattr(value, part) for part in ("low", "high", "spread")}
            else:
                row[field.name] = value
        rows.append(row)
    return DataFrame(rows)
