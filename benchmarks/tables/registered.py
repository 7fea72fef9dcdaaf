"""What is registered, as a table for the terminal."""

from __future__ import annotations

import argparse
from typing import Any

from reports.schema import Column, Table
from reports.tables import as_text

WIDTH = 90


def proxies() -> str:
    """What there is, which end of its scale is better, who looks at a teacher, where it comes from; then what ranks a
    set of networks by several of these."""
    from proxies.registry import aggregates, all_proxies

    columns = tuple(Column(name) for name in ("proxy", "better", "teacher", "paper", "origin", "formula"))
    rows = tuple(
        (info.name, info.direction, "yes" if info.teacher else "", info.paper, info.origin, _cut(info.summary))
        for info in all_proxies()
    )
    sets = tuple(Column(name) for name in ("aggregate", "of", "paper", "origin", "formula"))
    ranked = tuple(
        (info.name, ",".join(info.parts), info.paper, info.origin, _cut(info.summary)) for info in aggregates()
    )
    return f"{as_text(Table(columns, rows))}\n\n{as_text(Table(sets, ranked))}"


class ListProxies(argparse.Action):
    """`--list`: print the proxies and stop."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(nargs=0, **settings)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(proxies())
        parser.exit()


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else text[: WIDTH - 3].rstrip() + "..."
