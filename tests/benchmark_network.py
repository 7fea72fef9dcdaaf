"""NAS-Bench-201's network written down once more, straight from its description: nothing of the project is imported.

Every edge computes, whatever it is fed; `none` multiplies by zero. Names are those of the benchmark's own code.
"""

import torch
from torch import Tensor, nn


class ReLUConvBN(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.op = nn.Sequential(nn.ReLU(inplace=False), convolution, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Zero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mul(0.0)


class Pooling(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.op = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class InferCell(nn.Module):
    def __init__(self, edges: list[list[tuple[str, int]]], channels: int) -> None:
        super().__init__()
        make = {
            "none": Zero,
            "skip_connect": nn.Identity,
            "nor_conv_1x1": lambda: ReLUConvBN(channels, channels, 1),
            "nor_conv_3x3": lambda: ReLUConvBN(channels, channels, 3),
            "avg_pool_3x3": Pooling,
        }
        self.edges = edges
        self.layers = nn.ModuleList(make[op]() for node in edges for op, _ in node)

    def forward(self, x: Tensor) -> Tensor:
        nodes, layers = [x], iter(self.layers)
        for node in self.edges:
            nodes.append(sum(next(layers)(nodes[source]) for _, source in node))  # type: ignore[arg-type]
        return nodes[-1]


class Reduction(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_a, self.conv_b = ReLUConvBN(inputs, outputs, 3, 2), ReLUConvBN(outputs, outputs, 3)
        self.downsample = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.downsample(x) + self.conv_b(self.conv_a(x))


class TinyNetwork(nn.Module):
    """Around the cell of an arch string; images (B, 3, H, W) to logits (B, K)."""

    def __init__(self, arch: str, classes: int, channels: int = 16, cells_per_stage: int = 5) -> None:
        super().__init__()
        pairs = [[pair.split("~") for pair in node.strip("|").split("|")] for node in arch.split("+")]
        edges = [[(op, int(source)) for op, source in node] for node in pairs]
        c, n = channels, cells_per_stage
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, padding=1, bias=False), nn.BatchNorm2d(c))
        layers: list[nn.Module] = [InferCell(edges, c) for _ in range(n)]
        for width in (c, 2 * c):
            layers += [Reduction(width, 2 * width), *(InferCell(edges, 2 * width) for _ in range(n))]
        self.cells = nn.ModuleList(layers)
        self.lastact = nn.Sequential(nn.BatchNorm2d(4 * c), nn.ReLU(inplace=True))
        self.classifier = nn.Linear(4 * c, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        return self.classifier(torch.flatten(nn.functional.adaptive_avg_pool2d(self.lastact(x), 1), 1))
