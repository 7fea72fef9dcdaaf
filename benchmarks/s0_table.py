"""'Correlation comparison' on S0, published beside measured: `python -m benchmarks.s0_table`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.publish import Content
from benchmarks.command.scored import Asked, Scored
from benchmarks.scoring.measured import Measured
from benchmarks.tables import groups, s0
from diswot_errors import DataError
from nb201_data.ground_truth import load_ground_truth


def ask(options: argparse.Namespace) -> Asked:
    """Classic proxies and DisWOT on both families of networks."""
    try:
        load_ground_truth(s0.TRUTH)
    except DataError as error:
        return Asked([], {s0.TRUTH: str(error)})
    pair = (("classic", s0.CLASSIC), ("DisWOT", s0.DISWOT))
    asks = [
        groups.ask(options, family, s0.TRUTH, group, f"{family}, {name}")
        for family in s0.FAMILIES
        for name, group in pair
    ]
    return Asked(asks, {})


def make(options: argparse.Namespace, asked: Asked, measured: Sequence[Measured]) -> Content:
    """Every row as the authors measured it, then all rows on each family."""
    title = "Correlation comparison on S0"
    found = {family: (measured[2 * i], measured[2 * i + 1]) for i, family in enumerate(s0.FAMILIES) if measured}
    published, tally = s0.published_section(found or None, asked.missing.get(s0.TRUTH, ""))
    if not found:
        return Content(title, sections=[published])
    lead = [s0.sentence(found), f"Published beside measured: {tally}."]
    sections = [published, *(s0.family_section(family, pair) for family, pair in found.items())]
    return Content(title, lead, sections, config={"teacher": options.teacher, "sample": options.sample})


COMMAND = Scored(
    name="s0_table",
    title="Correlation comparison on S0",
    description="The paper's 'Correlation comparison': 64 ResNets of S0 against their distilled accuracies, every row "
    "on the networks and batches that the authors used for it, then all rows on one family of networks. Unless "
    "--batch-size and --split are given: 192 test images for the classic proxies, 128 training images for DisWOT.",
    options=(shared.study(batch_size=None, split=None, sample="all", teacher="resnet110"), shared.seeds(5)),
    ask=ask,
    make=make,
)
main = COMMAND.main

if __name__ == "__main__":
    diswot_ending.run(main)
