"""The first paragraph of all tables: what reproduces, what does not, what could not be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.consistency import checked_claims, checked_speed_ups
from reports.records import Run
from reports.schema import Cell, Claim, Table, Verdict, VerdictKind
from reports.tables import format_count
from reports.verdicts import KINDS

MOST = 12  # names in a list
FEW = 3  # claims that are named
DECIDED = (VerdictKind.HOLDS, VerdictKind.BETTER, VerdictKind.FAILS, VerdictKind.WORSE)
UNDECIDED = (VerdictKind.OPEN, VerdictKind.NOT_MEASURED)


@dataclass(frozen=True)
class Judged:
    """One published number with its verdict."""

    table: str
    what: str
    verdict: Verdict


def judged(runs: Mapping[str, Run]) -> list[Judged]:
    """Every verdict on a published number (see `reports.verdicts`), by the title of its part."""
    return [
        Judged(title, what, verdict)
        for title, run in runs.items()
        for section in (run.page.sections if run.page else ())
        if section.table is not None
        for what, verdict in _verdicts(section.table, section.name)
    ]


def _verdicts(table: Table, name: str) -> list[tuple[str, Verdict]]:
    columns = [column.name for column in table.columns]
    return [
        (_what(row, columns, name), cell)
        for row in table.rows
        for cell in row
        if isinstance(cell, Verdict) and cell.kind in KINDS
    ]


def _what(row: Sequence[Cell], columns: Sequence[str], section: str) -> str:
    """The row by its first cell, with its column, form or section where that tells one number from another."""
    extra = next((str(row[columns.index(key)]) for key in ("column", "proxy") if key in columns), "")
    return f"{row[0]} {extra or ('' if section == 'published' else section)}".rstrip()


def claims(run: Run) -> list[Claim]:
    """Every claim of a run."""
    return [claim for section in (run.page.sections if run.page else ()) for claim in section.claims]


def first_paragraph(runs: Mapping[str, Run], failures: Mapping[str, str]) -> list[str]:
    """What reproduces; what does not; what cannot be told, and why; the claims in words; what the print contradicts."""
    every = judged(runs)
    of = {kind: [one for one in every if one.verdict.kind is kind] for kind in KINDS}
    within, outside = of[VerdictKind.WITHIN], of[VerdictKind.OUTSIDE]
    if told := len(within) + len(outside):
        first = (
            f"Of {format_count(told, 'comparison')} with published numbers under the published settings (a number may "
            f"meet several forms of its score), {len(within)} agree{_list(within)} and {len(outside)} do not"
            f"{_list(outside)}."
        )
    else:
        first = "No published number was measured under its published settings, so this page confirms and refutes none."
    rest = [
        (VerdictKind.SETTING_UNKNOWN, "have a setting that nobody could recover, so that no agreement follows"),
        (VerdictKind.OTHER_SETTING, "were measured under other settings than the published ones"),
        (VerdictKind.NOT_MEASURED, "were not measured"),
    ]
    second = "; ".join(f"{len(of[kind])} {text}" for kind, text in rest if of[kind])
    lines = [f"{first} {_capital(second)}." if second else first]
    lines += [_claims(title, made) for title, run in runs.items() if (made := claims(run))]
    lines.append(printed_checks())
    lines += [f"{name} was not made: {why}" for name, why in failures.items()]
    return lines


def printed_checks() -> str:
    """What the print contradicts."""
    printed = [each.verdict for each in checked_claims()] + [each.verdict for each in checked_speed_ups()]
    failing = sum(verdict.kind is VerdictKind.FAILS for verdict in printed)
    return f"Of {len(printed)} checks of the printed numbers against one another, {failing} fail."


def _list(found: Sequence[Judged]) -> str:
    by_table: dict[str, list[str]] = {}
    for one in found[:MOST]:
        by_table.setdefault(one.table, []).append(one.what)
    named = "; ".join(f"{table}: {', '.join(names)}" for table, names in by_table.items())
    more = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
    return f" ({named}{more})" if named else ""


def _claims(title: str, made: Sequence[Claim]) -> str:
    """How many claims of a part came out how; those that were decided by name, where they are few."""
    parts = []
    for kind in (*DECIDED, *UNDECIDED):
        if found := [one.claim for one in made if one.verdict.kind is kind]:
            named = f" ({'; '.join(found)})" if len(found) <= FEW and kind in DECIDED else ""
            parts.append(f"{len(found)} {kind.label}{named}")
    return f"{title}, {format_count(len(made), 'claim')}: {', '.join(parts)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
