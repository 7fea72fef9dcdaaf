"""Small networks as somebody else would write them, and their scores."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from proxies import score

LABELS = torch.arange(8) % 4


def images(side: int = 16, count: int = 8) -> Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def values(model: nn.Module, names: str, x: Tensor | None = None, teacher: nn.Module | None = None) -> dict[str, float]:
    found = score(model, names, (images() if x is None else x, LABELS), teacher=teacher)
    assert {one.status for one in found.values()} == {"ok"}, found
    return {name: one.value for name, one in found.items() if one.value is not None}


def block(inputs: int, outputs: int, stride: int = 1, inplace: bool = False) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace))


def stack(*widths: int, head: nn.Module | None = None) -> nn.Sequential:
    """Blocks, pooling, a classifier of 4."""
    torch.manual_seed(0)
    parts = [block(a, b, 2 if i else 1) for i, (a, b) in enumerate(zip((3, *widths), widths, strict=False))]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head or nn.Linear(widths[-1], 4))


class Around(nn.Module):
    """A network that does something with the images first, or with the logits."""

    def __init__(self, inner: nn.Module, before: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.before = inner, before

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.before(x))
