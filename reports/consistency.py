"""Do the published numbers agree with one another? Arithmetic on what is printed; nothing is measured for it."""

from dataclasses import dataclass
from math import sqrt

from reports.printed import Number
from reports.published import TABLES, published
from reports.schema import Column, Section, Table, Verdict, VerdictKind

CELLS, REPEATS = 50, 5  # of the rank table's DisWOT row


@dataclass(frozen=True)
class SpeedUp:
    """A printed speed-up beside the quotient of the printed seconds that it should be."""

    label: str  # of the row
    data: str
    base: Number
    own: Number
    claimed: Number

    @property
    def range(self) -> tuple[float, float]:
        """What the quotient may be, given the printed precision."""
        return quotient(self.base, self.own)

    @property
    def verdict(self) -> Verdict:
        """Do both agree, rounding allowed for?"""
        low, high = self.range
        return _held(self.claimed.value - self.claimed.step < high and low < self.claimed.value + self.claimed.step)


@dataclass(frozen=True)
class Printed:
    """A claim about printed numbers, with these numbers."""

    claim: str
    numbers: str
    verdict: Verdict


def checked_speed_ups() -> tuple[SpeedUp, ...]:
    """Table 8: every printed speed-up."""
    table = published("search")
    return tuple(
        SpeedUp(
            table.labels[row],
            data,
            _number("search", "random", f"{data}_seconds"),
            _number("search", row, f"{data}_seconds"),
            _number("search", row, f"{data}_speedup"),
        )
        for row in table.rows[1:]
        for data in ("cifar10", "cifar100", "imagenet16-120")
    )


def speed_ups() -> Section:
    """Table 8: is the printed speed-up the quotient of the printed seconds of random search and of the row?"""
    checks = checked_speed_ups()
    rows = tuple(
        (
            *(each.label, each.data, f"{each.base.printed} / {each.own.printed}", each.base.value / each.own.value),
            *(*each.range, each.claimed.printed, each.verdict),
        )
        for each in checks
    )
    columns = (
        Column("row"),
        Column("images"),
        Column("seconds", note="random search / this row, as printed"),
        Column("quotient", "number", 1),
        Column("low", "number", 1, "at least", "with the printed precision of both"),
        Column("high", "number", 1, "at most"),
        Column("printed", label="printed speed-up"),
        Column("verdict", "verdict"),
    )
    failing = sum(each.verdict.kind is VerdictKind.FAILS for each in checks)
    return Section(
        "speed-ups",
        "Do the speed-ups of Table 8 follow from its seconds?",
        (f"{failing} of {len(rows)} printed speed-ups do not follow from the printed seconds, rounding allowed for.",),
        table=Table(columns, rows),
        note="Seconds of a proxy depend on the machine and on how many cells are scored; the quotient does not.",
    )


def quotient(base: Number, own: Number) -> tuple[float, float]:
    """The range of base / own that the printed digits leave open, each being less than a step away."""
    low = max(0.0, base.value - base.step) / (own.value + own.step)
    high = (base.value + base.step) / (own.value - own.step) if own.value > own.step else float("inf")
    return low, min(high, 1e6)


def checked_claims() -> tuple[Printed, ...]:
    """Numbers that stand in two tables, and a spread that its own sample size does not allow."""
    m_r, diswot = _number("metrics", "m_r", "spearman"), _number("rank", "diswot", "spearman")
    gaussian, both = _number("init", "m_r", "gaussian"), _number("metrics", "diswot", "spearman")
    init_both = _number("init", "diswot", "gaussian")
    least = (1 - (diswot.value / 100) ** 2) / sqrt(CELLS - 1)
    return (
        Printed(
            "M_r under Gaussian weights is one number",
            f"'Different metrics' {m_r.printed}, 'Different initialization' {gaussian.printed}",
            _held(
                _same(m_r, gaussian),
                "apart by more than the printed spread: not one protocol, or noise far above what is printed",
            ),
        ),
        Printed(
            "M_s & M_r under Gaussian weights is one number",
            f"'Different metrics' {both.printed}, 'Different initialization' {init_both.printed}",
            _held(
                _same(both, init_both), "so one of the two tables' M_r columns belongs to another protocol than its sum"
            ),
        ),
        Printed(
            "DisWOT of the rank table is another measurement than M_r of 'Different metrics'",
            f"{diswot.printed} and {m_r.printed}",
            _held(diswot.value != m_r.value, "the same four digits in tables about different spaces"),
        ),
        Printed(
            "The spread of the rank table's DisWOT row is that of its sample",
            f"±{diswot.spread} over {REPEATS} repeats of {CELLS} cells",
            _held(
                diswot.spread is not None and diswot.spread > least / 2,
                f"a Spearman of {diswot.value:.2f} on {CELLS} cells has a standard deviation of about {least:.3f}, "
                "(1 - rho^2) / sqrt(n - 1)",
            ),
        ),
        Printed(
            "DisWOT has the highest mean of the rank table",
            ", ".join(f"{number.row} {number.printed}" for number in _best("rank", 4)),
            _held(_best("rank", 1)[0].row == "diswot", "as printed"),
        ),
    )


def contradictions() -> Section:
    """What the tables say of each other."""
    columns = (Column("claim"), Column("numbers", label="printed"), Column("verdict", "verdict"))
    return Section(
        "contradictions",
        "Do the published numbers agree with one another?",
        ("What is printed, held against itself; nothing here was measured.",),
        table=Table(columns, tuple((each.claim, each.numbers, each.verdict) for each in checked_claims())),
    )


def _best(table: str, count: int) -> list[Number]:
    return sorted(published(table).numbers, key=lambda number: -number.value)[:count]


def _same(first: Number, second: Number) -> bool:
    return abs(first.value - second.value) < max(first.spread or 0, second.spread or 0, first.step)


def _held(holds: bool, detail: str = "") -> Verdict:
    return Verdict(VerdictKind.HOLDS if holds else VerdictKind.FAILS, detail)


def _number(table: str, row: str, column: str) -> Number:
    number = TABLES[table].number(row, column)
    if number is None:
        raise KeyError(f"{table} prints nothing for {row}, {column}")
    return number
