"""Published numbers beside a run of any proxies on the ground truth that they are about."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.scoring.authors import COMMON
from benchmarks.scoring.measured import Measured
from benchmarks.tables import s0
from reports.schema import Section

BY_TRUTH: dict[str, Callable[[Measured], Section]] = {s0.TRUTH: s0.beside}
"""Ground truth -> the published table about it, beside rows that one setting gave."""


def published_on(one: Measured) -> list[Section]:
    """The sections of published tables about the measured truth; one setting for all rows is not the authors'."""
    section = BY_TRUTH.get(one.study.truth.name) if one.study.kind == COMMON else None
    return [section(one)] if section else []
