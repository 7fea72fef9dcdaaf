"""The size of any network, counted in the network itself."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def parameters(network: nn.Module) -> int:
    """Trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def multiply_adds(network: nn.Module, resolution: int) -> int:
    """Multiply-adds of convolutions, products of matrices and attention on one image (1, 3, resolution, resolution)."""
    was_training = network.training
    example = next(network.parameters())
    image = torch.zeros(1, 3, resolution, resolution, device=example.device, dtype=example.dtype)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network.eval()(image)
    network.train(was_training)
    return int(counter.get_total_flops()) // 2
