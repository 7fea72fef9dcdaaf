"""All scores that are released, on all ground truths at hand: `python -m benchmarks.leaderboard`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content
from benchmarks.command.sources import books_of, hashes_of
from benchmarks.command.truths import truths_at_hand
from benchmarks.command.work import work_in_folder
from benchmarks.scoring import ranked
from benchmarks.scoring.columns import known_scores
from benchmarks.scoring.population import populations
from benchmarks.statistics.formula import parse
from benchmarks.tables import leaderboard, printed
from reports.schema import Note, Section, Topic


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    truths, missing = truths_at_hand(options.ground_truth)
    formulas = [parse(text, known_scores()) for text in options.aggregate]
    if options.dry_run:
        print(f"{len(hashes_of(options))} sources of scores on {', '.join(t.name for t in truths)}: nothing is scored")
        return 0
    settings = {
        "truths": {truth.name: truth.digest for truth in truths},
        "scores": hashes_of(options),
        "aggregates": sorted(map(str, formulas)),
    }

    def work(out: Path) -> Content:
        sections: list[Section] = []
        ours: list[printed.Ours] = []
        books = books_of(options)
        for truth in truths:
            scores = [*ranked.closed_forms(truth), *ranked.released_scores(books, truth, formulas)]
            for population in populations(truth):
                found = ranked.placed(truth, population.archs, scores)
                sections.append(leaderboard.section(len(sections) + 1, truth, population, found))
                ours += leaderboard.beside_print(truth, population, found)
        lead = leaderboard.lead(sections)
        if beside := printed.section(ours, [truth.name for truth in truths]):
            sections.append(beside)
        notes = [Note(Topic.LEFT_OUT, f"Left out: {why}.") for why in missing]
        names = ", ".join(truth.name for truth in truths)
        return Content("All scores on all truths", lead, sections, notes=notes, config=settings, ground_truth=names)

    return work_in_folder("leaderboard", given, options, settings, work)


def _parser() -> argparse.ArgumentParser:
    return shared.parser(
        "leaderboard",
        "All released scores and the closed forms on all ground truths at hand, with what others published. Nothing is "
        "scored: `python -m benchmarks.sweep` makes the released tables grow.",
        [shared.truth(several=True), shared.scores(), shared.aggregate(), shared.output(what="ranked")],
    )


if __name__ == "__main__":
    diswot_ending.run(main)
