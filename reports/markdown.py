"""The page of a run as Markdown, for a repository: the same words and tables, without figures."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from diswot_errors import UsageError
from reports.csv_files import write_text
from reports.pages import page_of
from reports.records import read_run
from reports.schema import Claim, Section, Table
from reports.tables import format_cell


def render(run_folder: Path, out_path: Path, without: Sequence[str] = ()) -> Path:
    """Write the page of a run, but for the sections whose names match a glob of `without`."""
    run = read_run(run_folder)
    page = page_of(run)
    for glob in without:
        if not any(fnmatchcase(each.name, glob) for each in page.sections):
            raise UsageError(f"--without {glob}: this page has {', '.join(each.name for each in page.sections)}")
    sections = [each for each in page.sections if not any(fnmatchcase(each.name, glob) for glob in without)]
    blocks = [f"# {escaped(page.title)}", *map(escaped, page.answer)]
    if page.conditions:
        blocks.append(escaped(page.conditions))
    for section in sections:
        blocks += _section(section)
    write_text(out_path, "\n\n".join(blocks) + "\n")
    return out_path


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line: no tag, no link, no emphasis, no block; `code` stays code."""
    return _START.sub(r"\1\\\2", _inline(text))


def _inline(text: str) -> str:
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if place % 2 else _plain(part) for place, part in enumerate(parts))


_CODE = re.compile(r"(?<!`)(`[^`]+`)(?!`)")  # a pair of single backticks; all others are escaped
_START = re.compile(r"^(\d+(?=[.)](?: |$))|(?=[-+=]))(.)")  # a list, a rule, an underline: where a line begins
_MARKS = re.compile(r"([\\*_\[\]#~`$]|(?<=:)/(?=/)|(?<=www)\.)")


def _plain(text: str) -> str:
    entities = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub(r"\\\1", entities)


def _fenced(code: str) -> str:
    """Code between two fences that are longer than any run of backticks in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return "\n".join([fence, *code.splitlines(), fence])


def _section(section: Section) -> list[str]:
    blocks = [f"{'#' * section.level} {escaped(section.title)}", *map(escaped, section.intro)]
    if section.claims:
        blocks.append("\n".join(map(_claim, section.claims)))
    if section.table is not None:
        blocks.append(as_table(section.table))
    if section.code:
        blocks.append(_fenced(section.code))
    if section.note:
        blocks.append(escaped(section.note))
    return blocks


def _claim(made: Claim) -> str:
    detail = f" ({escaped(made.verdict.detail)})" if made.verdict.detail else ""
    return f"- {escaped(made.claim)}: **{made.verdict.kind.label}**{detail}"


def as_table(table: Table) -> str:
    """Text to the left, numbers to the right."""
    head = [_cell(column.head) for column in table.columns]
    rule = [":--" if column.of_words else "--:" for column in table.columns]
    rows = [[_cell(format_cell(c, cell)) for c, cell in zip(table.columns, row, strict=True)] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def plain_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Of texts that are Markdown already."""
    head, *body = (f"| {' | '.join(map(str, row))} |" for row in (heads, *rows))
    return "\n".join([head, f"|{'---|' * len(heads)}", *body])


def _cell(text: str) -> str:
    """A column ends at every bar without a backslash, even in code; that backslash is not shown."""
    return _inline(text).replace("|", "\\|")
