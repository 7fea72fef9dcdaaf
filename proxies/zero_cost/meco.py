"""How close the channels of each layer come to being linearly dependent."""

from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

AUTHORS = AuthorsSetting(
    "default",
    "real",
    2,
    "MeCo at 0d830dd, correlation/NAS_Bench_201.py",
    "one image there; the measure's own code elsewhere feeds noise of 64 x 64; every module counts there",
)


@proxy("meco", direction="higher", needs=["first_maps"], paper="Jiang et al., NeurIPS 2023", authors=AUTHORS)
def meco(evidence: Evidence) -> Tensor:
    """sum_l lambda_min(P_l), P_l the correlation between the channels of convolution l's output on one image.

    The image is the first of the batch; batch norm sees the whole batch. The authors' code feeds 64 x 64 noise and sums
    over every module, containers and norms included, so that the same map counts several times; the paper says layers.
    A layer with no more positions than channels has lambda_min = 0.
    """
    return evidence.first_maps.sum()


@proxy("meco_opt", direction="higher", needs=["few_channels"], paper="Jiang et al., NeurIPS 2023", authors=AUTHORS)
def meco_opt(evidence: Evidence) -> Tensor:
    """sum_l (C_l / 8) lambda_min(P_l), P_l the correlation between 8 random channels of convolution l's output.

    As `meco` else; a convolution of fewer than 8 channels is left out. The channels depend on the seed and the layer.
    """
    return evidence.few_channels.sum()
