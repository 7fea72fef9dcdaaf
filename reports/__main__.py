"""`python -m reports RUN`: make the page of a run from its records, as HTML or Markdown, without scoring anything."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import diswot_ending
from diswot_errors import Parser

MORE = """
further commands:
  python -m reports compare RUN_A RUN_B [--html FILE]   what changed between two runs, beyond noise
  python -m reports index DIR                           DIR/index.html: all runs below a folder
  python -m reports dictionary [FILE]                   every column of every file of a run
"""
RUN_HELP = "the folder that a command wrote (it holds manifest.json)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments, make what is asked for, print where it is."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    commands = {"compare": _compare, "index": _index, "dictionary": _dictionary}
    print(commands[given[0]](given[1:]) if given and given[0] in commands else _page(given))
    return 0


def _parser(name: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    return Parser(f"python -m reports{name}", description=description, epilog=epilog, formatter_class=shape)


def _page(given: Sequence[str]) -> object:
    parser = _parser("", "Make the page of a run from its records.", epilog=MORE)
    parser.add_argument("run", type=Path, metavar="RUN", help=RUN_HELP)
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it as Markdown into FILE instead")
    parser.add_argument(
        "--without", default="", metavar="NAMES", help="sections that the Markdown leaves out, by commas; globs"
    )
    for name, what in (
        ("latex", "tables"),
        ("csv", "tables"),
        ("parquet", "tables"),
        ("svg", "figures"),
        ("web-svg", "figures, which follow light and dark,"),
        ("pdf", "figures"),
    ):
        parser.add_argument(f"--{name}", type=Path, metavar="DIR", help=f"write its {what} into DIR instead")
    options = parser.parse_args(given)
    if options.without and not options.markdown:
        parser.error("--without is about the Markdown: give --markdown FILE too")
    from diswot_registry import names_in
    from reports import exports, html, markdown
    from reports.records import read_run

    asked = {name: folder for name in exports.FORMATS if (folder := getattr(options, name))}
    paths = [path for name, folder in asked.items() for path in exports.FORMATS[name](read_run(options.run), folder)]
    if options.markdown:
        paths.append(markdown.render(options.run, options.markdown, names_in(options.without)))
    return "\n".join(map(str, paths)) if asked or options.markdown else html.render(options.run)


def _compare(given: Sequence[str]) -> object:
    parser = _parser(" compare", "What changed between two runs: settings first, then proxies, by their intervals.")
    parser.add_argument("first", type=Path, metavar="RUN_A", help=RUN_HELP)
    parser.add_argument("second", type=Path, metavar="RUN_B", help="another")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page instead")
    options = parser.parse_args(given)
    from reports import comparing, html

    made = comparing.compared(options.first, options.second)
    return html.page(made, options.html) if options.html else comparing.as_lines(made)


def _index(given: Sequence[str]) -> object:
    parser = _parser(" index", "A page of all runs below a folder.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="runs are looked for in it and below")
    from reports.indexing import index

    return index(parser.parse_args(given).folder)


def _dictionary(given: Sequence[str]) -> object:
    parser = _parser(" dictionary", "Every column of every file of a run, as Markdown.")
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="where it goes (default: the terminal)")
    options = parser.parse_args(given)
    from reports.csv_files import write_text
    from reports.dictionary import dictionary

    if options.file is None:
        return dictionary()
    write_text(options.file, dictionary())
    return options.file


if __name__ == "__main__":
    diswot_ending.run(main)
