"""The data dictionary: every column of every file of a run, from the records themselves."""

import inspect
import re
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from reports.markdown import plain_table
from reports.records import TABLES
from reports.schema import Estimate, Manifest, Verdict, VerdictKind

_WORDS = {str: "text", int: "integer", float: "number", type(None): "nothing"}


def dictionary() -> str:
    """As Markdown."""
    kinds = [(f"`{kind.value}`", kind.label) for kind in VerdictKind]
    blocks = [
        "# The files of a run",
        "Written by `python -m reports dictionary`; do not edit. UTF-8; in CSV files a header, an empty field for what "
        "is not known, numbers with all digits, no NaN; a text that a spreadsheet would take for a formula stands "
        "after an apostrophe. `reports.load_run(FOLDER)` reads them into pandas.",
        "## manifest.json",
        _about(Manifest),
        _table(Manifest),
    ]
    for name, kind in TABLES.items():
        blocks += [f"## {name}.csv", _about(kind), _table(kind)]
    blocks += [
        "## An estimate",
        f"{_about(Estimate)} Its columns are NAME, NAME_low, NAME_high, NAME_spread.",
        _table(Estimate),
        "## A verdict",
        f"{_about(Verdict)} The kinds:",
        plain_table(("in files", "on pages"), kinds),
        "## sections.json, SECTION.csv, SECTION.FIGURE.svg, card.md",
        "Further sections of a page: their words and the columns of their tables in sections.json, each table and "
        "figure in a file of its own. `card.md` is the data card of the ground truth, where it has one.",
        "## settings.json, trajectory.csv, lacking.csv",
        "What commands keep in the folder besides. settings.json: the options of a search, pipeline or training, by "
        "which the same command goes on and another is refused. trajectory.csv: each evaluation of a search in its "
        "order, with a seal of each line; the search goes on where it ends. lacking.csv: the networks that `chosen` "
        "found and nobody has trained, a column `arch`, for `harvest --archs`.",
    ]
    return "\n\n".join(blocks) + "\n"


def _about(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split())


def _table(kind: type) -> str:
    hints, notes = get_type_hints(kind, include_extras=True), _notes(kind)
    assert is_dataclass(kind)
    rows = [(f"`{each.name}`", in_words(hints[each.name]), notes.get(each.name, "")) for each in fields(kind)]
    return plain_table(("column", "holds", "meaning"), rows)


def in_words(hint: Any) -> str:
    """A type as a reader knows it: 'number or nothing', 'integer (a number from 0 to 9)'."""
    if get_origin(hint) is Annotated:
        kind, *limits = get_args(hint)
        return f"{in_words(kind)} ({', '.join(map(str, limits))})"
    if hint in _WORDS:
        return _WORDS[hint]
    if hint is Estimate:
        return "estimate"
    if hint is VerdictKind:
        return "one of the kinds below"
    if get_origin(hint) in (list, dict):
        return {list: "list", dict: "object"}[get_origin(hint)]
    return " or ".join(in_words(each) for each in get_args(hint))


def _notes(kind: type) -> dict[str, str]:
    """The comments behind the fields of a record, in its source."""
    lines = inspect.getsource(kind).splitlines()
    found = (re.match(r"    (\w+): .*?  # (.+)$", line) for line in lines)
    return {match[1]: match[2].replace("|", "\\|") for match in found if match}
