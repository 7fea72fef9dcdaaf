"""Under what setting the authors of a score look at a network: weights, images, batch size, and where that was read."""

from dataclasses import dataclass
from typing import Literal, get_args

from diswot_errors import UsageError

Init = Literal["gaussian", "kaiming", "xavier", "default"]
INITS: tuple[str, ...] = get_args(Init)
"""The names of `proxies.inits`."""
Images = Literal["real", "noise"]
IMAGES: tuple[str, ...] = get_args(Images)


@dataclass(frozen=True)
class AuthorsSetting:
    """What the authors of a score look at when they score: `--setting authors` asks for it."""

    init: Init
    images: Images
    """'real': a batch of the data set that the networks are for; 'noise': N(0, 1)."""
    batch_size: int
    source: str
    """Where this was read."""
    note: str = ""
    """What of theirs is not met here, or not known."""

    def __post_init__(self) -> None:
        if self.init not in INITS:
            raise UsageError(f"authors' setting with init {self.init!r}: expected one of {', '.join(INITS)}")
        if self.images not in IMAGES:
            raise UsageError(f"authors' setting with images {self.images!r}: expected one of {', '.join(IMAGES)}")
        if type(self.batch_size) is not int or not 2 <= self.batch_size <= 2**20:
            raise UsageError(f"authors' setting with batch_size {self.batch_size!r}: expected 2 to {2**20:,} images")
        if not self.source:
            raise UsageError("authors' setting without a source: say where it was read")


ZERO_COST = AuthorsSetting("default", "real", 64, "zero-cost-nas at ca61347", "training images, augmented there")
"""How Abdelfattah et al. (ICLR 2021) score networks of NAS-Bench-201, whosesoever formula it is."""

DISWOT = AuthorsSetting(
    "gaussian",
    "real",
    128,
    "DisWOT-CVPR2023 at dffe4e6",
    "64 images on CIFAR-10 and ImageNet16-120; augmented there",
)
DISWOT_LOSSES = AuthorsSetting("default", DISWOT.images, DISWOT.batch_size, DISWOT.source, DISWOT.note)
"""Distillation losses as DisWOT's rank table of NAS-Bench-201 scores with them."""
