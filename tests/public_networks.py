"""The networks of `public_scores.csv`: made from seeds, so that what public code scores them is numbers alone.

Each is the benchmark's skeleton (8 channels, one cell a stage, 10 classes) with Kaiming weights; `shifted` ones have
batch norms with random scales and shifts besides, as training leaves them. One batch: 16 images of noise, 5 classes.
"""

import torch
from benchmark_network import TinyNetwork
from torch import Tensor, nn

from proxies import initialise

CELLS = {
    "light": "|avg_pool_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|none~2|",
    "mixed": "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|",
    "heavy": "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    "fed by zeros": "|none~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|",
    "zeros on zeros": "|none~0|+|none~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_3x3~2|",
    "unused": "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|nor_conv_3x3~0|none~1|none~2|",
}
NETWORKS = {f"{name}{norms}": (arch, bool(norms)) for name, arch in CELLS.items() for norms in ("", ", shifted")}


def network(name: str) -> TinyNetwork:
    """One of `NETWORKS`, the same each time."""
    arch, shifted = NETWORKS[name]
    made = TinyNetwork(arch, 10, channels=8, cells_per_stage=1)
    initialise(made, "kaiming", seed=0)
    generator = torch.Generator().manual_seed(1)
    for module in made.modules():
        if shifted and isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.5, generator=generator)
    return made


def batch() -> tuple[Tensor, Tensor]:
    """Images (16, 3, 16, 16) and labels (16,)."""
    return torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 5
