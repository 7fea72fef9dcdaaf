"""A data card, written as Markdown, as sections of a page: headings, paragraphs, lists and tables."""

import re

from reports.schema import Column, Section, Table


def sections_of(card: str, first: str = "Data card") -> list[Section]:
    """The card part by part; what stands before the first heading of level 2 becomes the section of that title."""
    found: list[Section] = []
    title, level, used = first, 2, 0
    for block in re.split(r"(?m)^(?=##+ )", card):
        head, _, rest = block.partition("\n") if block.startswith("##") else ("", "", block)
        if head:
            title, level = _plain(head.lstrip("# ")), 2 if head.startswith("## ") else 3
        paragraphs, tables = _parts(re.sub(r"(?m)^# .*$", "", rest))
        for number, table in enumerate(tables or [None]):
            used += 1
            intro = tuple(paragraphs) if number == 0 else ()
            if intro or table or head:
                whole = f"{title}, continued" if number else title
                found.append(Section(f"card-{used}", whole, intro, table, level=2 if level == 2 and not number else 3))
    return found


def _parts(text: str) -> tuple[list[str], list[Table | None]]:
    paragraphs: list[str] = []
    tables: list[Table | None] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        lines = part.strip().splitlines()
        if len(lines) > 1 and lines[0].startswith("|") and re.fullmatch(r"[|:\s-]+", lines[1]):
            tables.append(_table(lines))
        elif part.strip():
            paragraphs += [_plain(one) for one in re.split(r"\n(?=[-*] )", part.strip())]
    return paragraphs, tables


def _table(lines: list[str]) -> Table:
    head, rows = _cells(lines[0]), [_cells(line) for line in lines[2:]]
    columns = tuple(Column(f"c{place}", label=name or " ") for place, name in enumerate(head))
    return Table(columns, tuple(tuple((*row, *[""] * len(head))[: len(head)]) for row in rows))


def _cells(line: str) -> list[str]:
    return [_plain(cell) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _plain(text: str) -> str:
    """Without the marks of code, emphasis and escapes; a link as its text."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.split()))
    return (
        re.sub(r"\\([\\|*_`\[\]#~$<>&])", r"\1", re.sub(r"[`]|\*\*", "", text))
        .removeprefix("- ")
        .removeprefix("> ")
        .strip()
    )
