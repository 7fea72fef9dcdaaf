"""The options of all commands that train students: who teaches, and by which recipe."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from benchmarks.command import numbers
from benchmarks.command.options import PRECISIONS, Parser
from benchmarks.distill.protocols import PROTOCOLS, Protocol, get_protocol, on_images


def teacher() -> Parser:
    """Who teaches."""
    group = Parser(add_help=False)
    group.add_argument("--teacher", metavar="RESNET", help="a CIFAR ResNet (default: the protocol's)")
    group.add_argument(
        "--teacher-weights",
        type=Path,
        metavar="FILE",
        help="its trained weights (default: those of the data folder; where it has none, distilling trains it first)",
    )
    return group


def protocol(default: str | None) -> Parser:
    """A recipe by its name."""
    group = Parser(add_help=False)
    group.add_argument("--protocol", default=default, metavar="NAME", help=", ".join(PROTOCOLS))
    return group


def table() -> Parser:
    """Which harvested table."""
    group = Parser(add_help=False)
    group.add_argument("--table", type=Path, metavar="FILE", help="another than the project's table of the protocol")
    return group


def changes(images: str | None = None) -> Parser:
    """What may be other than in the protocol."""
    group = Parser(add_help=False)
    group.add_argument("--images", default=images, help="embedded, cifar10, cifar100, ...@16 (default: the protocol's)")
    group.add_argument(
        "--epochs", type=numbers.positive, help="another length than the protocol's, its schedule scaled"
    )
    group.add_argument(
        "--teacher-epochs",
        type=numbers.positive,
        help="another length of the schedule of teachers that are trained here",
    )
    group.add_argument("--precision", choices=PRECISIONS, help="another precision than the protocol's")
    return group


def changed(recipe: Protocol, options: argparse.Namespace) -> Protocol:
    """The recipe with what the options change. Images come pooled as its own are, unless they say @PIXELS."""
    recipe = recipe.lasting(getattr(options, "epochs", None) or recipe.epochs)
    asked = {name: getattr(options, name, None) for name in ("precision", "teacher", "teacher_epochs")}
    recipe = replace(recipe, **{name: value for name, value in asked.items() if value is not None})
    return on_images(recipe, getattr(options, "images", None))


def resolved(options: argparse.Namespace) -> Protocol:
    """The protocol that is named, with what the options change."""
    return changed(get_protocol(options.protocol), options)
