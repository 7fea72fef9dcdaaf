"""What a searched network may cost at most: parameters, multiply-adds, milliseconds from a table. No torch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.scoring.order import LISTED
from diswot_errors import UsageError
from nb201_data.spaces import SearchSpace
from nb201_data.truth.csv_rows import read_rows


@dataclass(frozen=True)
class Constraint:
    """`measure(arch) <= limit`."""

    name: str
    limit: float
    measure: Callable[[Any], float]

    def __str__(self) -> str:
        return f"{self.name} <= {self.limit:g}"

    def met(self, arch: Any) -> bool:
        """Whether the architecture stays within the limit."""
        return self.measure(arch) <= self.limit


def max_params(space: SearchSpace, limit: float) -> Constraint:
    """At most `limit` trainable parameters, in the space's skeleton."""
    return Constraint("params", limit, space.params)


def max_flops(space: SearchSpace, limit: float) -> Constraint:
    """At most `limit` operations per image, by the convention of the space."""
    return Constraint("flops", limit, space.flops)


def max_latency(space: SearchSpace, limit: float, table: Path | str) -> Constraint:
    """At most `limit` milliseconds by a CSV (columns `arch`, `milliseconds`); what is not in it is not allowed."""
    times = read_latencies(space, table)
    return Constraint(f"milliseconds by {Path(table).name}", limit, lambda arch: times.get(str(arch), math.inf))


def read_latencies(space: SearchSpace, table: Path | str) -> dict[str, float]:
    """Milliseconds by str(arch), from a CSV with columns `arch` and `milliseconds`."""
    if not Path(table).is_file():
        raise UsageError(f"no latency table at {table}: expected a CSV with the columns arch, milliseconds")
    times = {}
    for row in read_rows(Path(table), ("arch", "milliseconds"), None):
        try:
            value = float(row.required("milliseconds"))
        except ValueError:
            value = math.nan
        if not value >= 0:
            raise row.fault("milliseconds", f"'{row.text('milliseconds')}', expected a number, at least 0")
        times[str(space.parse(row.required("arch")))] = value
    return times


def feasible(space: SearchSpace, constraints: Sequence[Constraint]) -> tuple[Any, ...]:
    """Every architecture that meets all constraints; `UsageError` before any search starts where none does."""
    if len(space) > LISTED:
        raise UsageError(f"{space.name} has {len(space):,} architectures, too many to list")
    met = tuple(arch for arch in space.all() if all(constraint.met(arch) for constraint in constraints))
    if met:
        return met
    smallest = ", ".join(f"{c.name} {min(map(c.measure, space.all())):g}" for c in constraints)
    raise UsageError(
        f"no architecture of {space.name} ({space.skeleton}) meets {' and '.join(map(str, constraints))}: "
        f"the least there is, each by itself, is {smallest}; raise the limit"
    )
