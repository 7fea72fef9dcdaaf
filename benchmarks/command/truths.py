"""The ground truths that a command looks at which computes no score: those asked for, or the usual ones on disk."""

from __future__ import annotations

from collections.abc import Sequence

from diswot_errors import DataError, UsageError
from diswot_registry import names_in
from nb201_data.files import NotOnDisk
from nb201_data.ground_truth import GroundTruth, load_ground_truth
from nb201_data.spaces import SPACES
from nb201_data.truth import published
from nb201_data.truth.benchmark import SKELETONS

BENCHMARK = tuple(f"nb201:{images}:test:{n}" for n in (200, 12) for images in SKELETONS)
TRANSFORMERS = tuple(name for name in published.names() if name.startswith("vit:") and ":kd" in name)
TRUTHS = ("kd-nb201", "s0:kd", *TRANSFORMERS, *BENCHMARK)


def truths_at_hand(asked: str | None, usual: Sequence[str] = TRUTHS) -> tuple[list[GroundTruth], list[str]]:
    """Those that are asked for, by commas, or of the usual ones those on disk whose networks can be built.

    And why others are missing, once for those that one command would get.
    """
    if asked:
        truths = [load_ground_truth(name) for name in names_in(asked)]
        if unknown := [truth.name for truth in truths if truth.space not in SPACES]:
            raise UsageError(f"{', '.join(unknown)}: networks that cannot be built here; expected {', '.join(SPACES)}")
        return truths, []
    truths, missing = [], []
    absent: dict[str, list[str]] = {}
    for name in usual:
        try:
            truths.append(load_ground_truth(name))
        except NotOnDisk as error:
            absent.setdefault(error.remedy, []).append(error.name)
        except DataError as error:
            missing.append(str(error))
    for remedy, names in absent.items():
        alike = list(dict.fromkeys(names))
        missing.append(f"{', '.join(alike)} {'is' if len(alike) == 1 else 'are'} not on disk: {remedy}")
    return [truth for truth in truths if truth.space in SPACES], missing
