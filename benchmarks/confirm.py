"""What is left of a score where it was not chosen: `python -m benchmarks.confirm jacob+synflow+nst`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import diswot_ending
from benchmarks.command import looks
from benchmarks.command import options as shared
from benchmarks.command.cases import cases_at_hand
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content
from benchmarks.command.work import work_in_folder
from benchmarks.scoring.columns import known_scores
from benchmarks.scoring.halves import HALVES
from benchmarks.statistics.formula import parse
from benchmarks.tables import confirm


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    formula = parse(options.score, known_scores())
    with ExitStack() as stack:
        cases, missing = cases_at_hand(options, options.half, formula.names)
        definition, data = looks.definition([formula]), looks.data(cases)
        rehearsal = options.half == "search"
        unlogged = rehearsal or options.dry_run
        log = looks.read(options.log) if unlogged else stack.enter_context(looks.opened(options.log))
        look = 0 if rehearsal else log.number(definition, data)
        if options.dry_run:
            print(f"look {look} at {formula}, on:" if look else f"{formula}, a rehearsal on:")
            print("\n".join([*(f"  {case.title}: {len(case.archs)} networks" for case in cases), *missing]))
            return 0
        settings = {"score": str(formula), "definition": definition, "half": options.half, "data": data, "look": look}

        def work(out: Path) -> Content:
            found = confirm.compared(formula, cases)
            if look:
                log.look(confirm.records(found, log, look))
            lead = [*confirm.lead(found, look, log.tried), *(f"Left out: {why}." for why in missing)]
            truths = ", ".join(dict.fromkeys(case.truth.name for case in cases))
            return Content(
                f"What is left of {formula}", lead, [confirm.section(found, look)], config=settings, ground_truth=truths
            )

        return work_in_folder("confirm", given, options, settings, work)


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "confirm",
        "Hold a score against every closed form of size on the networks that no choice was made on. Every look is "
        "logged, and its intervals account for all looks before it and to come.",
        [*(shared.truth(several=True), shared.scores(), shared.cases()), shared.output(what="looked at")],
    )
    parser.add_argument("score", metavar="SCORE", help="a proxy, an aggregate, or a formula of them: jacob+synflow+nst")
    parser.add_argument("--half", choices=HALVES, default="confirmation", help="search: a rehearsal, which is no look")
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
