"""How much the loss would change without each weight."""

import torch
from torch import Tensor

from proxies.authors import ZERO_COST
from proxies.evidence import Evidence
from proxies.registry import proxy


@proxy("snip", direction="higher", needs=["weight_gradients"], paper="Lee et al., ICLR 2019", authors=ZERO_COST)
def snip(evidence: Evidence) -> Tensor:
    """sum |W * dL/dW| over the weights of convolutions and linear layers."""
    pairs = zip(evidence.layers, evidence.weight_gradients, strict=True)
    return torch.stack([(layer.weight * g).abs_().sum() for layer, g in pairs]).sum()
