"""What does a search by a score find, and with which budget? `python -m benchmarks.search_budget`."""

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
from benchmarks.tables import leaderboard, search_budget
from diswot_errors import DataError
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from reports.schema import Section

TRUTHS = ("nb201:cifar100:test:200", "nb201:cifar10:test:200", "nb201:imagenet16-120:test:200")


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given = list(sys.argv[1:] if argv is None else argv)
    load_plugins(given)
    options = _parser().parse_args(given)
    names = [name.strip() for name in (options.ground_truth or ",".join(TRUTHS)).split(",") if name.strip()]
    truths = [load_ground_truth(name) for name in names]
    released = Released(options.tables)
    if options.dry_run:
        print(f"{len(released.tables)} released tables on {', '.join(names)}: seconds, nothing scored")
        return 0
    settings = {
        "truths": {truth.name: truth_hash(truth) for truth in truths},
        "tables": {table.path.stem: table.card.sha256 for table in released.tables},
    }

    def work(out: Path) -> Content:
        lead: list[str] = []
        sections: list[Section] = []
        for truth in truths:
            scores = [*leaderboard.closed_forms(truth), *leaderboard.released_scores([released], truth)]
            found = search_budget.searchers(truth, scores, _validation(truth))
            if not found:
                lead.append(
                    f"{truth.name}: no scores are released of its networks; `python -m benchmarks.sweep` makes them."
                )
                continue
            lead.append(search_budget.sentence(truth, found))
            sections.append(search_budget.section(len(sections) + 1, truth, found))
        title = "What a search by a score finds, by budget"
        return Content(title, lead, sections, config=settings, ground_truth=", ".join(names))

    return work_in_folder("search_budget", given, options, settings, work)


def _validation(truth: GroundTruth) -> GroundTruth | None:
    """The accuracies after a short training that a search may look at; None where there are none."""
    parts = truth.name.split(":")
    if parts[0] != "nb201" or len(parts) != 4:
        return None
    try:
        return load_ground_truth(f"nb201:{parts[1]}:valid:{search_budget.EPOCHS}")
    except DataError:
        return None


def _parser() -> argparse.ArgumentParser:
    return shared.parser(
        "search_budget",
        "What a random search by each released score finds with 1, 10, ... networks and with the seconds that Table 8 "
        "prints, beside params and a search by validation accuracy. Nothing is scored.",
        [shared.truth(several=True), shared.tables(), shared.output(what="reckoned")],
    )


if __name__ == "__main__":
    ending.run(main)
