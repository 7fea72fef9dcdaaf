"""SNIP with its sign."""

import torch
from torch import Tensor

from proxies.authors import ZERO_COST
from proxies.evidence import Evidence
from proxies.registry import proxy


@proxy("plain", direction="higher", needs=["weight_gradients"], paper="Mozer & Smolensky, 1989", authors=ZERO_COST)
def plain(evidence: Evidence) -> Tensor:
    """sum W * dL/dW over the weights of convolutions and linear layers, signed.

    Batch norm makes the loss indifferent to the scale of the convolution in front of it, so those layers give almost 0
    and the classifier is what remains.
    """
    pairs = zip(evidence.layers, evidence.weight_gradients, strict=True)
    return torch.stack([torch.dot(layer.weight.reshape(-1), g.reshape(-1)) for layer, g in pairs]).sum()
