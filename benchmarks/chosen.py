"""Which student does each score choose among all networks, and how good is it? `python -m benchmarks.chosen`."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Sequence

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.command.sources import books_of, hashes_of
from benchmarks.command.work import work_in_folder
from benchmarks.scoring.columns import known_scores
from benchmarks.statistics.formula import parse
from benchmarks.tables import chosen
from diswot_errors import DataError
from nb201_data.ground_truth import load_ground_truth
from reports.tables import format_count


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    formulas = [parse(text, known_scores()) for text in options.aggregate]
    truth = load_ground_truth(options.ground_truth)
    found = chosen.students(truth, books_of(options), formulas)
    if not found.choices:
        raise DataError(
            f"no score of nine tenths of the space {truth.space} in the networks of {truth.name}: score it with "
            f"`python -m benchmarks.sweep --ground-truth {truth.name}` and give its store with --store"
        )
    if options.dry_run:
        lacking = format_count(len(found.lacking), "student")
        print(f"{format_count(len(found.choices), 'choice')}, {lacking} not trained.")
        print("Nothing is scored or trained: it takes seconds.")
        return 0
    accuracies = hashlib.sha256(repr(found.trained).encode()).hexdigest()[:16]
    settings = {
        "ground_truth": truth.name,
        "accuracies": accuracies,
        "scores": hashes_of(options),
        "aggregate": options.aggregate,
    }
    return work_in_folder("chosen", given, options, settings, lambda _: chosen.content(found, settings))


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
    diswot_ending.run(main)
