"""Fisher pruning's saliency of channels."""

import torch
from torch import Tensor

from diswot_errors import NotApplicable
from proxies.authors import ZERO_COST
from proxies.evidence import Evidence
from proxies.registry import proxy


@proxy(
    "fisher",
    direction="higher",
    needs=["weight_gradients", "channel_saliency"],
    paper="Turner et al., ICLR 2020",
    authors=ZERO_COST,
)
def fisher(evidence: Evidence) -> Tensor:
    """sum_l fan_in_l sum_c mean_n (sum_hw a * dL/da)^2 / 2, a the output of layer l before its batch norm.

    The factor fan_in comes from zero-cost-nas, which gives every weight the saliency of its channel before it sums.
    """
    if not evidence.channel_saliency:
        raise NotApplicable("no convolution and no linear layer takes part in the output")
    return torch.stack([channels.sum() * fan_in for channels, fan_in in evidence.channel_saliency]).sum()
