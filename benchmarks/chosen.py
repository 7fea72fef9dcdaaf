"""Which student does each score choose among all networks, and how good is it? `python -m benchmarks.chosen`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks.command import ending
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content
from benchmarks.command.sources import books_of, hashes_of
from benchmarks.command.work import work_in_folder
from benchmarks.scoring.columns import known_scores
from benchmarks.scoring.ranked import released_scores
from benchmarks.statistics.formula import parse
from benchmarks.tables import chosen
from diswot_errors import DataError
from nb201_data.ground_truth import load_chosen, load_ground_truth
from reports.tables import format_count


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    formulas = [parse(text, known_scores()) for text in options.aggregate]
    truth = load_ground_truth(options.ground_truth)
    further = load_chosen(options.ground_truth)
    found = chosen.choices(truth, released_scores(books_of(options), truth, formulas))
    if not found:
        raise DataError(
            f"no score of nine tenths of the space {truth.space} in the networks of {truth.name}: score it with "
            f"`python -m benchmarks.sweep --ground-truth {truth.name}` and give its store with --store"
        )
    known = chosen.trained(truth, further)
    if options.dry_run:
        lacking = {one.arch for one in found} - known.runs.keys()
        print(f"{format_count(len(found), 'choice')}, {format_count(len(lacking), 'student')} not trained.")
        print("Nothing is scored or trained: it takes seconds.")
        return 0
    settings = {
        "ground_truth": truth.name,
        "accuracies": {arch: list(runs) for arch, runs in known.runs.items() if arch in {one.arch for one in found}},
        "scores": hashes_of(options),
        "aggregate": options.aggregate,
    }

    def work(_: object) -> Content:
        return Content(
            "The student that each score chooses",
            chosen.lead(truth, found, known),
            chosen.sections(truth, found, known),
            config=settings,
            ground_truth=truth.name,
        )

    return work_in_folder("chosen", given, options, settings, work)


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "chosen",
        "Ask every score that is there for the best of all networks of a space, and look up how good a student that "
        "one is. What nobody has trained is listed in lacking.csv: `harvest --archs RUN/lacking.csv` trains it.",
        [shared.scores(), shared.aggregate(), shared.output(what="looked up")],
    )
    parser.add_argument(
        "--ground-truth", default="kd-nb201", metavar="NAME", help="which accuracies, and which networks"
    )
    return parser


if __name__ == "__main__":
    ending.run(main)
