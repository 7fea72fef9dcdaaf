"""What some searched scores come down to: sums over the shapes of the layers. No image, no weight, no pass."""

import math

from torch import Tensor, nn

from diswot_errors import NotApplicable
from proxies.evidence import Evidence
from proxies.evidence.capture import CONVOLUTION
from proxies.registry import proxy

PAPER = "what Auto-DAS (Sun et al., ECCV 2024) comes down to"


def kernels(model: nn.Module) -> list[Tensor]:
    """The weight (C_out, ...) of every convolution, dead ones as well; a refusal where there is none."""
    found = [module.weight for module in model.modules() if isinstance(module, CONVOLUTION)]
    if not found:
        raise NotApplicable("the network has no convolution")
    return found


@proxy("conv_count", direction="higher", needs=[], paper=f"{PAPER} on NAS-Bench-201")
def conv_count(evidence: Evidence) -> float:
    """Number of convolutions, dead ones as well.

    `auto_das_nb201_instinct` is the sum over them of tanh(ln C_out), .992 for 16 channels and nearer to 1 for more.
    """
    return float(len(kernels(evidence.model)))


@proxy("conv_root_size", direction="higher", needs=[], paper=f"{PAPER} on S0")
def conv_root_size(evidence: Evidence) -> float:
    """sum over convolutions of ln(C_out) sqrt(number of weights): `auto_das_s0_instinct` without gradients."""
    return sum(math.log(len(w)) * math.sqrt(w.numel()) for w in kernels(evidence.model))


@proxy("conv_log_width", direction="higher", needs=[], paper=f"{PAPER} on transformers")
def conv_log_width(evidence: Evidence) -> float:
    """sum over convolutions of ln ln C_out: `auto_das_vit_instinct` without gradients.

    A transformer has one convolution, the patch embedding, or a few. Infinite where one has a single output channel.
    """
    widths = [len(w) for w in kernels(evidence.model)]
    return sum(math.log(math.log(width)) if width > 1 else -math.inf for width in widths)


@proxy("trainable_layers", direction="higher", needs=[], paper="Tybl & Neumann, CVPR 2025")
def trainable_layers(evidence: Evidence) -> float:
    """Number of parameter tensors: weights, biases, scales and shifts of norms count one each.

    In NAS-Bench-201 it is 21 + 45 times the number of convolutions in the cell, with many ties.
    """
    return float(len(list(evidence.model.parameters())))
