"""Write the data card of a harvested table: recipe, noise, agreement, all computed from the rows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.distill import options as recipes
from benchmarks.distill.protocols import get_protocol
from benchmarks.harvesting.rows import PairRow, read_rows, table_path
from diswot_errors import DataError, UsageError
from reports.csv_files import read_text, write_text

HEAD = "# kd-nb201, protocol "


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    _, options = begun(argv, _parser)
    table = options.table or table_path(get_protocol(options.protocol).name)
    rows, others = read_rows(table), beside(table, options.protocol)
    if not rows:
        raise DataError(f"no rows in {table}: run `python -m benchmarks.harvest --protocol {options.protocol}` first")
    if rows[0].protocol != get_protocol(options.protocol).name:
        raise UsageError(
            f"{table} holds pairs of the protocol {rows[0].protocol}, the card would be of {options.protocol}: give "
            f"--protocol {rows[0].protocol}"
        )
    get_protocol(options.rival)
    out = options.out or table.with_suffix(".md")
    if out.exists() and not (out.is_file() and read_text(out).startswith(HEAD)):
        raise UsageError(f"{out} is there and no data card: choose another --out, it would be overwritten")
    if options.dry_run:
        tables = "".join(f", {len(other)} of {other[0].distiller} from {other[0].teacher}" for other in others)
        print(f"{table}, {len(rows)} pairs{tables}: {out} takes some seconds; nothing is trained.")
        return 0

    from benchmarks.harvesting.card import card

    rival = read_rows(table_path(options.rival, distiller=""))
    write_text(out, card(options.protocol, rows, options.rival, rival, others))
    print(out)
    return 0


def beside(table: Path, protocol: str) -> list[list[PairRow]]:
    """The tables in the same folder that hold pairs of this protocol by another teacher or distiller."""
    found = [read_rows(path) for path in sorted(table.parent.glob(f"{table.stem}-*.csv"))]
    return [rows for rows in found if rows and rows[0].protocol == protocol and rows[0].distilled_top1 is not None]


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "data_card",
        "Write the data card of a harvested table, everything in it computed from the rows. Tables beside it of the "
        "same protocol, with another teacher or distiller, become sections of their own.",
        [recipes.protocol("lite"), recipes.table(), shared.dry_run("written")],
    )
    parser.add_argument("--rival", default="lite-all", help="a candidate protocol to compare on the cells both trained")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the card (default: beside the table)")
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
