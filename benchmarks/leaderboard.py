"""All scores that are released, on all ground truths at hand: `python -m benchmarks.leaderboard`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.command import ending
from benchmarks.command import options as shared
from benchmarks.command.plugins import load_plugins
from benchmarks.command.publish import Content
from benchmarks.command.sources import books_of, hashes_of
from benchmarks.command.work import work_in_folder
from benchmarks.scoring.columns import known_scores
from benchmarks.scoring.study import truth_hash
from benchmarks.statistics.formula import parse
from benchmarks.tables import leaderboard
from diswot_errors import DataError, UsageError
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from nb201_data.spaces import SPACES
from reports.schema import Section

BENCHMARK = tuple(f"nb201:{images}:test:{n}" for n in (200, 12) for images in ("cifar10", "cifar100", "imagenet16-120"))
TRUTHS = ("kd-nb201", "s0:kd", *BENCHMARK)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given = list(sys.argv[1:] if argv is None else argv)
    load_plugins(given)
    options = _parser().parse_args(given)
    truths, missing = truths_at_hand(options.ground_truth)
    formulas = [parse(text, known_scores()) for text in options.aggregate]
    if options.dry_run:
        print(f"{len(hashes_of(options))} sources of scores on {', '.join(t.name for t in truths)}: nothing is scored")
        return 0
    settings = {
        "truths": {truth.name: truth_hash(truth) for truth in truths},
        "scores": hashes_of(options),
        "aggregates": sorted(map(str, formulas)),
    }

    def work(out: Path) -> Content:
        sections: list[Section] = []
        with ExitStack() as stack:
            books = books_of(options, stack)
            for truth in truths:
                scores = [*leaderboard.closed_forms(truth), *leaderboard.released_scores(books, truth, formulas)]
                for population in leaderboard.populations(truth):
                    sections.append(leaderboard.section(len(sections) + 1, truth, population, scores))
        lead = [f"Left out: {why}." for why in missing]
        names = ", ".join(truth.name for truth in truths)
        return Content("All scores on all truths", lead, sections, config=settings, ground_truth=names)

    return work_in_folder("leaderboard", given, options, settings, work)


def truths_at_hand(asked: str | None) -> tuple[list[GroundTruth], list[str]]:
    """Those that are asked for, by commas, or of the usual ones those on disk; and why others are missing."""
    if asked:
        truths = [load_ground_truth(name.strip()) for name in asked.split(",") if name.strip()]
        if unknown := [truth.name for truth in truths if truth.space not in SPACES]:
            raise UsageError(f"{', '.join(unknown)}: networks that cannot be built here; expected {', '.join(SPACES)}")
        return truths, []
    truths, missing = [], []
    for name in TRUTHS:
        try:
            truths.append(load_ground_truth(name))
        except DataError as error:
            missing.append(str(error))
    return truths, missing


def _parser() -> argparse.ArgumentParser:
    return shared.parser(
        "leaderboard",
        "All released scores and the closed forms on all ground truths at hand, with what others published. Nothing is "
        "scored: `python -m benchmarks.sweep` makes the released tables grow.",
        [shared.truth(several=True), shared.scores(), shared.aggregate(), shared.output(what="ranked")],
    )


if __name__ == "__main__":
    ending.run(main)
