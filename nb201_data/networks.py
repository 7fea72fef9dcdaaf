"""Networks: the skeleton of NAS-Bench-201 around a cell, and the CIFAR ResNet family.

Parameter names are those of the benchmark's own code and of the public ResNet checkpoints, so that their weights load.
Every network hands out what scores and distillation losses look at, without hooks: see `NetworkMaps`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from diswot_errors import UsageError
from nb201_data.space import EDGES, Cell

M = TypeVar("M", bound=nn.Module)

RESNETS = {f"resnet{6 * n + 2}": (n, n, n) for n in (3, 5, 7, 9, 18)}


class NetworkMaps(NamedTuple):
    """Everything a forward pass hands out."""

    stages: tuple[Tensor, ...]
    """The feature map at the end of each of the three stages, (B, C, H, W); the last one is `last`."""
    last: Tensor
    """The map that is pooled, after the last ReLU, (B, C, H, W); of transformers the patch tokens."""
    pooled: Tensor
    """(B, C), what the classifier reads."""
    logits: Tensor
    """(B, K)"""
    before: tuple[Tensor, ...]
    """`stages` before the last ReLU of each; the same map where no ReLU ends a stage."""


class Network(nn.Module, ABC):
    """Stages, global average pooling, a linear classifier."""

    classifier: nn.Linear
    hands_out_features = True
    reads_token = False
    """Whether the classifier reads a class token and not the mean of the last map."""
    side: int | None = None
    """Larger images are brought to so many pixels first, by bilinear interpolation; None: seen as they are."""

    @abstractmethod
    def ends(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The feature map at the end of each stage, before and after its last ReLU."""

    @property
    def norms(self) -> tuple[nn.BatchNorm2d, ...]:
        """The last batch norm before the last ReLU of each stage; none where a stage does not end in that way."""
        return ()

    def maps(self, x: Tensor) -> NetworkMaps:
        """What the network shows of images as it sees them."""
        before, stages = zip(*self.ends(x), strict=True)
        pooled = stages[-1].mean((2, 3))
        return NetworkMaps(stages, stages[-1], pooled, self.classifier(pooled), before)

    def forward_features(self, x: Tensor) -> NetworkMaps:
        """Images (B, 3, H, W) to `NetworkMaps`."""
        if self.side is not None and x.shape[-1] > self.side:
            x = functional.interpolate(x, (self.side, self.side), mode="bilinear")
        return self.maps(x)

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, 3, H, W) to logits (B, K)."""
        return self.forward_features(x).logits


class ReLUConvBN(nn.Module):
    """ReLU, convolution, batch norm: an edge that learns."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.op = nn.Sequential(nn.ReLU(), convolution, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class AvgPool(nn.Module):
    """3 x 3 average pooling, stride 1, borders divided by the pixels that are there."""

    def __init__(self) -> None:
        super().__init__()
        self.op = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Zero(nn.Module):
    """Cuts the edge."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


def _edge(operation: str, channels: int) -> nn.Module:
    match operation:
        case "none":
            return Zero()
        case "skip_connect":
            return nn.Identity()
        case "nor_conv_1x1":
            return ReLUConvBN(channels, channels, 1)
        case "nor_conv_3x3":
            return ReLUConvBN(channels, channels, 3)
        case "avg_pool_3x3":
            return AvgPool()
    raise AssertionError(operation)


class CellBlock(nn.Module):
    """A cell with its own weights: node i is the sum of its incoming edges.

    As in the benchmark, a convolution that is fed by zeros runs: its batch norm's shift flows on.
    """

    def __init__(self, cell: Cell, channels: int) -> None:
        super().__init__()
        self.cell = cell
        self.layers = nn.ModuleList(_edge(op, channels) for op in cell.ops)

    def forward(self, x: Tensor) -> Tensor:
        nodes: list[Tensor | None] = [x, None, None, None]  # None stands for zeros
        for (target, source), layer in zip(EDGES, self.layers, strict=True):
            incoming = nodes[source]
            if isinstance(layer, Zero) or (incoming is None and not isinstance(layer, ReLUConvBN)):
                continue  # zeros stay zeros, but a batch norm shifts them
            value, so_far = layer(torch.zeros_like(x) if incoming is None else incoming), nodes[target]
            nodes[target] = value if so_far is None else so_far + value
        return torch.zeros_like(x) if nodes[3] is None else nodes[3]


class ReductionBlock(nn.Module):
    """Halves the map and doubles the width between stages: a residual block of two 3 x 3 convolutions."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_a = ReLUConvBN(inputs, outputs, 3, stride=2)
        self.conv_b = ReLUConvBN(outputs, outputs, 3)
        self.downsample = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.downsample(x) + self.conv_b(self.conv_a(x))


