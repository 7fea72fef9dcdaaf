"""RBFleX: how far apart three images are in what the network makes of them."""

import torch
from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

GAMMA_RELU = 2.68690173088039e-12
GAMMA_POOLED = 1.02460061284506e-11
AUTHORS = AuthorsSetting("default", "real", 3, "RBFleX-NAS at cd3a57b", "augmented there")


@proxy("rbflex", direction="higher", needs=["single_distances"], paper="Yamasaki et al., 2025", authors=AUTHORS)
def rbflex(evidence: Evidence) -> Tensor:
    """3 (ln |det K| + ln |det Q|), K_ab = exp(-2.6869e-12 |x_a - x_b|^2) over all ReLU outputs of three images.

    Q the same of the pooled features with 1.0246e-11, the authors' constants for NAS-Bench-201. Every unit is
    brought to 0 ... 1 over the three images. In float64: 1 - K is about 1e-10.
    """
    distances = zip((GAMMA_RELU, GAMMA_POOLED), evidence.single_distances, strict=True)
    return len(evidence.single_distances[0]) * sum(
        (torch.linalg.slogdet(torch.exp(-gamma * d)).logabsdet for gamma, d in distances), torch.zeros(())
    )
