"""The size of any network, counted in the network itself."""

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def parameters(network: nn.Module) -> int:
    """Trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def multiply_adds(network: nn.Module, resolution: int) -> int:
    """Multiply-adds of convolutions, products of matrices and attention on one image (1, 3, resolution, resolution)."""
    was_training = network.training
    example = next(network.parameters())
    image = torch.zeros(1, 3, resolution, resolution, device=example.device, dtype=example.dtype)
    counter, fast = FlopCounterMode(display=False), torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # fused layers of attention would not be counted
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
            network.eval()(image)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        network.train(was_training)
    return int(counter.get_total_flops()) // 2
