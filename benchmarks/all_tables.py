"""Every table of the paper on one page, published beside measured: `python -m benchmarks.all_tables`."""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.claim import prepare
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content
from benchmarks.command.work import work_in_folder
from benchmarks.engines.device import choose_device
from benchmarks.scoring.resolve import REAL
from benchmarks.tables.parts import chosen, main_of
from benchmarks.tables.together import TablePart, image_notes, names, sections_of
from diswot_errors import DataError, UsageError
from reports import consistency
from reports.records import read_run
from reports.summary import first_paragraph


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    parts = chosen(options.only, options.skip)
    choose_device(options.device)
    if options.dry_run:
        for part in parts:
            print(f"# {part.command}")
            main_of(part)([*part.arguments(options), "--dry-run"])
        return 0
    settings = {key: str(value) for key, value in vars(options).items() if key in SETTINGS}
    return work_in_folder("all_tables", given, options, settings, lambda out: _work(out, parts, options))


SETTINGS = ("images", "seeds", "minutes", "searches")  # parts may be added; numbers depend on these


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "all_tables",
        "Make every table of the paper and one page of them all, which says first what reproduces and what does not. "
        "What needs data that are not on disk says so. Each part has a folder of its own and goes on from there.",
        [shared.machine(), shared.store(), shared.seeds(None, "of scores (default: each part's own)"), shared.output()],
    )
    parser.add_argument("--only", metavar="NAMES", help="a comma list of commands")
    parser.add_argument("--skip", default="", metavar="NAMES", help="a comma list of commands to leave out")
    parser.add_argument(
        "--images",
        choices=("embedded", REAL),
        default="embedded",
        help="embedded: painted, no download; real: those that the networks of a table were trained on, where on disk",
    )
    parser.add_argument("--minutes", type=numbers.positive, default=20, help="that training the distillers may take")
    parser.add_argument("--searches", type=numbers.positive, default=20, help="searches of each row of Table 8")
    return parser


def _work(out: Path, parts: Sequence[TablePart], options: argparse.Namespace) -> Content:
    failures = {part.command: why for part in parts if (why := _make(out, part, options))}
    if len(failures) == len(parts):
        raise DataError(f"no table could be made: {'; '.join(dict.fromkeys(failures.values()))}")
    runs = {part.command: read_run(out / part.key) for part in parts if part.command not in failures}
    made = {section.name for run in runs.values() if run.page for section in run.page.sections}
    internal = [each for each in (consistency.contradictions(), consistency.speed_ups()) if each.name not in made]
    sections = [section for p in parts for section in sections_of(p, runs.get(p.command), failures.get(p.command, ""))]
    titled = {part.title: runs[part.command] for part in parts if part.command in runs}
    manifests = [run.manifest for run in runs.values()]
    return Content(
        "The tables of the DisWOT paper, published beside measured",
        first_paragraph(titled, failures),
        [*sections, *internal],
        notes=image_notes(titled),
        config={name: run.manifest.config for name, run in runs.items()},
        seeds=sorted({seed for manifest in manifests for seed in manifest.seeds}),
        ground_truth=names(each.ground_truth for each in manifests),
        images=names(each.images for each in manifests),
        device=options.device,
    )


def _make(out: Path, part: TablePart, options: argparse.Namespace) -> str:
    """Run one command into its own folder, its output into a file beside it; why it could not, or ''."""
    folder = prepare(out / part.key)
    begin = time.monotonic()
    print(f"{part.command} ...", end=" ", flush=True)
    try:
        with open(out / f"{part.key}.log", "w", encoding="utf-8") as log, contextlib.redirect_stdout(log):
            main_of(part)([*part.arguments(options), "--out", str(folder), "--replace"])
    except UsageError:
        raise
    except DataError as error:
        print(f"not made: {error}", flush=True)
        return str(error)
    print(f"{time.monotonic() - begin:.0f} s", flush=True)
    return ""


if __name__ == "__main__":
    diswot_ending.run(main)
