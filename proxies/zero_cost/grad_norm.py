"""The size of the loss gradient."""

import torch
from torch import Tensor

from proxies.authors import ZERO_COST
from proxies.evidence import Evidence
from proxies.registry import proxy


@proxy(
    "grad_norm",
    direction="higher",
    needs=["weight_gradients"],
    paper="Abdelfattah et al., ICLR 2021",
    authors=ZERO_COST,
)
def grad_norm(evidence: Evidence) -> Tensor:
    """sum_l ||dL/dW_l||_2 over the weights of convolutions and linear layers (not biases, not norms)."""
    return torch.stack([torch.linalg.vector_norm(g) for g in evidence.weight_gradients]).sum()
