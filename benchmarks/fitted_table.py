"""What labels buy, forests on GRAF's features and on scores: `python -m benchmarks.fitted_table`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content
from benchmarks.command.sources import books_of, hashes_of
from benchmarks.command.truths import BENCHMARK, truths_at_hand
from benchmarks.command.work import work_in_folder
from benchmarks.engines.progress import Progress
from benchmarks.scoring.labelled import Ground, grounds_of
from benchmarks.statistics import forest
from benchmarks.tables import fitted
from diswot_errors import DataError
from diswot_registry import names_in
from reports.tables import format_duration

USUAL = ("kd-nb201", *(name for name in BENCHMARK if name.endswith(":200")))
DRAWS = 5


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    learner = forest.version()
    truths, missing = truths_at_hand(options.ground_truth, USUAL)
    grounds: list[Ground] = []
    books = books_of(options)
    for truth in truths:
        found, why = grounds_of(books, truth)
        grounds += found
        missing += why
    if not any(fitted.within(ground, options.labels) for ground in grounds):
        raise DataError(f"nothing to fit on: {'; '.join(missing) or 'too few labels'}; give fewer --labels")
    if options.dry_run:
        print("\n".join([*map(_told, grounds), _cost(grounds, options.labels, options.draws), *missing]))
        return 0
    settings = {
        "truths": {truth.name: truth.digest for truth in truths},
        "scores": hashes_of(options),
        "labels": list(options.labels),
        "draws": options.draws,
        "scikit-learn": learner,
    }

    def work(out: Path) -> Content:
        with Progress(sum(_fits(ground, options.labels) for ground in grounds), "forest") as bar:
            done = [fitted.fitted(ground, options.labels, options.draws, bar.advance) for ground in grounds]
        sections = [fitted.section(number, each) for number, each in enumerate(done, 1)]
        beside = fitted.published_section(done)
        lead = [fitted.RULE, *map(fitted.sentence, done), *(f"Left out: {why}." for why in missing)]
        names = ", ".join(truth.name for truth in truths)
        everything = [*sections, *([beside] if beside else [])]
        return Content("What labels buy", lead, everything, config=settings, ground_truth=names)

    return work_in_folder("fitted_table", given, options, settings, work)


def _told(ground: Ground) -> str:
    sizes = f"{len(ground.search.archs):,} networks to fit on, {len(ground.confirmation.archs):,} to test on"
    return f"{ground.title}: {sizes}; {', '.join(ground.models)}"


def _fits(ground: Ground, labels: Sequence[int]) -> int:
    return len(ground.models) * len(fitted.within(ground, labels))


def _cost(grounds: Sequence[Ground], labels: Sequence[int], draws: int) -> str:
    """By one forest with the most labels of the first ground; a forest costs about as much as it has labels."""
    first = next(ground for ground in grounds if fitted.within(ground, labels))
    most = max(fitted.within(first, labels))
    begin = time.perf_counter()
    first.foretold(first.models[0], most, 1)
    each = (time.perf_counter() - begin) / most
    total = sum(each * number * draws * len(g.models) for g in grounds for number in fitted.within(g, labels))
    forests = draws * sum(_fits(ground, labels) for ground in grounds)
    return f"{forests:,} forests: about {format_duration(total)}."


def _labels(text: str) -> tuple[int, ...]:
    return tuple(sorted(set(map(numbers.positive, names_in(text)))))


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "fitted_table",
        "What labels buy: random forests fitted on accuracies of the search half, on GRAF's features of a cell, on "
        "all released scores and on both, tested on the confirmation half beside what needs no label. An upper "
        "baseline and no ranking of scores. Needs scikit-learn: pip install 'diswot-bench[fitted]'.",
        [shared.truth(several=True), shared.scores(), shared.output(what="fitted")],
    )
    usual = ",".join(map(str, fitted.LABELS))
    parser.add_argument("--labels", type=_labels, default=usual, metavar="N,N", help="networks to fit on")
    parser.add_argument("--draws", type=numbers.positive, default=DRAWS, metavar="N", help="draws of the labels")
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
