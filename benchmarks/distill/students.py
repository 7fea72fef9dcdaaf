"""Which network a user means: a cell, an official index, an S0 architecture, a ResNet."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.distill.protocols import Protocol
from diswot_errors import UsageError
from nb201_data.networks import RESNETS, Network, build_resnet
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import SPACES, get_space


@dataclass(frozen=True)
class Student:
    """A network by name, and how to build it (PyTorch's default initialisation)."""

    name: str
    build: Callable[[], Network]

    @property
    def slug(self) -> str:
        """The name as a part of a file name."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def parse_student(text: str, protocol: Protocol, classes: int, resolution: int) -> Student:
    """`resnet20`, `s0:357`, `nb201:ARCH`, `nb201:INDEX`, `ARCH` or `INDEX`; cells get the protocol's skeleton."""
    if text in RESNETS:
        return Student(text, lambda: build_resnet(text, classes))
    name, colon, rest = text.partition(":")
    if colon and name in SPACES:
        text = rest
    elif text.startswith("|") or text.isdigit():
        name = "nb201"
    else:
        raise UsageError(
            f"unknown student {text!r}: expected a cell ('|nor_conv_3x3~0|+...'), its index in NAS-Bench-201, "
            f"SPACE:ARCH with a space out of {', '.join(SPACES)} (as in 's0:333'), or one of {', '.join(RESNETS)}"
        )
    own = protocol.skeleton(classes, resolution) if name == "nb201" else Skeleton(16, 0, classes, resolution)
    space = get_space(name).with_skeleton(own)
    arch = space.parse(text)
    return Student(f"{name}:{arch}", lambda: space.build(arch))
