"""How many different answers the ReLUs give, unit by unit, to a handful of images."""

import math

from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

AUTHORS = AuthorsSetting(
    "gaussian", "real", 16, "SWAP at f6049f7", "the mean over 32 draws of the weights there, one here"
)


@proxy("swap", direction="higher", needs=["sign_patterns"], paper="Peng et al., ICLR 2024", authors=AUTHORS)
def swap(evidence: Evidence) -> Tensor:
    """Number of different patterns of on and off over the first 16 images, among the units of all ReLU maps.

    At most 2^16. With the weights handed in, once; batch norm sees the whole batch.
    """
    return evidence.sign_patterns


def regularised(patterns: float, parameters: float, mu: float, sigma: float) -> float:
    """SWAP exp(-(P - mu)^2 / sigma), P the parameters in thousands; sigma is not squared, as in the authors' code.

    mu and sigma are set by hand for each task, and those for NAS-Bench-201 are not known: this is for a proxy of one's
    own.
    """
    return patterns * math.exp(-((parameters / 1000 - mu) ** 2) / sigma)
