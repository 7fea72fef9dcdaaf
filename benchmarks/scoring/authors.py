"""Under what setting a score is asked: `common`, the same for all, or `authors`, each under that of its own paper."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.scoring.resolve import resolve_images
from benchmarks.scoring.runner import Request
from benchmarks.scoring.setting import Setting
from diswot_errors import UsageError
from nb201_data.datasets import NOISE, parse_name

if TYPE_CHECKING:
    from proxies.registry import ProxyInfo

COMMON, AUTHORS = SETTINGS = ("common", "authors")
INIT = "gaussian"
"""Of the common setting, unless another is asked for."""


def settled(options: argparse.Namespace) -> argparse.Namespace:
    """The options with an init; refused where they contradict `--setting authors`."""
    noise = options.images if parse_name(options.images).base == NOISE.name else None
    if options.setting == AUTHORS:
        for name, value in (("--init", options.init), ("--batch-size", options.batch_size), ("--images", noise)):
            if value is not None:
                raise UsageError(
                    f"--setting authors and {name} {value} contradict: each score has the weights, the batch size and "
                    f"the noise of its own authors; leave {name} out, or take --setting common"
                )
    return argparse.Namespace(**{**vars(options), "init": options.init or INIT})


def setting_of(common: Setting, info: ProxyInfo, kind: str) -> Setting:
    """Under which setting a proxy is asked: where its authors' is not known, the common one."""
    authors = info.authors
    if kind == COMMON or authors is None:
        return common
    images = resolve_images(NOISE.name, common.skeleton) if authors.images == "noise" else common.images
    return replace(common, init=authors.init, images=images, batch_size=authors.batch_size)


def as_of(name: str, init: str, images: str, batch_size: int) -> str:
    """Whose setting these weights, images and batch are for a score: `authors`, `common`, or '' where none is known."""
    from proxies.registry import PROXIES

    known = PROXIES[name].authors if name in PROXIES else None
    asked = (init, "noise" if parse_name(images).base == NOISE.name else "real", batch_size)
    if known is None:
        return ""
    return AUTHORS if asked == (known.init, known.images, known.batch_size) else COMMON


def requests(
    common: Setting, infos: Sequence[ProxyInfo], archs: Sequence[str], seeds: Iterable[int], kind: str
) -> list[Request]:
    """What the runner is asked for: one request for each setting that some of the proxies share."""
    groups: dict[Setting, list[ProxyInfo]] = {}
    for info in infos:
        groups.setdefault(setting_of(common, info, kind), []).append(info)
    chosen = list(seeds)
    return [Request(setting, members, archs, chosen) for setting, members in groups.items()]
