"""How close the channels of each layer come to being linearly dependent."""

from torch import Tensor

from proxies.evidence import Evidence
from proxies.registry import proxy


@proxy("meco", direction="higher", needs=["first_maps"], paper="Jiang et al., NeurIPS 2023")
def meco(evidence: Evidence) -> Tensor:
    """sum_l lambda_min(P_l), P_l the correlation between the channels of convolution l's output on one image.

    The image is the first of the batch; batch norm sees the whole batch. The authors' code feeds 64 x 64 noise and sums
    over every module, containers and norms included, so that the same map counts several times; the paper says layers.
    A layer with no more positions than channels has lambda_min = 0.
    """
    return evidence.first_maps.sum()
