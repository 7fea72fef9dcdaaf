"""Under which images and weights networks are scored where nobody says: those under which their scores are there."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable

from benchmarks.scoring.authors import AUTHORS, INIT
from benchmarks.scoring.released import Card
from benchmarks.scoring.resolve import PAINTED
from nb201_data.datasets import DATASETS, NOISE, parse_name
from nb201_data.ground_truth import GroundTruth
from nb201_data.spaces import get_space
from reports.schema import Note, Topic


def usual(options: argparse.Namespace, truth: GroundTruth, cards: Iterable[Card]) -> argparse.Namespace:
    """The options with images and weights. Where nothing is said of either they are `PAINTED` and `INIT`, if scores of
    these networks are released under both or none are, else those under which most are.

    Under `--setting authors` the weights are each author's and the images those on which most scores are released.
    """
    space = get_space(options.space or truth.space)
    networks = {"space": space.name, "skeleton": str(truth.skeleton or space.skeleton)}
    authors = options.setting == AUTHORS
    held: Counter[tuple[str, str | None]] = Counter()
    for card in cards:
        base = parse_name(card.setting["images"]).base
        if networks.items() <= card.setting.items() and base in DATASETS and base != NOISE.name:
            held[base, None if authors else card.setting["init"]] += sum(c.networks for c in card.columns.values())
    images, init = options.images or PAINTED, options.init
    if options.images is init is None and held and (authors or (PAINTED, INIT) not in held):
        images, init = max(held, key=held.__getitem__)
    return argparse.Namespace(**{**vars(options), "images": images, "init": init})


def said(before: argparse.Namespace, after: argparse.Namespace) -> list[Note]:
    """That the released scores decided, where they did."""
    if (before.images or PAINTED, before.init) == (after.images, after.init):
        return []
    if after.init is None:
        text = f"Images are those of the released scores: {after.images}. --images chooses others"
    else:
        text = f"Images and weights are those of the released scores: {after.images}, {after.init} weights. "
        text += "--images and --init choose others"
    return [Note(Topic.PROTOCOL, f"{text}, for which scores are computed where none are released.")]
