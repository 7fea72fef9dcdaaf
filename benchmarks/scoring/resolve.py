"""From the names of a command to what they stand for: images that fit a skeleton, teachers."""

from __future__ import annotations

import difflib

from diswot_errors import DataError, UsageError
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space

BEST_CELLS = {
    10: "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    100: "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    120: "|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
}
"""By number of classes (CIFAR-10, CIFAR-100, ImageNet16-120): the cell with the highest mean test accuracy after 200
epochs in NAS-Bench-201: 94.37 (shared with one other cell; this one is also first in validation), 73.51, 47.31 %."""

REAL = "real"
"""A name for the images that the networks of a ground truth were trained on."""

DEFAULT_TEACHERS = {"nb201": "best-cell", "s0": "resnet56", "s0-plain": "resnet56"}
RESNETS = ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110")


def resolve_images(name: str, skeleton: Skeleton, own: str = "") -> str:
    """The images that fit a skeleton: `embedded` gets its classes, larger images are pooled to its resolution.

    `real` stands for the networks' `own` images where they are on disk, else for `embedded`. What the user spelt out is
    left as it is and refused where it does not fit.
    """
    from nb201_data.images import load_images

    if name == REAL:
        name = _own_images(own)
    base, at, _ = name.partition("@")
    if base == "embedded":
        base = f"embedded:{skeleton.classes}"
    full = f"{base}@{skeleton.resolution}" if not at else base + name[name.index("@") :]
    source = load_images(base)
    if source.classes != skeleton.classes:
        raise UsageError(
            f"--images {name}: {base} has {source.classes} classes, the networks of this ground truth have "
            f"{skeleton.classes} ({skeleton}): choose images with {skeleton.classes} classes, such as "
            f"embedded:{skeleton.classes}, or another --ground-truth"
        )
    if not at and source.resolution % skeleton.resolution:
        raise UsageError(
            f"--images {name}: {source.resolution} pixels cannot be pooled to the {skeleton.resolution} pixels that "
            f"the networks of this ground truth take ({skeleton}): choose other images or another --ground-truth"
        )
    images = load_images(full)
    if images.resolution != skeleton.resolution:
        raise UsageError(
            f"--images {name}: {images.resolution} pixels, the networks of this ground truth take "
            f"{skeleton.resolution} ({skeleton}): leave out '@...' to have them pooled"
        )
    return images.name


def _own_images(own: str) -> str:
    from nb201_data.images import load_images

    if not own:
        raise UsageError(f"--images {REAL}: this ground truth does not say on which images it was trained: name them")
    try:
        load_images(own)
    except DataError:
        return "embedded"
    return own


def resolve_teacher(name: str | None, space: str, skeleton: Skeleton) -> str:
    """A ResNet's name, or the architecture that `best-cell`, a cell or S0 depths stand for; None: the usual one."""
    name = name or DEFAULT_TEACHERS[space]
    if name in RESNETS:
        return name
    if name == "best-cell":
        return best_cell(skeleton.classes)
    near = difflib.get_close_matches(name, ["best-cell", *RESNETS], n=2)
    if near or not name.startswith("|"):
        try:
            return str(get_space("s0").parse(name))
        except UsageError:
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise UsageError(
                f"unknown teacher {name!r}.{hint} Expected best-cell, {', '.join(RESNETS)}, three depths of S0 such as "
                "777, or a cell of NAS-Bench-201 as an arch string"
            ) from None
    return str(get_space("nb201").parse(name))


def best_cell(classes: int) -> str:
    """The best cell of NAS-Bench-201 on its data set with so many classes; CIFAR-10's for any other number."""
    return BEST_CELLS.get(classes, BEST_CELLS[10])
