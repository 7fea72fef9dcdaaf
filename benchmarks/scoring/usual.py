"""Under which images and weights networks are scored where nobody says: those under which their scores are there."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable

from benchmarks.scoring.authors import AUTHORS, INIT
from benchmarks.scoring.released import Card
from benchmarks.scoring.resolve import PAINTED, REAL
from nb201_data.datasets import DATASETS, NOISE, parse_name
from nb201_data.ground_truth import GroundTruth
from nb201_data.spaces import get_space
from reports.schema import Note, Topic


def usual(options: argparse.Namespace, truth: GroundTruth, cards: Iterable[Card]) -> argparse.Namespace:
    """The options with images and weights; what was not said is that under which most scores of these networks are
    released, `PAINTED` and `INIT` where none are, and where nothing was said and some are released under both.

    Under `--setting authors` the weights are each author's and the images those on which most scores are released.
    """
    space = get_space(options.space or truth.space)
    networks = (space.name, str(truth.skeleton or space.skeleton))
    asked = options.images and _short(truth.images if options.images == REAL else options.images)
    authors = options.setting == AUTHORS
    held: Counter[tuple[str, str]] = Counter()
    for card in cards:
        images, init = _short(card.setting["images"]), INIT if authors else card.setting["init"]
        fits = asked in (None, images) and options.init in (None, init) and images != NOISE.name
        if fits and (card.setting["space"], card.setting["skeleton"]) == networks:
            held[images, init] += sum(column.networks for column in card.columns.values())
    first, silent = (asked or PAINTED, options.init or INIT), not (asked or options.init or authors)
    images, init = first if not held or (silent and first in held) else max(held, key=held.__getitem__)
    chosen = {"images": options.images or images, "init": options.init if authors else init}
    return argparse.Namespace(**{**vars(options), **chosen})


def said(before: argparse.Namespace, after: argparse.Namespace) -> list[Note]:
    """That the released scores decided, where they did."""
    if (before.images or PAINTED, before.init or INIT) == (after.images, after.init or INIT):
        return []
    weights = "" if after.init is None else f", {after.init} weights"
    text = f"Images and weights are those of the released scores: {after.images}{weights}"
    return [Note(Topic.PROTOCOL, f"{text}. --images and --init choose others, which are computed.")]


def _short(images: str) -> str:
    """As an option names them: `cifar100@16` of a data set is brought to that size for any network that takes it."""
    named = parse_name(images)
    return named.base if named.base in DATASETS else images