class LastActivation(nn.Sequential):
    """Batch norm, ReLU; `before` takes the map between them."""

    def forward(self, x: Tensor, before: list[Tensor] | None = None) -> Tensor:
        norm, relu = self
        x = norm(x)
        if before is not None:
            before.append(x)
        return relu(x)


class CellNetwork(Network):
    """Stem, three stages of `cells_per_stage` cells, a reduction before the second and third, last activation."""

    def __init__(self, cell: Cell, classes: int, channels: int, cells_per_stage: int) -> None:
        super().__init__()
        widths = (channels, 2 * channels, 4 * channels)
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        blocks: list[nn.Module] = [CellBlock(cell, channels) for _ in range(cells_per_stage)]
        self.reductions = [cells_per_stage]
        for inputs, outputs in pairwise(widths):
            blocks += [ReductionBlock(inputs, outputs), *(CellBlock(cell, outputs) for _ in range(cells_per_stage))]
            self.reductions.append(len(blocks))
        self.cells = nn.ModuleList(blocks)
        self.lastact = LastActivation(nn.BatchNorm2d(widths[-1]), nn.ReLU())
        self.classifier = nn.Linear(widths[-1], classes)

    def ends(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        x, ends = self.stem(x), []
        for i, block in enumerate(self.cells):
            if i in self.reductions[:2]:
                ends.append((x, x))
            x = block(x)
        before: list[Tensor] = []
        after = self.lastact(x, before)
        return [*ends, (before[0], after)]


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions with a shortcut, or without one (`residual=False`)."""

    def __init__(self, inputs: int, outputs: int, stride: int, residual: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.residual = residual
        self.downsample: nn.Module | None = None
        if residual and (stride != 1 or inputs != outputs):
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor, before: list[Tensor] | None = None) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        if self.residual:
            out = out + (x if self.downsample is None else self.downsample(x))
        if before is not None:
            before.append(out)
        return functional.relu(out)


class Stage(nn.Sequential):
    """Basic blocks in a row; `before` takes the last one's map before its ReLU."""

    def forward(self, x: Tensor, before: list[Tensor] | None = None) -> Tensor:
        *blocks, last = self
        for block in blocks:
            x = block(x)
        return last(x, before)


class ResNet(Network):
    """The CIFAR ResNet: widths 16-16-32-64, `depths` basic blocks per stage."""

    def __init__(self, depths: Sequence[int], classes: int, residual: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        inputs = 16
        layers = []
        for width, depth, stride in zip((16, 32, 64), depths, (1, 2, 2), strict=True):
            blocks = [BasicBlock(inputs, width, stride, residual)]
            blocks += [BasicBlock(width, width, 1, residual) for _ in range(depth - 1)]
            layers.append(Stage(*blocks))
            inputs = width
        self.layer1, self.layer2, self.layer3 = layers
        self.fc = nn.Linear(inputs, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @property
    def classifier(self) -> nn.Linear:  # type: ignore[override]
        """The last layer, under the name that all networks here share."""
        return self.fc

    @property
    def norms(self) -> tuple[nn.BatchNorm2d, ...]:
        """Of the last block of each stage; what its shortcut adds comes behind."""
        return tuple(layer[-1].bn2 for layer in (self.layer1, self.layer2, self.layer3))  # type: ignore[misc]

    def ends(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        x, before, after = self.relu(self.bn1(self.conv1(x))), list[Tensor](), list[Tensor]()
        for layer in (self.layer1, self.layer2, self.layer3):
            x = layer(x, before)
            after.append(x)
        return list(zip(before, after, strict=True))


def build_network(cell: Cell | str, classes: int, channels: int = 16, cells_per_stage: int = 5) -> CellNetwork:
    """The benchmark's network around `cell`, with PyTorch's default initialisation, in `channels_last`.

    Parameters on CIFAR-10: 0.073306 + 0.24304 n3x3 + 0.028 n1x1 million.
    """
    cell = Cell.parse(cell) if isinstance(cell, str) else cell
    return channels_last(CellNetwork(cell, classes, channels, cells_per_stage))


def build_resnet(name: str | Sequence[int], classes: int, residual: bool = True) -> ResNet:
    """A CIFAR ResNet by name (`resnet20`, 32, 44, 56, 110) or by its three depths, in `channels_last`."""
    if isinstance(name, str):
        name = RESNETS[a_resnet(name, "network")]
    return channels_last(ResNet(name, classes, residual))


def a_resnet(name: str, role: str) -> str:
    """`name`, where it is that of a CIFAR ResNet."""
    if name not in RESNETS:
        raise UsageError(f"unknown {role} {name!r}: expected one of {', '.join(RESNETS)}")
    return name


def channels_last(module: M) -> M:
    """The module in the memory format in which pooling and small convolutions are fastest on a CPU."""
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module
