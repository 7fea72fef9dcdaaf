"""Tables as people read them: numbers rounded for the eye, plain text aligned for a terminal."""

import re
from collections.abc import Iterable, Sequence

from reports.schema import COUNTS, Cell, Column, Correlation, Estimate, ScoreRow, Table, Verdict, VerdictKind

NOTHING = "–"  # what is not known
HEADLINE = "spearman"  # the coefficient that rows are sorted by and compared in

COLUMNS = (
    Column("proxy"),
    Column("verdict", "verdict", label="than params", note="by the paired interval of Spearman's difference"),
    Column("rank", "integer", note="place by Spearman"),
    Column("spearman", "estimate", label="Spearman ρ"),
    Column("spearman_minus_params", "estimate", label="ρ − params", note="paired difference of Spearman to params"),
    Column("spearman_minus_flops", "estimate", label="ρ − FLOPs", note="paired difference of Spearman to FLOPs"),
    Column("partial_spearman", "estimate", label="partial ρ", note="Spearman given params"),
    Column("kendall", "estimate", label="Kendall τ-b"),
    Column("pearson", "estimate", label="Pearson r"),
    Column("precision_top5", "estimate", 2, "top 5 %", "share of the top 5 % by score among the true top 5 %"),
    Column("regret_top1", "estimate", 2, "regret", "best accuracy minus that of the first choice, in points"),
    Column("scored", "integer", label="n", note="networks with a score"),
    Column("left_out", "integer", label="left out", note="networks without a score; why is in the table below"),
)
STANDINGS = (VerdictKind.BETTER, VerdictKind.NOT_TOLD_APART, VerdictKind.WORSE)
"""What a score may be beside params, from good to bad."""
ASIDE = ("spearman_minus_flops", "left_out")
"""Columns that a page shows when asked: FLOPs say nearly what params say, what is left out has its own section."""


def by_rank(rows: Iterable[Correlation], coefficient: str = HEADLINE) -> list[Correlation]:
    """Best first by a coefficient; rows without a number at the end, by name."""

    def key(row: Correlation) -> tuple[bool, float, str]:
        value = getattr(row, coefficient).value
        return value is None, -(value or 0), row.proxy

    return sorted(rows, key=key)


def placed(rows: Iterable[Correlation], coefficient: str = HEADLINE) -> list[Correlation]:
    """Those that have a number, best first."""
    return [row for row in by_rank(rows, coefficient) if getattr(row, coefficient).value is not None]


def places(rows: Iterable[Correlation], coefficient: str = HEADLINE) -> dict[str, int]:
    """The rank of every row that has a number, best first: 1 and as many as are better. Equal numbers share one."""
    ranked = placed(rows, coefficient)
    first: dict[float, int] = {}
    for place, row in enumerate(ranked, 1):
        first.setdefault(getattr(row, coefficient).value, place)
    return {row.proxy: first[getattr(row, coefficient).value] for row in ranked}


def against_params(row: Correlation, coefficient: str = HEADLINE) -> Verdict | None:
    """Better or worse than params, or not told apart, by the paired interval; None where there is no difference."""
    difference: Estimate = getattr(row, f"{coefficient}_minus_params")
    return None if difference.value is None else Verdict(difference.told)


def best_of(rows: Iterable[Correlation]) -> Correlation | None:
    """The first of the ranking that is no count of size."""
    return next((row for row in placed(rows) if row.proxy not in COUNTS), None)


def standings(rows: Iterable[Correlation]) -> list[VerdictKind]:
    """What the paired intervals say of each row that can be held against params."""
    return [verdict.kind for row in rows if (verdict := against_params(row))]


def correlation_table(rows: Iterable[Correlation]) -> Table:
    """One row per proxy, best first; a row without numbers says why in its name cell."""
    ordered = by_rank(rows)
    rank = places(ordered)
    cells: list[tuple[Cell, ...]] = []
    for row in ordered:
        name = row.proxy if row.status == "ok" else f"{row.proxy} ({row.status})"
        numbers = (getattr(row, column.name) for column in COLUMNS[3:])
        cells.append((name, against_params(row), rank.get(row.proxy), *numbers))
    return Table(COLUMNS, tuple(cells))


