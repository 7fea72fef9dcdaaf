"""The cases that a command's options lead to: truths at hand, sources of scores, one initialisation or all."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence

from benchmarks.command.sources import books_of
from benchmarks.command.truths import truths_at_hand
from benchmarks.scoring.cases import Case, Lacking, cases_of, told
from benchmarks.scoring.halves import Half
from diswot_errors import DataError


def cases_at_hand(
    options: argparse.Namespace,
    half: Half,
    names: Sequence[str] | None = None,
    among: Collection[str] | None = None,
) -> tuple[list[Case], list[str]]:
    """One for each truth, population and setting that has these scores, as `cases_of`; and why others are none."""
    truths, missing = truths_at_hand(options.ground_truth)
    books = books_of(options)
    cases: list[Case] = []
    none: list[Lacking] = []
    for truth in truths:
        found, lacking = cases_of(books, truth, half, names, among)
        cases += [case for case in found if options.init in (None, case.columns.setting.init)]
        none += lacking
    missing += told(none)
    if not cases:
        raise DataError(
            f"nothing to look at: {'; '.join(missing) or 'no scores of that --init'}; give a source of scores with "
            "--store, or score the networks with `python -m benchmarks.sweep`"
        )
    return cases, missing
