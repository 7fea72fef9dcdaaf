"""What no table of scores says: `python -m benchmarks.proxy_facts`.

How far each proxy is from counting parameters, whether both together rank better than the count alone, how it orders
cells of like FLOPs, how stable it is over seeds, batch size, images and initialisation, and how many cells it takes to
tell two proxies apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.publish import Content
from benchmarks.command.scored import Asked, Scored
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.study import study_of, with_baselines
from benchmarks.tables import facts, grid, with_params
from diswot_errors import DataError

GRID = "l2_norm,grad_norm,snip,fisher,synflow,nwot,jacob,zen,kd,m_s,m_r,diswot"


def add(parser: argparse.ArgumentParser) -> None:
    """Which proxies, and which of them under many settings."""
    parser.add_argument("--grid", default=GRID, metavar="NAMES", help="those whose stability is measured")


def ask(options: argparse.Namespace) -> Asked:
    """All proxies once, then some of them under every setting that differs from the base in one thing."""
    from proxies.registry import select

    infos, of_grid = with_baselines(select(options.proxies)), select(options.grid)
    try:
        study = study_of(options, None, options.ground_truth, options.init)
    except DataError as error:
        if options.ground_truth:
            raise
        return Asked([], {"kd-nb201": str(error)})
    places, missing = grid.places(study)
    base = Ask(replace(study, seeds=(0,)), infos, "base")
    asks = [Ask(each, tuple(of_grid), f"{place.axis} {place.value}") for place, each in places.items()]
    return Asked([base, *asks], missing)


def make(options: argparse.Namespace, asked: Asked, measured: Sequence[Measured]) -> Content:
    """Facts of the base setting, then the grid."""
    title = "What the proxies add to counting parameters, and how firmly they say it"
    if not measured:
        return Content(title)
    base, *others = measured
    places, _ = grid.places(replace(base.study, seeds=tuple(range(options.seeds))))
    pairs = with_params.mean_ranks(base)
    sections = [
        *(facts.from_params(base), with_params.section(base, pairs), facts.like_flops(base)),
        *grid.sections(dict(zip(places, others, strict=True)), base.study),
        facts.sample_sizes(base),
    ]
    lead = [*facts.sentences(base), with_params.sentence(pairs)]
    config = {"grid": [info.name for info in others[0].infos], "within": facts.WITHIN}
    return Content(title, lead, sections, config=config)


COMMAND = Scored(
    name="proxy_facts",
    title="Numbers that nobody published",
    description="The numbers that nobody published: distance of each proxy from plain params, ranking within cells of "
    "like FLOPs, stability over seeds, batch size, images and initialisation, cells needed to tell two proxies apart.",
    options=(shared.truth(), shared.study(), shared.proxies(), shared.seeds(3), shared.init()),
    ask=ask,
    make=make,
    add=add,
)
main = COMMAND.main

if __name__ == "__main__":
    diswot_ending.run(main)
