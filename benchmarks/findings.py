"""What was found, as one page of Markdown: `python -m benchmarks.findings docs/findings.md`. Nothing is scored."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.command.sources import some_released
from benchmarks.command.truths import truths_at_hand
from benchmarks.engines import provenance
from benchmarks.scoring.recorded import recorded
from benchmarks.scoring.released import Released
from benchmarks.site import usual
from diswot_errors import DataError
from nb201_data.truth.measured import FAMILY
from reports.csv_files import write_text

ALONE = ":vanilla"  # without a teacher, of networks that have distilled accuracies: the site shows those
OTHER = f"{FAMILY}:*-*:*"  # by another teacher or distiller than usual: the site, and the card's sections in short
KEPT = "<!-- What stands below is kept by `python -m benchmarks.findings`. -->"
"""What comes after this line in the file stays: findings of earlier versions that are not measured anew."""


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    _, options = begun(argv, _parser)
    if options.file is not None:
        kept(options.file)  # what cannot be written is known before the work
    truths, missing = truths_at_hand(options.ground_truth, [name for name in usual() if _shown(name)])
    released = some_released(options)
    if options.dry_run:
        print(f"Findings on {', '.join(truth.name for truth in truths)}: some minutes, nothing scored")
        return 0
    from benchmarks.tables.findings import findings, pictures

    parts = [head(released), *(found.text() for found in findings(truths, released))]
    for why in dict.fromkeys(missing):
        print(f"Left out: {why}.", file=sys.stderr)
    text = "\n\n".join([*parts, KEPT]) + "\n"
    if options.file is None:
        print(text)
    else:
        write_text(options.file, text + kept(options.file))
        print(options.file)
        for one in recorded(released, truths[0])[:1]:
            for end, drawing in pictures(one).items():
                write_text(options.file.with_name(f"{options.file.stem}{end}.svg"), drawing)
    return 0


def _shown(name: str) -> bool:
    return not name.endswith(ALONE) and not fnmatch(name, OTHER)


def head(released: Released) -> str:
    """What was measured, by whom and on what."""
    tables = f"{len(released.tables)} released tables of scores (`python -m benchmarks.scores info`)"
    commit, day = provenance.commit(), datetime.now(UTC).date()
    return (
        "# What was found\n\n"
        f"Measured at {f'commit {commit}' if commit else f'version {provenance.version()}'} on {day} from "
        f"{tables} and the ground truths at hand; written by `python -m benchmarks.findings "
        "docs/findings.md`. Intervals are 95 % bootstrap intervals over networks."
    )


def kept(file: Path) -> str:
    """What stands below the line in the file that is written anew."""
    try:
        _, found, below = file.read_text(encoding="utf-8").partition(f"{KEPT}\n")
    except FileNotFoundError:
        return ""
    except IsADirectoryError as error:
        raise DataError(f"{file} is a folder: name a file in it, as {file / 'findings.md'}") from error
    if not found:
        raise DataError(f"{file} has no line {KEPT!r}: what of it is to be kept? Add the line, or give another file")
    return below


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "findings",
        "What was found, as one page of Markdown for a reader of five minutes, with pictures of the first ground truth "
        "beside it: from the released scores and the ground truths at hand. Nothing is scored or trained.",
        [shared.truth(several=True), shared.tables(), shared.dry_run("said")],
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="where it goes (default: the terminal)")
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
