"""Published beside measured: one verdict a number, from all digits of what was measured and all digits printed.

=========================  ==========================================================================================
verdict                    meaning
=========================  ==========================================================================================
`within the interval`      measured under the published settings; the interval reaches what is printed
`outside the interval`     measured under the published settings; it does not
`setting unknown (...)`    a setting of the published number could not be recovered, so neither agreement nor
                           disagreement follows; in brackets where the number would lie
`other setting (...)`      the published settings are known and this run has others; `why` names them
`not measured`             `why` says what is needed
=========================  ==========================================================================================
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.printed import Number, PublishedTable
from reports.schema import Cell, Column, Estimate, Section, Table
from reports.tables import format_number

WITHIN, OUTSIDE = "within the interval", "outside the interval"
UNKNOWN, OTHER, MISSING = "setting unknown", "other setting", "not measured"


@dataclass(frozen=True)
class Measured:
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
class Outcome:
    """A verdict and why."""

    verdict: str
    why: str


def compare(number: Number, measured: Measured | None, missing: str = "") -> Outcome:
    """The verdict on one published number; `missing` says what it needs where nothing was measured."""
    if measured is None or measured.estimate.value is None:
        return Outcome(MISSING, missing)
    distance = _distance(number, measured.interval)
    if distance is None:
        return Outcome(MISSING, "measured once: there is no interval; more --seeds give one")
    where = (
        "" if distance == 0 else f"published {format_number(abs(distance), 2)} {'above' if distance > 0 else 'below'}"
    )
    plain = WITHIN if distance == 0 else OUTSIDE
    kind = UNKNOWN if number.unknown else OTHER if measured.differs else ""
    unknown = f"unknown: {number.unknown}" if number.unknown else ""
    differs = f"here: {', '.join(measured.differs)}" if measured.differs else ""
    verdict = f"{kind} ({plain.partition(' ')[0]})" if kind else plain
    return Outcome(verdict, "; ".join(part for part in (where, unknown, differs) if part))


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
    Column("why"),
    Column("setting", note="of the measurement"),
)


def comparison(
    published: PublishedTable,
    measured: Mapping[tuple[str, str], Measured],
    missing: Mapping[tuple[str, str], str] | str = "",
    forms: Mapping[str, str] | None = None,
) -> Table:
    """One row per published number; then further forms of it, and what was measured and is not in the paper.

    missing: what a number needs that was not measured, by place or for all.
    forms: row of `measured` -> the published row that it may be another form of, and is held against too.
    """
    forms = forms or {}
    rows = []
    for number in published.numbers:
        place = (number.row, number.column)
        lacking = missing if isinstance(missing, str) else missing.get(place, "")
        outcome = compare(number, measured.get(place), lacking)
        rows.append(_row(published.labels[number.row], number.column, number.printed, measured.get(place), outcome))
    for (row, column), found in measured.items():
        held = published.number(forms.get(row, row), column)
        if held is None:
            rows.append(_row(row, column, None, found, Outcome("", "")))
        elif row in forms:
            label = f"{published.labels[held.row]}, as {row}"
            rows.append(_row(label, column, held.printed, found, compare(held, found)))
    return Table(COLUMNS, tuple(rows))


def _row(label: str, column: str, printed: str | None, found: Measured | None, outcome: Outcome) -> tuple[Cell, ...]:
    shown = "not printed" if printed is None else printed
    if found is None:
        return (label, column, shown, None, None, None, None, outcome.verdict, outcome.why, "")
    interval = found.interval if printed is not None else None
    return (
        *(label, column, shown, found.estimate, interval, found.n, found.seeds),
        *(outcome.verdict, outcome.why, found.setting),
    )


def section(
    name: str,
    published: PublishedTable,
    measured: Mapping[tuple[str, str], Measured],
    missing: Mapping[tuple[str, str], str] | str = "",
    note: str = "",
    forms: Mapping[str, str] | None = None,
) -> Section:
    """A section with the comparison, what is known about the published table, and the count of verdicts."""
    table = comparison(published, measured, missing, forms)
    about = f"{published.title} ({published.source}). Published setting: {published.setting}."
    if published.unknown:
        about += f" Unknown: {published.unknown}."
    return Section(name, published.title, (about, f"{tally(table)}."), table=table, note=note)


def tally(table: Table) -> str:
    """'3 within the interval, 2 outside the interval, 1 not measured' of a comparison, other forms included."""
    counts: dict[str, int] = {}
    for row in table.rows:
        if verdict := str(row[7]).partition(" (")[0]:
            counts[verdict] = counts.get(verdict, 0) + 1
    order: Sequence[str] = (WITHIN, OUTSIDE, UNKNOWN, OTHER, MISSING)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in order if verdict in counts)


def hundredths(estimate: Estimate) -> Estimate:
    """A correlation in the unit in which the paper prints it."""
    parts = (estimate.value, estimate.low, estimate.high, estimate.spread)
    return Estimate(*(None if part is None else 100 * part for part in parts))
