"""Numbers as a paper prints them: value, precision and spread read from the text, with source and what is unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from diswot_errors import UsageError

_FACTORS = {"": 0, "K": 3, "M": 6}


@dataclass(frozen=True)
class Number:
    """One published number. What it stands for may be anything less than a `step` away: it is rounded or truncated."""

    table: str
    row: str
    column: str
    printed: str  # as in the source: '58.70±.11', '.72K'
    value: float
    step: float  # one unit of the last printed digit
    spread: float | None  # what is printed after ±, in the unit printed
    unit: str  # 'x 100' for correlations
    source: str
    unknown: str  # settings that could not be recovered; empty when all are known
    note: str


@dataclass(frozen=True)
class PublishedTable:
    """A table or figure of a paper: where it stands, under which settings, and its numbers by row and column."""

    name: str
    title: str
    source: str
    setting: str  # what is known
    unknown: str  # what is not, of every row
    labels: Mapping[str, str]  # row -> the paper's name of it
    numbers: tuple[Number, ...]

    @cached_property
    def by_place(self) -> dict[tuple[str, str], Number]:
        """(row, column) -> number."""
        return {(number.row, number.column): number for number in self.numbers}

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows, from top to bottom; those of proxies are the registry's."""
        return tuple(self.labels)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, from left to right."""
        return tuple(dict.fromkeys(number.column for number in self.numbers))

    @property
    def about(self) -> str:
        """Where it stands, under which setting, and what is unknown, in sentences."""
        unknown = f" Unknown: {self.unknown}." if self.unknown else ""
        return f"{self.title} ({self.source}). Published setting: {self.setting}.{unknown}"

    def number(self, row: str, column: str) -> Number | None:
        """The number in a cell; None where the paper prints none."""
        return self.by_place.get((row, column))


def parse_printed(text: str) -> tuple[float, float, float | None]:
    """'58.70±.11' -> (58.7, 0.01, 0.11); '.72K' -> (720.0, 10.0, None): value, step of the last digit, spread."""
    match = re.fullmatch(r"(-?\d*(?:\.(\d+))?)(?:e(-?\d+))?([KM]?)(?:±([\d.]+))?", text)
    if match is None or not match[1].strip("-."):
        raise UsageError(f"{text!r} is not a printed number; expected one such as 58.70±.11, .72K or -5.3e-4")
    power = int(match[3] or 0) + _FACTORS[match[4]]
    # decimals are read once, so that .72K is 720 and not 719.9999
    value, step = float(f"{match[1]}e{power}"), float(f"1e{power - len(match[2] or '')}")
    return value, step, float(match[5]) if match[5] else None


def table(
    name: str,
    title: str,
    source: str,
    setting: str,
    columns: str,
    rows: Mapping[str, str],
    *,
    unit: str = "",
    units: Mapping[str, str] | None = None,
    unknown: str = "",
    unknown_rows: Mapping[str, str] | None = None,
    note: str = "",
    notes: Mapping[str, str] | None = None,
) -> PublishedTable:
    """Make a table of rows 'key: label' -> the numbers as printed, '-' where there is none.

    `units` go by the end of a column's name; `unknown_rows` and `notes` by row.
    """
    labels, numbers = {}, []
    for head, text in rows.items():
        key, _, label = head.partition(": ")
        labels[key] = label or key
        lacking = "; ".join(part for part in (unknown, (unknown_rows or {}).get(key, "")) if part)
        said = "; ".join(part for part in (note, (notes or {}).get(key, "")) if part)
        for column, printed in zip(columns.split(), text.split(), strict=True):
            if printed != "-":
                own = next((own for end, own in (units or {}).items() if column.endswith(end)), unit)
                numbers.append(Number(name, key, column, printed, *parse_printed(printed), own, source, lacking, said))
    return PublishedTable(name, title, source, setting, unknown, labels, tuple(numbers))
