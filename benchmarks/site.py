"""The site of what is released: `python -m benchmarks.site DIR`. Nothing is scored."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.command.publish import run_of
from benchmarks.command.sources import tables_of
from benchmarks.command.truths import truths_at_hand
from benchmarks.scoring.recorded import recorded
from benchmarks.scoring.released import Released
from benchmarks.tables import released as pages
from nb201_data.ground_truth import GroundTruth, available
from nb201_data.truth.measured import FAMILY
from reports.records import manifest_of, write_run


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    from reports.site import build, check

    check(options.folder)
    for run in options.runs:
        manifest_of(run)  # what is none is known before the work
    truths, missing = truths_at_hand(options.ground_truth, usual())
    released = Released(tables_of(options))
    if options.dry_run:
        named = ", ".join(truth.name for truth in truths)
        print(f"{options.folder}: {len(released.tables)} released tables on {named}. Nothing is scored: seconds, or")
        print("half a minute for each truth of which thousands of networks are scored.")
        return 0
    with tempfile.TemporaryDirectory() as place:
        made = list(_runs(Path(place), truths, released, ["python", "-m", "benchmarks.site", *given]))
        print(
            "\n".join(
                [
                    *(f"Left out: {why}." for why in dict.fromkeys(missing)),
                    str(build(options.folder, [*made, *options.runs])),
                ]
            )
        )
    return 0


def usual() -> list[str]:
    """Every ground truth by name; of the benchmark the test accuracies after its full training, and of cells that were
    distilled in another way too not once more how good they are alone."""
    named = [one.name for one in available() if ":" in one.name]
    again = f"{FAMILY}:*-*:vanilla"
    return [name for name in named if ":valid:" not in name and not name.endswith(":12") and not fnmatch(name, again)]


def _runs(place: Path, truths: Sequence[GroundTruth], released: Released, command: Sequence[str]) -> Iterator[Path]:
    """A run for each truth under each setting, and the distillers, as folders that `reports` reads."""
    contents = [content for truth in truths for content in pages.of_truth(truth, released, recorded(released, truth))]
    searches = pages.searches(truths, released)
    further = [*pages.students(truths, released), *searches, *pages.score(), pages.distillers()]
    for number, content in enumerate([*contents, *further], 1):
        name = content.ground_truth if content.correlations else content.title
        folder = place / str(number) / name.replace(":", "-").replace("/", "-").lower()
        folder.mkdir(parents=True)
        write_run(folder, run_of(command, content))
        yield folder


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "site",
        "A site of static files, every address in it relative: the leaderboard, a page a proxy, a page a ground truth, "
        "the distillers, from the released tables and the ground truths at hand. Nothing is scored.",
        [shared.truth(several=True), shared.tables(), shared.dry_run("written")],
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="where it goes; made if need be, replaced if a site")
    parser.add_argument("--runs", type=Path, nargs="+", default=[], metavar="RUN", help="runs to add, by their folders")
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
