"""Published beside measured: one verdict a number, from all digits of what was measured and all digits printed.

===================  ================================================================================================
kind                 meaning
===================  ================================================================================================
`within`             measured under the published settings; the interval reaches what is printed
`outside`            measured under the published settings; it does not
`setting-unknown`    a setting of the published number could not be recovered, so neither agreement nor disagreement
                     follows; the detail says where the number would lie
`other-setting`      the published settings are known and this run has others; the detail names them
`not-measured`       the detail says what is needed
===================  ================================================================================================
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.printed import Number, PublishedTable
from reports.schema import Cell, Column, Estimate, Section, Table, Verdict, VerdictKind
from reports.tables import format_number

KINDS = (
    VerdictKind.WITHIN,
    VerdictKind.OUTSIDE,
    VerdictKind.SETTING_UNKNOWN,
    VerdictKind.OTHER_SETTING,
    VerdictKind.NOT_MEASURED,
)
"""Those of published numbers, in the order of a count."""


@dataclass(frozen=True)
class Counterpart:
    """What was measured for one published number, in its unit.

    estimate: value, 95 % interval over networks and spread over seeds, as shown.
    expected: the interval that the published number should lie in if it was made in the same way; the estimate's own
        where not given. Networks that are the same in both measurements are no source of difference; seeds are.
    differs: known settings of the published number that this run does not have.
    """

    estimate: Estimate
    n: int
    seeds: int
    setting: str
    expected: Estimate | None = None
    differs: tuple[str, ...] = ()

    @property
    def interval(self) -> Estimate:
        """The interval that decides."""
        return self.expected or self.estimate


@dataclass(frozen=True)
class Comparison:
    """One published number, what was measured for it, and the verdict; or a measurement without such a number."""

    label: str  # of the row
    column: str
    number: Number | None
    measured: Counterpart | None
    verdict: Verdict | None  # None where nothing is printed


def compare(number: Number, measured: Counterpart | None, missing: str = "") -> Verdict:
    """The verdict on one published number; `missing` says what it needs where nothing was measured."""
    if measured is None or measured.estimate.value is None:
        return Verdict(VerdictKind.NOT_MEASURED, missing)
    distance = _distance(number, measured.interval)
    if distance is None:
        return Verdict(VerdictKind.NOT_MEASURED, "measured once: there is no interval; more --seeds give one")
    where = f"published {format_number(abs(distance), 2)} {'above' if distance > 0 else 'below'}" if distance else ""
    if not number.unknown and not measured.differs:
        return Verdict(VerdictKind.OUTSIDE if distance else VerdictKind.WITHIN, where)
    unknown = f"unknown: {number.unknown}" if number.unknown else ""
    differs = f"here: {', '.join(measured.differs)}" if measured.differs else ""
    kind = VerdictKind.SETTING_UNKNOWN if number.unknown else VerdictKind.OTHER_SETTING
    return Verdict(kind, "; ".join(part for part in (where or VerdictKind.WITHIN.label, unknown, differs) if part))


def _distance(number: Number, interval: Estimate) -> float | None:
    """How far what is printed lies above (+) or below (-) the interval; 0 inside; None without an interval.

    A printed number is rounded or truncated: it stands for everything less than one unit of its last digit away.
    """
    if interval.low is None or interval.high is None:
        return None
    if number.value - number.step >= interval.high:
        return number.value - interval.high
    if number.value + number.step <= interval.low:
        return number.value - interval.low
    return 0.0


COLUMNS = (
    Column("row", label="row"),
    Column("column", label="number"),
    Column("published", note="as printed"),
    Column("measured", "estimate", 2, note="95 % bootstrap interval over networks; ± over seeds"),
    Column("expected", "estimate", 2, "expected", "where the published number should lie, 95 %: this decides"),
    Column("n", "integer", note="networks"),
    Column("seeds", "integer"),
    Column("verdict", "verdict"),
    Column("setting", note="of the measurement"),
)


def comparison(
    published: PublishedTable,
    measured: Mapping[tuple[str, str], Counterpart],
    missing: Mapping[tuple[str, str], str] | str = "",
    forms: Mapping[str, str] | None = None,
) -> tuple[Comparison, ...]:
    """One for each published number; then further forms of it, and what was measured and is not in the paper.

    missing: what a number needs that was not measured, by place or for all.
    forms: row of `measured` -> the published row that it may be another form of, and is held against too.
    """
    forms = forms or {}
    made = []
    for number in published.numbers:
        place = (number.row, number.column)
        lacking = missing if isinstance(missing, str) else missing.get(place, "")
        found = measured.get(place)
        verdict = compare(number, found, lacking)
        made.append(Comparison(published.labels[number.row], number.column, number, found, verdict))
    for (row, column), one in measured.items():
        held = published.number(forms.get(row, row), column)
        if held is None:
            made.append(Comparison(row, column, None, one, None))
        elif row in forms:
            label = f"{published.labels[held.row]}, as {row}"
            made.append(Comparison(label, column, held, one, compare(held, one)))
    return tuple(made)


def comparison_table(compared: Iterable[Comparison]) -> Table:
    """One row for each."""
    return Table(COLUMNS, tuple(_row(each) for each in compared))


def _row(each: Comparison) -> tuple[Cell, ...]:
    printed, found = "not printed" if each.number is None else each.number.printed, each.measured
    if found is None:
        return (each.label, each.column, printed, None, None, None, None, each.verdict, "")
    interval = found.interval if each.number is not None else None
    return (
        *(each.label, each.column, printed, found.estimate, interval),
        *(found.n, found.seeds, each.verdict, found.setting),
    )


def section(
    name: str,
    published: PublishedTable,
    compared: Sequence[Comparison],
    note: str = "",
) -> Section:
    """A section with a comparison, what is known about the published table, and the count of verdicts."""
    lead = (published.about, f"{tally(compared)}.")
    return Section(name, published.title, lead, comparison_table(compared), note=note)


def tally(compared: Iterable[Comparison]) -> str:
    """'3 within the interval, 2 outside the interval, 1 not measured' of a comparison, other forms included."""
    counts = Counter(each.verdict.kind for each in compared if each.verdict)
    return ", ".join(f"{counts[kind]} {kind.label}" for kind in KINDS if counts[kind])


def hundredths(estimate: Estimate) -> Estimate:
    """A correlation in the unit in which the paper prints it."""
    parts = (estimate.value, estimate.low, estimate.high, estimate.spread)
    return Estimate(*(None if part is None else 100 * part for part in parts))
