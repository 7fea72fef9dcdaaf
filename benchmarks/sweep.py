"""Score a whole space, network after network in one fixed order: `python -m benchmarks.sweep --cells 1000`.

Answers go into the store as they come, so that a sweep that was ended goes on where it stopped; with `--release` the
released tables grow with it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.estimate import estimated
from benchmarks.command.opened import opened
from benchmarks.command.plugins import begun
from benchmarks.command.sources import tables_of
from benchmarks.harvesting.order import harvest_order
from benchmarks.scoring.authors import requests, settled
from benchmarks.scoring.order import LISTED, space_order
from benchmarks.scoring.study import load_truth, sample_of, setting_of
from benchmarks.scoring.swept import swept
from diswot_errors import UsageError
from nb201_data.ground_truth import GroundTruth
from nb201_data.spaces import get_space
from reports.tables import format_count

ORDERS = ("space", "truth", "harvest")


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    _, options = begun(argv, _parser)
    from proxies.registry import select

    options = settled(options)
    truth = load_truth(options.space, options.ground_truth)
    setting = setting_of(options, truth, options.space, options.init)
    infos, archs = select(options.proxies), _archs(options, setting.space, truth)
    if not (options.release or options.no_tables):
        tables_of(options)
    with opened(options) as runner:
        if options.dry_run:
            asked = requests(setting, infos, archs, range(options.seeds), options.setting)
            print(estimated(runner, asked, [""] * len(asked)))
            return 0
        lost = 0
        for seed in range(options.seeds):
            part = partial(requests, setting, infos, seeds=[seed], kind=options.setting)
            lost += swept(runner, part, archs, f"seed {seed}", options.tables if options.release else None)
        shown = f"{format_count(len(infos), 'proxy')} x {format_count(options.seeds, 'seed')}"
        print(f"{len(archs):,} networks of {setting.space} x {shown} are scored")
        if lost:
            failed = f"{format_count(lost, 'score')} failed and {'is' if lost == 1 else 'are'} not kept"
            print(f"{failed}: the same command tries again", file=sys.stderr)
    return 1 if lost == len(archs) * len(infos) * options.seeds else 0


def _archs(options: argparse.Namespace, space: str, truth: GroundTruth) -> list[str]:
    """The first networks of the order that was asked for."""
    if options.order == "harvest" and space != "nb201":
        raise UsageError(f"--order harvest is one of cells of nb201, not of {space}")
    if options.order == "space" and len(get_space(space)) > LISTED:
        raise UsageError(
            f"{space} has {len(get_space(space)):,} networks, which nobody scores: --order truth takes those of the "
            "ground truth"
        )
    if options.order == "harvest":
        order: Sequence[str] = [str(cell) for cell in harvest_order()]
    else:
        order = sample_of(truth, "all", 0) if options.order == "truth" else space_order(space)
    if options.cells is not None and options.cells > len(order):
        raise UsageError(
            f"--cells {options.cells}: there are {len(order):,} networks; give a number up to that, or none"
        )
    return list(order[: options.cells])


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "sweep",
        "Score the networks of a space one after the other in a fixed order of which every beginning is a fair sample. "
        "Skeleton and images are those that fit the ground truth.",
        [
            *(
                shared.truth(),
                shared.shown(None),
                shared.split_of(),
                shared.proxies(),
                shared.setting(),
                shared.seeds(),
            ),
            *(shared.machine(), shared.store(), shared.tables(), shared.dry_run("scored")),
        ],
    )
    parser.add_argument("--space", metavar="NAME", help="a search space (default: that of the ground truth)")
    parser.add_argument("--cells", type=numbers.positive, metavar="N", help="how many networks of the order (all)")
    parser.add_argument(
        "--order",
        choices=ORDERS,
        default="space",
        help="space: all there are, the first N a fair sample; truth: those of the ground truth, the first N are those "
        "of --sample N; harvest: the order in which cells are distilled",
    )
    parser.add_argument("--release", action="store_true", help="add the scores to the released tables as they come")
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
