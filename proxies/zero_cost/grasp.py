"""How the gradient's own change along itself touches each weight."""

import torch
from torch import Tensor

from proxies.authors import ZERO_COST
from proxies.evidence import Evidence
from proxies.registry import proxy


@proxy("grasp", direction="higher", needs=["hessian_gradient"], paper="Wang et al., ICLR 2020", authors=ZERO_COST)
def grasp(evidence: Evidence) -> Tensor:
    """-sum W * (H g), H the Hessian and g the gradient of the loss over convolutions and linear layers.

    As in zero-cost-nas: temperature 1, the same batch for g and H, and the sign turned so that more is better. The
    paper used temperature 200 and a class-balanced batch.
    """
    pairs = zip(evidence.layers, evidence.hessian_gradient, strict=True)
    return -torch.stack([(layer.weight * h).sum() for layer, h in pairs]).sum()
