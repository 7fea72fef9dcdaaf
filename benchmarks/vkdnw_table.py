"""VKDNW's Table 1, printed beside measured under several settings: `python -m benchmarks.vkdnw_table`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.publish import Content
from benchmarks.command.scored import Asked, Scored
from benchmarks.scoring.authors import AUTHORS
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.resolve import REAL, resolve_images
from benchmarks.scoring.study import load_truth, study_on, with_baselines
from benchmarks.tables import vkdnw
from diswot_errors import DataError, UsageError
from diswot_registry import names_in
from nb201_data.datasets import NOISE

SAMPLE = 200  # the released tables hold so many under the authors' settings


def add(parser: argparse.ArgumentParser) -> None:
    """Which scores; images are those that the cells were trained on unless others are asked for."""
    parser.add_argument(
        "--proxies", default=",".join(vkdnw.PROXIES), metavar="NAMES", help="names or globs of those that are printed"
    )
    parser.add_argument(
        "--ways", type=_ways, default=vkdnw.WAYS, metavar="NAMES", help=f"some of {','.join(vkdnw.WAYS)} (all)"
    )
    parser.set_defaults(images=REAL)


def _ways(text: str) -> tuple[str, ...]:
    chosen = names_in(text)
    if not chosen or not set(chosen) <= set(vkdnw.WAYS):
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(vkdnw.WAYS)}, got {text[:40]!r}")
    return tuple(way for way in vkdnw.WAYS if way in chosen)


def ask(options: argparse.Namespace) -> Asked:
    """The printed scores on cells without dead branches: under their authors' setting, Kaiming weights, and noise."""
    from proxies.registry import select

    name = options.ground_truth or vkdnw.TRUTH
    try:
        truth = load_truth(None, name)
    except DataError as error:
        return Asked([], {name: str(error)})
    if vkdnw.printed("flops", truth.name)[0] is None:
        raise UsageError(f"--ground-truth {name}: Table 1 is about nb201:IMAGES:test:200, as {vkdnw.TRUTH}")
    truth = vkdnw.population(truth)
    infos = with_baselines(select(options.proxies))
    common = study_on(truth, options, None, "kaiming")
    noise = replace(common.setting, images=resolve_images(NOISE.name, common.setting.skeleton))
    studies = (replace(common, kind=AUTHORS), common, replace(common, setting=noise))
    by_way = dict(zip(vkdnw.WAYS, studies, strict=True))
    return Asked([Ask(by_way[way], infos, way) for way in options.ways], {})


def make(options: argparse.Namespace, asked: Asked, measured: Sequence[Measured]) -> Content:
    """Every printed score under every setting."""
    return Content("VKDNW, Table 1", sections=vkdnw.sections(measured))


COMMAND = Scored(
    name="vkdnw_table",
    title="VKDNW, Table 1",
    description="Kendall's tau of the scores that VKDNW's Table 1 prints, on NAS-Bench-201's cells without dead "
    "branches: each score under the setting of its own authors, with Kaiming weights on the images, and with Kaiming "
    f"weights on noise. --sample counts those cells ({SAMPLE}).",
    options=(shared.truth(), shared.study(sample=SAMPLE), shared.seeds()),
    ask=ask,
    make=make,
    add=add,
)
main = COMMAND.main

if __name__ == "__main__":
    diswot_ending.run(main)
