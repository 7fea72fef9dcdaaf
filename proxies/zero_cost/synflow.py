"""Synaptic flow: the sum of all paths through the network."""

import torch
from torch import Tensor

from proxies.authors import ZERO_COST
from proxies.evidence import Evidence
from proxies.registry import proxy


@proxy(
    "synflow", direction="higher", needs=["linear_gradients"], paper="Tanaka et al., NeurIPS 2020", authors=ZERO_COST
)
def synflow(evidence: Evidence) -> Tensor:
    """sum |W| * dR/d|W|, R the summed logits of the network with absolute weights, without batch norm, on ones.

    In float64: values run from 1e7 to 1e60, and only their order means anything; take the logarithm to plot them.
    """
    return torch.stack([(w * g).sum() for w, g in evidence.linear_gradients]).sum()
