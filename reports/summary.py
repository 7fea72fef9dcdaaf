"""The first paragraph of all tables: what reproduces, what does not, what could not be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.consistency import FAILS, contradictions, speed_ups
from reports.records import Run
from reports.schema import Cell, Table, Verdict
from reports.verdicts import MISSING, OTHER, OUTSIDE, UNKNOWN, WITHIN

KINDS = (WITHIN, OUTSIDE, UNKNOWN, OTHER, MISSING)
MOST = 12  # names in a list
FEW = 3  # claims that are named


@dataclass(frozen=True)
class Judged:
    """One published number with its verdict."""

    table: str
    what: str
    verdict: str


def judged(runs: Mapping[str, Run]) -> list[Judged]:
    """Every verdict on a published number (see `reports.verdicts`), by the title of its part."""
    return [
        Judged(title, what, verdict)
        for title, run in runs.items()
        for section in (run.page.sections if run.page else ())
        if section.table is not None
        for what, verdict in _verdicts(section.table, section.name)
    ]


def _verdicts(table: Table, name: str) -> list[tuple[str, str]]:
    columns = [column.name for column in table.columns]
    if "verdict" not in columns:
        return []
    place = columns.index("verdict")
    return [(_what(row, columns, name), str(row[place])) for row in table.rows if str(row[place]).startswith(KINDS)]


def _what(row: Sequence[Cell], columns: Sequence[str], section: str) -> str:
    """The row by its first cell, with its column, form or section where that tells one number from another."""
    extra = next((str(row[columns.index(key)]) for key in ("column", "proxy") if key in columns), "")
    return f"{row[0]} {extra or ('' if section == 'published' else section)}".rstrip()


def claims(run: Run) -> list[Verdict]:
    """Every claim with an outcome."""
    return [verdict for section in (run.page.sections if run.page else ()) for verdict in section.verdicts]


def first_paragraph(runs: Mapping[str, Run], failures: Mapping[str, str]) -> list[str]:
    """What reproduces; what does not; what cannot be told, and why; the claims in words; what the print contradicts."""
    every = judged(runs)
    of = {kind: [one for one in every if one.verdict.startswith(kind)] for kind in KINDS}
    told = len(of[WITHIN]) + len(of[OUTSIDE])
    if told:
        first = (
            f"Of {told} published numbers that were measured under the published settings, {len(of[WITHIN])} reproduce"
            f"{_list(of[WITHIN])} and {len(of[OUTSIDE])} do not{_list(of[OUTSIDE])}."
        )
    else:
        first = "No published number was measured under its published settings, so this page confirms and refutes none."
    rest = [
        (UNKNOWN, "have a setting that nobody could recover, so that no agreement follows"),
        (OTHER, "were measured under other settings than the published ones"),
        (MISSING, "were not measured"),
    ]
    second = "; ".join(f"{len(of[kind])} {text}" for kind, text in rest if of[kind])
    lines = [f"{first} {_capital(second)}." if second else first]
    lines += [_claims(title, made) for title, run in runs.items() if (made := claims(run))]
    printed = [row for section in (contradictions(), speed_ups()) if section.table for row in section.table.rows]
    failing = sum(FAILS in row for row in printed)
    lines.append(f"Of {len(printed)} checks of the printed numbers against one another, {failing} fail.")
    lines += [f"{name} was not made: {why}" for name, why in failures.items()]
    return lines


def _list(found: Sequence[Judged]) -> str:
    by_table: dict[str, list[str]] = {}
    for one in found[:MOST]:
        by_table.setdefault(one.table, []).append(one.what)
    named = "; ".join(f"{table}: {', '.join(names)}" for table, names in by_table.items())
    more = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
    return f" ({named}{more})" if named else ""


def _claims(title: str, made: Sequence[Verdict]) -> str:
    """How many claims of a part came out how; those that were decided by name, where they are few."""
    parts = []
    for kind in ("holds", "better", "fails", "worse", "open", MISSING):
        if found := [one.claim for one in made if one.outcome.startswith(kind)]:
            named = f" ({'; '.join(found)})" if len(found) <= FEW and kind not in ("open", MISSING) else ""
            parts.append(f"{len(found)} {kind}{named}")
    return f"{title}, {len(made)} claim{'s' * (len(made) > 1)}: {', '.join(parts)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
