"""How differently the ReLUs, the later the more, respond to the images, forward and backward."""

import torch
from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

AUTHORS = AuthorsSetting("default", "real", 64, "ZSNAS-WRCor at 270ce7a")


@proxy("wrcor", direction="higher", needs=["response_correlation"], paper="ZSNAS-WRCor, 2025", authors=AUTHORS)
def wrcor(evidence: Evidence) -> Tensor:
    """ln |det K|, K = sum over ReLUs of 2^i (|corr(a)| + |corr(d)|), i the number of blocks that ran before.

    corr is that between images, a what enters the ReLU, d the loss gradient there. A matrix of a constant
    image is left out. Absolute values need not leave the matrix positive: the sign of the determinant is dropped.
    """
    return torch.linalg.slogdet(evidence.response_correlation).logabsdet
