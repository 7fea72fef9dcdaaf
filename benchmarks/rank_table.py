"""The rank table of NAS-Bench-201, as published and as it should be: `python -m benchmarks.rank_table`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.publish import Content
from benchmarks.command.scored import Asked, Scored
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.tables import groups, rank
from diswot_errors import DataError
from nb201_data.ground_truth import load_ground_truth
from reports.schema import FEWEST


def ask(options: argparse.Namespace) -> Asked:
    """Every group on every ground truth: the paper's, this project's distilled and alone."""
    names, missing = _truths()
    return Asked([_ask(options, name, group) for name in names for group in rank.GROUPS], missing)


def _truths() -> tuple[list[str], dict[str, str]]:
    names, missing = [], {}
    try:
        names.append(load_ground_truth(rank.TRUTH).name)
    except DataError as error:
        missing[rank.TRUTH] = str(error)
    try:
        own = load_ground_truth(rank.OWN)
        if len(own) < FEWEST:
            raise DataError(f"{own.name} covers {len(own)} cells so far")
        names += [own.name, own.name.replace(":distilled", ":vanilla")]
    except DataError as error:
        missing[rank.OWN] = str(error)
    return names, missing


def _ask(options: argparse.Namespace, truth: str, group: groups.Group) -> Ask:
    """On the sample asked for or, where that is smaller, on the whole truth."""
    own = argparse.Namespace(**vars(options))
    if isinstance(own.sample, int) and own.sample > len(load_ground_truth(truth)):
        own.sample = "all"
    return groups.ask(own, None, truth, group, f"{truth}, {group.init}")


def make(options: argparse.Namespace, asked: Asked, measured: Sequence[Measured]) -> Content:
    """Published beside measured, the printed spreads, then each ground truth."""
    count = len(rank.GROUPS)
    found = {measured[i].study.truth.name: measured[i : i + count] for i in range(0, len(measured), count)}
    parts, lacking = found.get(rank.TRUTH), asked.missing.get(rank.TRUTH, "")
    published, tally = rank.published_section(parts, lacking)
    tables = [rank.table_section(place, name, parts) for place, (name, parts) in enumerate(found.items(), 1)]
    lead = [*(rank.sentence(name, parts) for name, parts in found.items()), f"Published beside measured: {tally}."]
    sections = [published, rank.spreads(parts, lacking), *tables]
    config = {"cells": rank.CELLS, "tables": rank.TABLES}
    return Content("Rank table of NAS-Bench-201", lead, sections, config=config)


COMMAND = Scored(
    name="rank_table",
    title="Rank table of NAS-Bench-201",
    description=f"The paper's rank table: what 10 repeats on 50 cells can show, from a larger sample of cells "
    f"({rank.LARGE}); then what that sample itself says, with intervals, against accuracies of cells trained alone and "
    "distilled. Unless --batch-size is given: 192 images for the classic proxies, 64 for those with a teacher.",
    options=(shared.study(batch_size=None, split=None, sample=rank.LARGE), shared.seeds()),
    ask=ask,
    make=make,
)
main = COMMAND.main

if __name__ == "__main__":
    diswot_ending.run(main)
