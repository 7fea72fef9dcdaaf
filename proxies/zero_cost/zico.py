"""How large gradients are against how much they change from batch to batch."""

import torch
from torch import Tensor

from diswot_errors import NotApplicable
from proxies.evidence import Evidence
from proxies.registry import proxy


@proxy("zico", direction="higher", needs=["batch_gradients"], paper="Li et al., ICLR 2023")
def zico(evidence: Evidence) -> Tensor:
    """sum_l ln sum_w E|g_w| / sd(g_w) over two batches, the halves of the batch; w over the weights of layer l.

    sd with divisor n, as in the authors' code: with two batches the ratio is (|g1| + |g2|) / |g1 - g2|. Weights whose
    gradient does not change are left out, and layers that have no other.
    """
    terms = []
    for gradients in zip(*evidence.batch_gradients, strict=True):
        first, second = gradients
        spread = (first - second).abs_()
        ratio = torch.where(spread > 0, first.abs().add_(second.abs()).div_(spread), 0).sum()
        terms.append(torch.where(ratio > 0, ratio.log(), torch.nan))
    layers = torch.stack(terms)
    if bool(layers.isnan().all()):
        raise NotApplicable("no gradient changes between the halves of the batch")
    return layers.nansum()
