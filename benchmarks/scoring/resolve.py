"""From the name of images to those that fit a skeleton."""

from __future__ import annotations

from diswot_errors import DataError, UsageError
from nb201_data.datasets import DATASETS, parse_name, unpooled
from nb201_data.files import missing
from nb201_data.skeleton import Skeleton
from nb201_data.splits import SplitName
from reports.schema import Note, Topic

REAL = "real"
"""A name for the images that the networks of a ground truth were trained on."""
PAINTED = "embedded"
"""Images that need no download."""


def resolve_images(
    name: str, skeleton: Skeleton, own: str = "", needs: SplitName | None = None, later: bool = False
) -> str:
    """The images that fit a skeleton: made ones get its classes, others than its resolution are brought to it.

    `real` stands for the networks' `own` images where they are on disk (see `split_at_hand`), else for `embedded`. What
    the user spelt out is left as it is and refused where it does not fit, or where the split that it `needs` is not on
    disk, unless that is asked `later`, see `absent`.
    """
    from nb201_data.image_set import fits
    from nb201_data.images import load_images

    if name == REAL:
        name = _own_images(own, needs)
    base, pixels, is_folder = unpooled(name), parse_name(name).pixels, parse_name(name).is_folder
    if base in DATASETS and DATASETS[base].any_classes:
        base = f"{base}:{skeleton.classes}"
    at_once = None if later else needs
    source = load_images(base, at_once, later)
    if source.classes != skeleton.classes:
        raise UsageError(
            f"--images {name}: {base} has {source.classes} classes, the networks of this ground truth have "
            f"{skeleton.classes} ({skeleton}): choose images with {skeleton.classes} classes, such as "
            f"embedded:{skeleton.classes}, or another --ground-truth"
        )
    if pixels is None and not is_folder and not fits(source.resolution, skeleton.resolution):
        raise UsageError(
            f"--images {name}: {source.resolution} pixels cannot be pooled or enlarged to the {skeleton.resolution} "
            f"pixels that the networks of this ground truth take ({skeleton}): choose other images or another "
            "--ground-truth"
        )
    images = load_images(f"{base}@{skeleton.resolution if pixels is None else pixels}", at_once, later)
    if images.resolution != skeleton.resolution:
        raise UsageError(
            f"--images {name}: {images.resolution} pixels, the networks of this ground truth take "
            f"{skeleton.resolution} ({skeleton}): leave out '@...' to have them brought to it"
        )
    return images.name


def absent(images: str, split: SplitName) -> str:
    """What to do about files of these images that are not on disk; '' where nothing is lacking."""
    base = unpooled(images)
    return missing(DATASETS[base].part(split).files) if base in DATASETS else ""


def split_at_hand(images: str, split: SplitName) -> SplitName:
    """The other split of a data set where only that is on disk: photographs of the same kind, before painted ones."""
    other: SplitName = "test" if split == "train" else "train"
    return other if absent(images, split) and not absent(images, other) else split


def painted(images: str, more: str) -> list[Note]:
    """What a reader must know of painted images, and `more`, such as how to have real ones; nothing of others."""
    if not images.startswith(PAINTED):
        return []
    said = f"Images: {images}, painted by this program, not photographs, so that nothing needs to be downloaded."
    return [Note(Topic.IMAGES, f"{said} {more}".rstrip())]


def _own_images(own: str, needs: SplitName | None) -> str:
    from nb201_data.images import load_images

    if not own:
        raise UsageError(f"--images {REAL}: this ground truth does not say on which images it was trained: name them")
    try:
        load_images(own, needs)
    except (DataError, UsageError):  # not on disk, or no data set that is known here
        return PAINTED
    return own
