"""How large gradients are against how much they change from batch to batch."""

import torch
from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

AUTHORS = AuthorsSetting(
    "default",
    "real",
    128,
    "ZiCo at b0fec65; AZ-NAS at 5e6683a for the size",
    "two batches of 64 are one of 128 here; their own search on ImageNet takes two of 128",
)


@proxy("zico", direction="higher", needs=["batch_gradients"], paper="Li et al., ICLR 2023", version=2, authors=AUTHORS)
def zico(evidence: Evidence) -> Tensor:
    """sum_l ln sum_w E|g_w| / sd(g_w) over two batches, the halves of the batch; w over the weights of layer l.

    sd with divisor n, as in the authors' code: with two batches the ratio is (|g1| + |g2|) / |g1 - g2|. Weights whose
    gradient does not change are left out, and layers that have no other: 0 where no gradient changes.
    """
    terms = []
    for gradients in zip(*evidence.batch_gradients, strict=True):
        first, second = gradients
        spread = (first - second).abs_()
        ratio = torch.where(spread == 0, 0, first.abs().add_(second.abs()).div_(spread)).sum()
        terms.append(torch.where(ratio == 0, 0, ratio.log()))
    return torch.stack(terms).sum()
