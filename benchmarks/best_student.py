"""Is the best network alone not the best one distilled? `python -m benchmarks.best_student`; nothing is scored."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content
from benchmarks.command.work import work_in_folder
from benchmarks.tables.best_student import CLAIM, NOISE, known_pairs, sections_for


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    pairs = [(distilled, alone) for distilled, alone in options.pair or ()] or known_pairs()
    if options.dry_run:
        listed = "\n".join(f"{distilled} and {alone}" for distilled, alone in pairs)
        print(f"{listed}\nNothing is scored or trained: {options.draws:,} draws each take some seconds.")
        return 0
    settings = {"pairs": pairs, "noise": options.noise, "draws": options.draws, "seed": options.seed}

    def work(_: object) -> Content:
        sections = sections_for(pairs, options.noise, options.draws, options.seed)
        return Content(
            "Is the best network alone also the best student?",
            sections[0].intro,
            sections,
            config=settings,
            seeds=[options.seed],
            ground_truth=", ".join(name for pair in pairs for name in pair),
        )

    return work_in_folder("best_student", given, options, settings, work)


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "best_student",
        f"Test the claim '{CLAIM}' on every table that holds both accuracies of the same networks: how often would "
        "noise alone swap the two if both orders were the same?",
        [shared.output(what="tested")],
    )
    parser.add_argument(
        "--pair", nargs=2, action="append", metavar=("DISTILLED", "ALONE"), help="two ground truths or files instead"
    )
    parser.add_argument("--noise", type=_points, default=NOISE, help="assumed sd of a run where none was repeated")
    parser.add_argument("--draws", type=numbers.positive, default=10_000, help="draws under the null model")
    parser.add_argument("--seed", type=numbers.seed, default=0, help="of the draws")
    return parser


def _points(text: str) -> float:
    value = numbers.above_zero(text)
    if value >= 50:
        raise argparse.ArgumentTypeError(f"expected a standard deviation in points, such as 0.25, got {text}")
    return value


if __name__ == "__main__":
    diswot_ending.run(main)
