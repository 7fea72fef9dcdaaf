"""The size of the weights."""

import torch
from torch import Tensor

from diswot_errors import NotApplicable
from proxies.authors import ZERO_COST
from proxies.evidence import Evidence
from proxies.registry import proxy


@proxy("l2_norm", direction="higher", needs=[], paper="Abdelfattah et al., ICLR 2021", authors=ZERO_COST)
def l2_norm(evidence: Evidence) -> Tensor:
    """sum_l ||W_l||_2 over convolutions and linear layers: with Gaussian weights nearly sum_l sqrt(size of W_l)."""
    if not evidence.layers:
        raise NotApplicable("the network has no convolution and no linear layer")
    return torch.stack([torch.linalg.vector_norm(layer.weight) for layer in evidence.layers]).sum()