def proxy_of(name: str) -> str:
    """The proxy of a row of that table, whose name cell may end with a status."""
    return re.sub(r" \((constant|too-few)\)$", "", name)


def left_out_table(scores: Iterable[ScoreRow]) -> Table:
    """How many scores of each proxy are missing for which reason, with one example."""
    counts: dict[tuple[str, str, str], list[ScoreRow]] = {}
    for score in scores:
        if score.status != "ok":
            counts.setdefault((score.proxy, score.status, score.reason), []).append(score)
    columns = (
        Column("proxy"),
        Column("status"),
        Column("reason"),
        Column("scores", "integer"),
        Column("example", label="for example"),
    )
    return Table(columns, tuple((*key, len(found), found[0].arch) for key, found in sorted(counts.items())))


def as_text(table: Table, *, interval: bool = True, detail: bool = True) -> str:
    """Aligned plain text: text to the left, numbers to the right, a rule under the header.

    interval: show 'value [low, high]' for estimates, else the value alone, for narrow terminals.
    detail: show why a verdict is what it is.
    """
    header = [column.head for column in table.columns]
    body = [
        [_one_line(format_cell(c, cell, interval, detail)) for c, cell in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]
    widths = [max(len(line[place]) for line in [header, *body]) for place in range(len(header))]
    left = [column.of_words for column in table.columns]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(w) if to_left else cell.rjust(w) for cell, w, to_left in zip(cells, widths, left, strict=True)
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, body)])


def format_cell(column: Column, cell: Cell, interval: bool = True, detail: bool = True) -> str:
    """A cell as text: see `format_estimate`; thousands are separated in integers."""
    if cell is None:
        return "" if column.kind == "verdict" else NOTHING
    if isinstance(cell, Verdict):
        return format_verdict(cell) if detail else cell.kind.label
    if isinstance(cell, Estimate):
        return format_estimate(cell, column.digits, interval)
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if column.kind == "integer" else format_number(cell, column.digits)


def format_verdict(verdict: Verdict) -> str:
    """'open: within noise'; the label alone where there is no detail."""
    return f"{verdict.kind.label}: {verdict.detail}" if verdict.detail else verdict.kind.label


def format_estimate(estimate: Estimate, digits: int = 3, interval: bool = True) -> str:
    """'0.712 ±0.012 [0.650, 0.760]': value, spread over seeds, 95 % interval; what is not known is left away."""
    if estimate.value is None:
        return NOTHING
    text = format_number(estimate.value, digits)
    return f"{text} {extent}" if interval and (extent := format_extent(estimate, digits)) else text


def format_extent(estimate: Estimate, digits: int = 3) -> str:
    """The spread and the interval alone: '±0.012 [0.650, 0.760]', or '' where there is neither."""
    parts = [format_spread(estimate, digits), format_interval(estimate, digits)]
    return " ".join(part for part in parts if part)


def format_interval(estimate: Estimate, digits: int = 3) -> str:
    """'[0.650, 0.760]', or '' without an interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{format_number(estimate.low, digits)}, {format_number(estimate.high, digits)}]"


def format_spread(estimate: Estimate, digits: int = 3) -> str:
    """'±0.012', or '' with one seed."""
    return "" if estimate.spread is None else f"±{format_number(estimate.spread, digits)}"


def format_count(number: int, word: str) -> str:
    """'1 seed', '3 seeds', '2 proxies', '15,625 networks'."""
    plural = f"{word[:-1]}ies" if word.endswith("y") and word[-2] not in "aeiou" else f"{word}s"
    return f"{number:,} {word if number == 1 else plural}"


def format_duration(seconds: float) -> str:
    """'40 s', '12 min', '3.5 h'."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def format_number(value: float, digits: int = 3) -> str:
    """Fixed digits with a true minus sign; very large and very small numbers as powers of ten."""
    if value != 0 and not 10**-digits / 2 <= abs(value) < 1e7:
        return f"{value:.{max(0, digits - 1)}e}".replace("-", "−") if abs(value) >= 1e7 else f"{0:.{digits}f}"
    return f"{value:.{digits}f}".replace("-", "−")


def _one_line(text: str) -> str:
    """Control characters of a record must not move the cursor of a terminal."""
    return "".join(mark if mark.isprintable() else " " for mark in text)
