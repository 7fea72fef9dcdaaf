"""The setting of one network of one's own: classes of its logits, size of the images, and what is refused."""

from __future__ import annotations

import argparse
from dataclasses import replace

from benchmarks.engines.device import choose_device
from benchmarks.scoring.resolve import REAL
from benchmarks.scoring.setting import Setting
from benchmarks.scoring.study import check_teacher, teacher_of
from diswot_errors import UsageError
from nb201_data.datasets import parse_name
from nb201_data.skeleton import Skeleton


def single_setting(options: argparse.Namespace) -> Setting:
    """How the network of `options.network` is scored: on images of as many classes as it has logits.

    `embedded` gets the network's classes, or as many as can be painted where it has more.
    """
    from nb201_data.embedded import most_classes
    from nb201_data.images import load_images
    from nb201_data.own import outputs_of, own_network

    if options.images == REAL:
        raise UsageError(f"--images {REAL}: a network of one's own has no images that are known: name them")
    space, source = own_network(options.network), load_images(options.images, options.split)
    shown = space.with_skeleton(replace(space.skeleton, classes=source.classes, resolution=source.resolution))
    classes, named = outputs_of(shown), parse_name(options.images)
    if named.base == "embedded" and not named.option and not named.is_folder:
        source = load_images(f"embedded:{min(classes, most_classes())}@{source.resolution}", options.split)
    elif source.classes != classes:
        raise UsageError(
            f"{options.network} gives {classes} logits and {options.images} has {source.classes} classes: make it with "
            f"{source.classes} classes, or give other --images"
        )
    skeleton = Skeleton(space.skeleton.channels, space.skeleton.cells_per_stage, classes, source.resolution)
    setting = Setting(
        space=space.name,
        skeleton=skeleton,
        images=source.name,
        batch_size=options.batch_size or space.batch_size,
        split=options.split,
        init=options.init,
        teacher=teacher_of(options, space.with_skeleton(skeleton)),
        teacher_weights=str(options.teacher_weights or ""),
        device=str(choose_device(options.device)),
    )
    check_teacher(setting)
    return setting
