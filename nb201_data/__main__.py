"""`python -m nb201_data`: what data there are, where they come from, what is on disk, and whether it is whole."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from statistics import median
from textwrap import TextWrapper

import diswot_ending
from diswot_errors import DataError, Parser, UsageError
from diswot_plugins import load_plugin
from nb201_data import files
from nb201_data.catalogue import GROUPS, DataFile
from nb201_data.datasets import DATASETS, DataSet
from nb201_data.ground_truth import GroundTruth, available, load_ground_truth
from nb201_data.splits import SplitName

_MARKS = {"whole": "whole", "present": "on disk", "absent": "-"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    arguments = _parser().parse_args(argv)
    for plugin in arguments.plugin:
        load_plugin(plugin)
    code: int = arguments.command(arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m nb201_data",
        description=__doc__.split("`: ")[1].capitalize() if __doc__ else None,
        epilog="Files lie in the folder NB201_DATA_DIR, or in the user's cache folder. "
        "Exit codes: 0 done, 1 something is broken or could not be got, 2 wrong use.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    shared = Parser(add_help=False)
    shared.add_argument(
        "--plugin", metavar="FILE.py", action="append", default=[], help="a file that brings data sets or spaces"
    )

    def add(name: str, function: object, summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary, parents=[shared])
        command.set_defaults(command=function)
        return command

    add("list", _list, "groups of files, data sets and all ground truths, and what of them is on disk")
    info = add("info", _info, "everything about one file, group of files or ground truth")
    info.add_argument("name", metavar="NAME", help="as `list` shows it, or the path of a CSV with a ground truth")
    fetch = add("fetch", _fetch, "get files or groups from their official sources, check them, put them in place")
    fetch.add_argument("names", metavar="NAME", nargs="+", help="a file, a group, or 'all'")
    verify = add("verify", _verify, "compare size and hash of what is on disk with what was published")
    verify.add_argument("names", metavar="NAME", nargs="*", help="files or groups, which must then be there; else all")
    convert = add("convert", _convert, "turn the official benchmark file into the small table that everything reads")
    convert.add_argument(
        "path", metavar="PATH", nargs="?", help="the .pth file, or a folder NATS-tss-v1_0-3ffb9-simple"
    )
    convert.add_argument("--force", action="store_true", help="replace the table that is there")
    return parser


def _list(_arguments: argparse.Namespace) -> int:
    where = "NB201_DATA_DIR" if os.environ.get("NB201_DATA_DIR") else "the user's cache folder"
    print(f"Data folder: {files.data_dir()} ({where})\n")
    rows: list[tuple[str, ...]] = [("FILES", "ON DISK", "SIZE", "LICENCE", "WHAT")]
    for group in files.groups():
        members = files.select(group)
        there = [files.status_of(file, files.data_dir(), full=False) for file in members]
        broken = sum(state.state not in _MARKS for state in there)
        count = f"{sum(state.usable for state in there)} of {len(there)}" + (f", {broken} broken" if broken else "")
        rows.append((group, count, _size(members), members[0].licence, GROUPS[group]))
    _table(rows)
    rows = [("IMAGES", "ON DISK", "CLASSES", "PIXELS", "TRAIN", "TEST", "ORIGIN")]
    for data in DATASETS.values():
        sizes = (f"{data.classes:,}", f"{data.resolution}", f"{data.train.count:,}", f"{data.test.count:,}")
        rows.append((data.name, _there(data), *sizes, data.origin))
    print()
    _table(rows, right=(2, 3, 4, 5))
    rows = [("GROUND TRUTH", "ON DISK", "N", "KIND")]
    for truth in available():
        on_disk = "-" if not truth.on_disk else "yes" if truth.n is not None else "broken"
        rows.append((truth.name, on_disk, f"{truth.n or 0:,}", truth.kind))
    print()
    _table(rows, right=(2,))
    print("\nMore: python -m nb201_data info NAME. Get files: python -m nb201_data fetch NAME")
    return 0


def _there(data: DataSet) -> str:
    """Which splits of a data set can be used."""
    splits: tuple[SplitName, ...] = ("train", "test")
    there = [split for split in splits if not files.missing(data.part(split).files)]
    return "yes" if len(there) == 2 else there[0] if there else "-"


def _info(arguments: argparse.Namespace) -> int:
    name = arguments.name
    if name in (*files.groups(), *(file.name for file in files.select("all"))):
        for number, file in enumerate(files.select(name)):
            print("\n" * bool(number), end="")
            _describe(file)
        return 0
    try:
        _describe_truth(load_ground_truth(name))
    except UsageError as error:
        if str(error).startswith("unknown ground truth"):
            raise UsageError(f"{error}. Files: {', '.join(files.groups())}") from None
        raise
    return 0


def _describe(file: DataFile) -> None:
    state = files.status_of(file, files.data_dir())
    found = f"{state.state}: expected {state.expected}, found {state.found}" if state.expected and state.found else ""
    _facts(
        file.name,
        [
            ("what", file.what),
            ("from", file.origin),
            ("licence", file.licence),
            ("size", _size([file])),
            ("hash", file.hash or "none published"),
            ("path", str(state.path)),
            ("state", state.state if state.usable or not found else found),
            ("to do", "" if state.usable else state.remedy),
        ],
    )


def _describe_truth(truth: GroundTruth) -> None:
    values = sorted(truth.values.values())
    first = truth.records[0]
    _facts(
        truth.name,
        [
            ("what", truth.note),
            ("space", truth.space),
            ("skeleton", str(truth.skeleton or "not one of ours")),
            ("images", truth.images or "not stated"),
            ("split", first.split or "not stated"),
            ("epochs", "not stated" if first.epochs is None else str(first.epochs)),
            ("teacher", truth.teacher or "none"),
            ("protocol", truth.protocol or "not stated"),
            ("runs", f"{len(truth.records):,} of {len(truth):,} architectures"),
            ("accuracy", f"{values[0]:.2f} to {values[-1]:.2f} %, median {median(values):.2f} %"),
        ],
    )


def _fetch(arguments: argparse.Namespace) -> int:
    from nb201_data.fetching import fetch  # pooch is imported only where something is fetched

    failures = []
    for name in arguments.names:
        files.select(name)  # a wrong name is said before anything is fetched
    for name in arguments.names:
        try:
            for path in fetch(name, progress=sys.stderr.isatty()):
                print(f"{path}")
        except DataError as error:
            failures.append(str(error))
    if failures:
        raise DataError("\n".join(failures))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    states = files.verify(arguments.names or ("all",))
    absent = [state for state in states if state.state == "absent"]
    shown = states if arguments.names else [state for state in states if state.state != "absent"]
    if shown:
        _table([("FILE", "STATE", "PATH"), *((state.file.name, state.state, str(state.path)) for state in shown)])
    if absent and not arguments.names:
        print("\n" * bool(shown) + f"{len(absent)} of {len(states)} files are not in {files.data_dir()}.")
    wrong = [state for state in shown if not state.usable]
    for state in wrong:
        print(f"\n{state}")
    if wrong:
        names = ", ".join(state.file.name for state in wrong)
        raise DataError(f"{len(wrong)} of {len(shown)} files are absent or broken: {names}")
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from nb201_data.official import convert

    path = arguments.path or files.path_of("nb201/benchmark")
    print(f"Reading {path}: minutes for the official file", file=sys.stderr)
    hidden = not sys.stderr.isatty()
    target = convert(
        path, overwrite=arguments.force, progress=lambda cells: tqdm(cells, unit=" cells", disable=hidden, leave=False)
    )
    print(target)
    return 0


def _size(members: Iterable[DataFile]) -> str:
    known = sum(file.size or 0 for file in members)
    for unit, digits in (("GB", 9), ("MB", 6), ("kB", 3)):
        if known >= 10**digits:
            return f"{known / 10**digits:.1f} {unit}"
    return "?"


def _facts(title: str, facts: Sequence[tuple[str, str]]) -> None:
    wrap = TextWrapper(_width(), subsequent_indent=" " * 12, break_long_words=False, break_on_hyphens=False)
    print(title)
    for name, value in facts:
        if value:
            print(wrap.fill(f"  {name:<10}{value}"))


def _table(rows: Sequence[tuple[str, ...]], right: Sequence[int] = ()) -> None:
    """Aligned columns; on a terminal the last one is cut where the line ends."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{c:>{w}}" if i in right else f"{c:<{w}}" for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        line = "  ".join(cells).rstrip()
        print(line if len(line) <= _width() else line[: _width() - 3] + "...")


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000


if __name__ == "__main__":
    diswot_ending.run(main)
