"""The cases that a command's options lead to: truths at hand, sources of scores, one initialisation or all."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack

from benchmarks.command.sources import books_of
from benchmarks.command.truths import truths_at_hand
from benchmarks.scoring.cases import Case, Lacking, cases_of
from benchmarks.scoring.halves import Half
from diswot_errors import DataError


def cases_at_hand(
    options: argparse.Namespace,
    stack: ExitStack,
    half: Half,
    names: Sequence[str] | None = None,
    among: Collection[str] | None = None,
) -> tuple[list[Case], list[str]]:
    """One for each truth, population and setting that has these scores, as `cases_of`; and why others are none."""
    truths, missing = truths_at_hand(options.ground_truth)
    books = [list(book) for book in books_of(options, stack)]
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


def told(lacking: Iterable[Lacking]) -> list[str]:
    """A line for each reason: what alone is none of a case is named with its conditions, of many the truths are."""
    by_reason: dict[str, list[Lacking]] = defaultdict(list)
    for each in lacking:
        by_reason[each.why].append(each)
    return [f"{_named(alike)}: {why}" for why, alike in by_reason.items()]


def _named(alike: Sequence[Lacking]) -> str:
    if len(alike) == 1:
        return ", ".join(filter(None, (alike[0].truth, alike[0].conditions)))
    times = Counter(each.truth for each in alike)
    return ", ".join(f"{truth} ({count} settings)" if count > 1 else truth for truth, count in times.items())
