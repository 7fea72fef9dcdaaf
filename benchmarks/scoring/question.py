"""The whole question that a score answers, and the answer: what the store is keyed by, and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from proxies.registry import PROXIES

NO_NUMBER = frozenset({"nan", "infinite"})
"""What a formula itself says of a network. Every other status but `ok` is about who asked, and what."""


class Answer(NamedTuple):
    """A value, or a status with the reason why there is none; seconds as `proxies.Score` counts them."""

    value: float | None
    status: str
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Question:
    """Everything a score depends on but the architecture. The store is keyed by all of it."""

    space: str
    skeleton: str
    proxy: str
    version: int
    origin: str  # the package that brought the proxy
    init: str
    seed: int  # of weights and noise
    images: str
    batch_size: int
    split: str
    batch_seed: int
    teacher: str  # empty, as the two below, where the proxy looks at no teacher
    teacher_init: str  # an initialisation, or 'sha256:...' of a file of weights
    teacher_seed: int
    device: str  # its kind: 'cpu', 'NVIDIA H200'
    precision: str
    torch: str  # its version
    recipe: int

    @property
    def present(self) -> bool:
        """Whether it is about a proxy that there is, at its present version."""
        info = PROXIES.get(self.proxy)
        return info is not None and (self.version, self.origin) == (info.version, info.origin)
