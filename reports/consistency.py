"""Do the published numbers agree with one another? Arithmetic on what is printed; nothing is measured for it."""

from math import sqrt

from reports.printed import Number
from reports.published import TABLES, published
from reports.schema import Column, Section, Table

HOLDS, FAILS = "holds", "fails"
CELLS, REPEATS = 50, 5  # of the rank table's DisWOT row


def speed_ups() -> Section:
    """Table 8: is the printed speed-up the quotient of the printed seconds of random search and of the row?"""
    table = published("search")
    rows = []
    for row in table.rows[1:]:
        for data in ("cifar10", "cifar100", "imagenet16-120"):
            base = _number("search", "random", f"{data}_seconds")
            own, claimed = _number("search", row, f"{data}_seconds"), _number("search", row, f"{data}_speedup")
            low, high = quotient(base, own)
            closes = claimed.value - claimed.step < high and low < claimed.value + claimed.step
            printed = f"{base.printed} / {own.printed}"
            verdict = HOLDS if closes else FAILS
            rows.append((table.labels[row], data, printed, base.value / own.value, low, high, claimed.printed, verdict))
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
    failing = sum(row[-1] == FAILS for row in rows)
    return Section(
        "speed-ups",
        "Do the speed-ups of Table 8 follow from its seconds?",
        (f"{failing} of {len(rows)} printed speed-ups do not follow from the printed seconds, rounding allowed for.",),
        table=Table(columns, tuple(rows)),
        note="Seconds of a proxy depend on the machine and on how many cells are scored; the quotient does not.",
    )


def quotient(base: Number, own: Number) -> tuple[float, float]:
    """The range of base / own that the printed digits leave open, each being less than a step away."""
    low = max(0.0, base.value - base.step) / (own.value + own.step)
    high = (base.value + base.step) / (own.value - own.step) if own.value > own.step else float("inf")
    return low, min(high, 1e6)


def contradictions() -> Section:
    """Numbers that stand in two tables, and a spread that its own sample size does not allow."""
    m_r, diswot = _number("metrics", "m_r", "spearman"), _number("rank", "diswot", "spearman")
    gaussian, both = _number("init", "m_r", "gaussian"), _number("metrics", "diswot", "spearman")
    init_both = _number("init", "diswot", "gaussian")
    least = (1 - (diswot.value / 100) ** 2) / sqrt(CELLS - 1)
    rows = (
        (
            "M_r under Gaussian weights is one number",
            f"'Different metrics' {m_r.printed}, 'Different initialization' {gaussian.printed}",
            _same(m_r, gaussian),
            "apart by more than the printed spread: not one protocol, or noise far above what is printed",
        ),
        (
            "M_s & M_r under Gaussian weights is one number",
            f"'Different metrics' {both.printed}, 'Different initialization' {init_both.printed}",
            _same(both, init_both),
            "so one of the two tables' M_r columns belongs to another protocol than its sum",
        ),
        (
            "DisWOT of the rank table is another measurement than M_r of 'Different metrics'",
            f"{diswot.printed} and {m_r.printed}",
            FAILS if diswot.value == m_r.value else HOLDS,
            "the same four digits in tables about different spaces",
        ),
        (
            "The spread of the rank table's DisWOT row is that of its sample",
            f"±{diswot.spread} over {REPEATS} repeats of {CELLS} cells",
            HOLDS if diswot.spread is not None and diswot.spread > least / 2 else FAILS,
            f"a Spearman of {diswot.printed.partition('±')[0]} on {CELLS} cells has a standard deviation of about "
            f"{least:.3f}, (1 - rho^2) / sqrt(n - 1)",
        ),
        (
            "DisWOT has the highest mean of the rank table",
            ", ".join(f"{number.row} {number.printed}" for number in _best("rank", 4)),
            HOLDS if _best("rank", 1)[0].row == "diswot" else FAILS,
            "as printed",
        ),
    )
    columns = (Column("claim"), Column("numbers", label="printed"), Column("verdict", "verdict"), Column("why"))
    return Section(
        "contradictions",
        "Do the published numbers agree with one another?",
        ("What is printed, held against itself; nothing here was measured.",),
        table=Table(columns, rows),
    )


def _best(table: str, count: int) -> list[Number]:
    return sorted(published(table).numbers, key=lambda number: -number.value)[:count]


def _same(first: Number, second: Number) -> str:
    return HOLDS if abs(first.value - second.value) < max(first.spread or 0, second.spread or 0, first.step) else FAILS


def _number(table: str, row: str, column: str) -> Number:
    number = TABLES[table].number(row, column)
    if number is None:
        raise KeyError(f"{table} prints nothing for {row}, {column}")
    return number
