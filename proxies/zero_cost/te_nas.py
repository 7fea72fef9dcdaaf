"""TE-NAS: how evenly the network can be trained, how finely it cuts up its input."""

from collections.abc import Sequence

import torch
from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.evidence.spectrum import eigenvalues
from proxies.registry import aggregate, proxy
from proxies.zero_cost.ranks import ranks

PAPER = "Chen et al., ICLR 2021"
CODE = "TENAS at 2f2e03b"
NTK = AuthorsSetting(
    "kaiming", "real", 72, CODE, "fan out there, a network of 3 channels, 72 images, 3 repetitions; here the first 16"
)
REGIONS = AuthorsSetting("kaiming", "real", 72, CODE, "3,000 images of 3 x 3 pixels and a network of one channel there")


@proxy("te_nas_ntk", direction="lower", needs=["tangent_kernel"], paper=PAPER, authors=NTK)
def te_nas_ntk(evidence: Evidence) -> Tensor:
    """lambda_max / lambda_min of the tangent kernel <d s_i/dW, d s_j/dW>, s_i the summed logits of image i.

    Over the weights of convolutions and linear layers, on the first 16 images as one batch in training mode; the
    authors take more images and PyTorch's NaN to 100,000. Infinite where the kernel is singular.
    """
    values = eigenvalues(evidence.tangent_kernel)
    return torch.where(values[0] <= 0, torch.inf, values[-1] / values[0])


@proxy("te_nas_regions", direction="higher", needs=["regions"], paper=PAPER, authors=REGIONS)
def te_nas_regions(evidence: Evidence) -> float:
    """Number of different ReLU patterns over 1,000 random 4 x 4 patches of the images.

    The full pattern of a network this wide differs for every input, so that the count would always be 1,000. The
    authors count in a copy of the network with one channel; here the pattern takes one unit, the first, of each ReLU.
    """
    return evidence.regions


@aggregate("te_nas", parts=["te_nas_ntk", "te_nas_regions"], paper=PAPER)
def te_nas(ntk: Sequence[float], regions: Sequence[float]) -> list[float]:
    """rank(-kappa) + rank(regions) within the set of networks that is scored; 1 is the worst rank.

    A singular kernel, of infinite kappa, has it.
    """
    return [a + b for a, b in zip(ranks([-k for k in ntk]), ranks(regions), strict=True)]
