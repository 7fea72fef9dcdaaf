"""Every score that the grammar makes of up to three, on the search half: `python -m benchmarks.candidates`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import diswot_ending
from benchmarks.command import looks, numbers
from benchmarks.command import options as shared
from benchmarks.command.cases import cases_at_hand
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content
from benchmarks.command.work import work_in_folder
from benchmarks.scoring.exhaustive import searched, shrinkage
from benchmarks.statistics.candidates import count
from benchmarks.tables import candidates


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    from proxies.registry import select

    wanted = [info.name for info in select(options.proxies)]
    cases, missing = cases_at_hand(options, "search", among=wanted)
    names = set.intersection(*(set(case.names) for case in cases))
    if options.dry_run:
        print(f"{count(len(names)):,} candidates of {len(names)} scores on:")
        print("\n".join([*(f"  {case.title}: {len(case.archs)} networks" for case in cases), *missing]))
        return 0
    settings = {"scores": sorted(names), "data": looks.data(cases)}

    def work(out: Path) -> Content:
        best = searched(cases)
        with looks.opened(options.log) as log:
            log.search(candidates.record(best))
        lead = [*candidates.lead(best), *(f"Left out: {why}." for why in missing)]
        truths = ", ".join(dict.fromkeys(case.truth.name for case in cases))
        sections = candidates.sections(best, shrinkage(cases), options.top)
        return Content("The candidates of the search half", lead, sections, config=settings, ground_truth=truths)

    return work_in_folder("candidates", given, options, settings, work)


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "candidates",
        "Rank every product, ratio and sum of ranks of up to three scores on the search half of the networks: in each "
        "case, and jointly by the worst margin to the best closed form of size.",
        [
            *(shared.truth(several=True), shared.scores(), shared.cases(), shared.proxies()),
            shared.output(what="searched"),
        ],
    )
    parser.add_argument("--top", type=numbers.positive, default=20, metavar="N", help="rows of the joint table")
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
