"""How well training-free scores rank networks by their true accuracy: `python -m benchmarks.correlation`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.publish import Content
from benchmarks.command.scored import Asked, Scored
from benchmarks.scoring.authors import settled
from benchmarks.scoring.columns import known_scores, parts_of, published
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.released import Released
from benchmarks.scoring.study import load_truth, study_on, with_baselines
from benchmarks.scoring.usual import said, usual
from benchmarks.statistics.formula import parse
from benchmarks.tables import beside, precision, registered, settings, standing
from diswot_errors import UsageError
from diswot_registry import did_you_mean, names_in

PRECISION_NETWORKS = 30  # scored in fp32 too when another precision is asked for


def add(parser: argparse.ArgumentParser) -> None:
    """What is asked of which space."""
    parser.add_argument(
        "--stored", action="store_true", help="compute nothing: only proxies whose scores are all there"
    )
    parser.add_argument("--space", metavar="NAME", help="a search space (default: that of the ground truth)")
    parser.add_argument("--precision", choices=shared.PRECISIONS, default="fp32", help="bf16 also measures its effect")
    what = "paired differences of every score to this one, beside those to params"
    parser.add_argument("--against", metavar="NAME", help=what)
    parser.add_argument("--list", action=registered.ListProxies, help="list the proxies and stop")


def ask(options: argparse.Namespace) -> Asked:
    """The proxies and the published aggregates of them on one ground truth; in another precision some in fp32 too."""
    from proxies.registry import AGGREGATES, select

    asked = names_in(options.proxies)
    groups = [name for name in asked if name in AGGREGATES]
    formulas = tuple(parse(text, known_scores()) for text in [*options.aggregate, *groups])
    parts = [part for formula in formulas for name in formula.names for part in parts_of(name)]
    alone = [name for name in asked if name not in groups]
    infos, truth = with_baselines(select([*alone, *parts])), load_truth(options.space, options.ground_truth)
    chosen = usual(options, truth, (table.card for table in Released().tables))
    notes, options = said(options, chosen), settled(chosen)
    study = study_on(truth, options, options.space, options.init)
    formulas = tuple(dict.fromkeys([*formulas, *published(infos)]))
    names = [*(info.name for info in infos), *map(str, formulas)]
    if options.against is not None and options.against not in names:
        raise UsageError(
            f"--against {options.against}: not among the scores asked for.{did_you_mean(options.against, names)} "
            "Name it in --proxies or --aggregate too"
        )
    asks = [Ask(study, infos, formulas=formulas)]
    if options.precision != "fp32":
        setting = replace(study.setting, precision="fp32")
        asks.append(Ask(replace(study, setting=setting, archs=study.archs[:PRECISION_NETWORKS]), infos, "fp32", True))
    return Asked(asks, {}, notes)


def make(options: argparse.Namespace, asked: Asked, measured: Sequence[Measured]) -> Content:
    """The statistics, the published numbers on that ground truth, and what the precision changes."""
    main, *full = measured
    sections = [*standing.of_guests(main), *settings.of_authors(main), *beside.published_on(main)]
    sections += standing.against(main, options.against) if options.against else []
    sections += [precision.section(main, one) for one in full]
    title = f"Which proxy ranks {main.study.setting.space} best?"
    return Content(title, sections=sections, correlations=main.rows)


COMMAND = Scored(
    name="correlation",
    title="Which proxy ranks best",
    description="Score networks without training them and correlate the scores with their true accuracies. Without "
    "options: every proxy, on this project's own distilled accuracies and on images that need no download.",
    options=(
        shared.truth(),
        shared.study(images=None),
        shared.proxies(),
        shared.seeds(),
        shared.setting("as --images"),
        shared.aggregate(),
    ),
    ask=ask,
    make=make,
    add=add,
)
main = COMMAND.main

if __name__ == "__main__":
    diswot_ending.run(main)
