"""All scores that are released, on all ground truths at hand: `python -m benchmarks.leaderboard`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.command import ending
from benchmarks.command import options as shared
from benchmarks.command.plugins import load_plugins
from benchmarks.command.publish import Content
from benchmarks.command.work import work_in_folder
from benchmarks.scoring.released import Released
from benchmarks.scoring.study import truth_hash
from benchmarks.tables import leaderboard
from diswot_errors import DataError, UsageError
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from nb201_data.spaces import SPACES
from nb201_data.truth import published
from reports.schema import Section

BENCHMARK = tuple(f"nb201:{images}:test:{n}" for n in (200, 12) for images in ("cifar10", "cifar100", "imagenet16-120"))
TRANSFORMERS = tuple(name for name in published.names() if name.startswith("vit:") and ":kd" in name)
TRUTHS = ("kd-nb201", "s0:kd", *TRANSFORMERS, *BENCHMARK)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given = list(sys.argv[1:] if argv is None else argv)
    load_plugins(given)
    options = _parser().parse_args(given)
    truths, missing = truths_at_hand(options.ground_truth)
    released = Released(options.tables)
    if options.dry_run:
        print(
            f"{len(released.tables)} released tables on {', '.join(t.name for t in truths)}: a minute, nothing scored"
        )
        return 0
    settings = {
        "truths": {truth.name: truth_hash(truth) for truth in truths},
        "tables": {table.path.stem: table.card.sha256 for table in released.tables},
    }

    def work(out: Path) -> Content:
        sections: list[Section] = []
        for truth in truths:
            scores = [*leaderboard.closed_forms(truth), *leaderboard.released_scores(released, truth)]
            for population in leaderboard.populations(truth):
                sections.append(leaderboard.section(len(sections) + 1, truth, population, scores))
        lead = [f"Left out: {why}." for why in missing]
        names = ", ".join(truth.name for truth in truths)
        return Content("All scores on all truths", lead, sections, config=settings, ground_truth=names)

    return work_in_folder("leaderboard", given, options, settings, work)


def truths_at_hand(asked: str | None, usual: Sequence[str] = TRUTHS) -> tuple[list[GroundTruth], list[str]]:
    """Those that are asked for, by commas, or of the usual ones those on disk whose networks
    can be built; and why others are missing.
    """
    if asked:
        truths = [load_ground_truth(name.strip()) for name in asked.split(",") if name.strip()]
        if unknown := [truth.name for truth in truths if truth.space not in SPACES]:
            raise UsageError(f"{', '.join(unknown)}: networks that cannot be built here; expected {', '.join(SPACES)}")
        return truths, []
    truths, missing = [], []
    for name in usual:
        try:
            truths.append(load_ground_truth(name))
        except DataError as error:
            missing.append(str(error))
    return [truth for truth in truths if truth.space in SPACES], missing


def _parser() -> argparse.ArgumentParser:
    return shared.parser(
        "leaderboard",
        "All released scores and the closed forms on all ground truths at hand, with what others published. Nothing is "
        "scored: `python -m benchmarks.sweep` makes the released tables grow.",
        [shared.truth(several=True), shared.tables(), shared.output(what="ranked")],
    )


if __name__ == "__main__":
    ending.run(main)
