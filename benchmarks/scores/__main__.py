"""The scores there are: `python -m benchmarks.scores info|export|import|merge|diff|verify|release`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.command.sources import tables_of
from benchmarks.scores import compare
from benchmarks.scores.books import open_book, write_rows
from benchmarks.scores.told import conflicts_text, info_text
from benchmarks.scoring.release import record_torch, release
from benchmarks.scoring.released import RELEASED, Released
from benchmarks.scoring.setting import torch_version
from benchmarks.scoring.store import Store, default_store
from diswot_errors import UsageError
from reports.tables import format_count


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 1 where two sources contradict each other."""
    _, options = begun(argv, _parser)
    with ExitStack() as stack:
        if options.dry_run:
            for path in _read(options):
                print(info_text(path, open_book(path, stack)))
            print(f"{options.action} would read these; nothing was done")
            return 0
        return int(_WORK[options.action](options, stack))


def _read(options: argparse.Namespace) -> list[Path]:
    """What the action looks at."""
    match options.action:
        case "export":
            asked = options.tables if options.tables != RELEASED else _store(options)
            return [options.source or asked]
        case "diff":
            return [options.first, options.second]
        case "verify":
            return [options.tables]
        case _:
            return options.sources or [path for path in (_store(options), options.tables) if path.exists()]


def _info(options: argparse.Namespace, stack: ExitStack) -> int:
    for path in _read(options):
        print(info_text(path, open_book(path, stack)))
    return 0


def _export(options: argparse.Namespace, stack: ExitStack) -> int:
    if options.target.exists() and not options.force:
        raise UsageError(f"{options.target} is there: choose another file, or give --force to overwrite it")
    count = write_rows(options.target.resolve(), open_book(_read(options)[0], stack))
    print(f"{format_count(count, 'score')} in {options.target}")
    return 0


def _merge(options: argparse.Namespace, stack: ExitStack) -> int:
    books = {path: open_book(path, stack) for path in options.sources}  # all can be read before any is added
    store, conflicts = stack.enter_context(Store(_store(options))), []
    for path, book in books.items():
        added, found = compare.merge(store, book)
        print(f"{path}: {format_count(added, 'new score')}, {format_count(len(found), 'conflict')}")
        conflicts += found
    print(conflicts_text(conflicts, f"what {store.path} held stays"), end="")
    return int(bool(conflicts))


def _diff(options: argparse.Namespace, stack: ExitStack) -> int:
    found = compare.diff(*(open_book(path, stack) for path in _read(options)))
    print(
        f"only in {options.first}: {found.first:,}\nonly in {options.second}: {found.second:,}\nalike: {found.alike:,}"
    )
    print(conflicts_text(found.conflicts, "contradicting"), end="")
    return int(bool(found.conflicts))


def _verify(options: argparse.Namespace, stack: ExitStack) -> int:
    failed = False
    left = 0
    for table in Released(tables_of(options)).tables:
        if why := compare.unverifiable(table):
            print(f"{table.path.stem}: left out, {why}", flush=True)
            left += 1
            continue
        checked = compare.verify(table, options.sample, options.sample_seed)
        few = f"; too few of {', '.join(checked.few)}" if checked.few else ""
        near = f"{checked.near:,} within {compare.TOLERANCE:g}"
        print(f"{table.path.stem}: {checked.exact:,} scores to the bit, {near}{few}")
        print(conflicts_text(checked.conflicts, "further off"), end="", flush=True)
        failed |= bool(checked.conflicts)
        if options.record and not checked.conflicts and not checked.few:
            record_torch(table, torch_version())
    if left:
        print(f"{format_count(left, 'table')} not verified")
    return int(failed)


def _release(options: argparse.Namespace, stack: ExitStack) -> int:
    said = [line for path in options.sources for line in release(open_book(path, stack), options.tables)]
    size = sum(path.stat().st_size for path in options.tables.glob("*.*"))
    print("\n".join([*said, f"{options.tables}: {size / 2**20:.1f} MiB"]))
    return 0


_WORK = {
    **{"info": _info, "export": _export, "import": _merge, "merge": _merge},
    **{"diff": _diff, "verify": _verify, "release": _release},
}


def _store(options: argparse.Namespace) -> Path:
    return Path(options.store or default_store())


def _parser() -> argparse.ArgumentParser:
    def parents() -> list[shared.Parser]:
        return [shared.store_file(), shared.tables(), shared.dry_run("read and written")]

    parser = shared.parser("scores", "Look at scores, carry them elsewhere, compare, verify, release.", parents())
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    kinds = "score stores, folders of released tables, .csv, .csv.gz or .parquet files"

    def action(name: str, text: str, *more: shared.Parser) -> argparse.ArgumentParser:
        """With the options of all actions, which so may stand behind its name too."""
        again = [shared.unsaid(parent) for parent in parents()]
        return actions.add_parser(name, help=text, description=text, allow_abbrev=False, parents=[*more, *again])

    action("info", "what there is, by setting").add_argument("sources", nargs="*", type=Path, help=kinds)
    export = action("export", "write scores to a file: .csv, .csv.gz or .parquet")
    export.add_argument("target", type=Path, metavar="FILE")
    export.add_argument("--force", action="store_true", help="overwrite FILE where it is there")
    export.add_argument("source", type=Path, nargs="?", help=f"another source than the store: {kinds}")
    for name in ("import", "merge"):
        text = "add scores to the store; idempotent, every conflict is reported"
        action(name, text).add_argument("sources", nargs="+", type=Path, help=kinds)
    both = action("diff", "compare two sources answer by answer")
    both.add_argument("first", type=Path, help=kinds)
    both.add_argument("second", type=Path)
    sample = shared.sampled(20, "networks of each table", numbers.positive)
    verify = action("verify", "compute some released scores again and compare", sample)
    verify.add_argument("--record", action="store_true", help="write into the cards that this torch reproduces them")
    action("release", "add what is releasable to the tables").add_argument("sources", nargs="+", type=Path, help=kinds)
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
