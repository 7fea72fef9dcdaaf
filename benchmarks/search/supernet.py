"""The network that holds all cells of NAS-Bench-201 at once: every edge carries all five operations."""

import torch
from torch import Tensor, nn

from nb201_data.networks import AvgPool, ReductionBlock, ReLUConvBN, channels_last
from nb201_data.skeleton import Skeleton
from nb201_data.space import EDGES, OPERATIONS, Cell
from proxies.inits import initialise


class MixedEdge(nn.Module):
    """sum_o w_o op_o(x); operations with weight exactly 0 are not computed, `none` adds nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        made: dict[str, nn.Module] = {
            "skip_connect": nn.Identity(),
            "nor_conv_1x1": _edge(channels, 1),
            "nor_conv_3x3": _edge(channels, 3),
            "avg_pool_3x3": AvgPool(),
        }
        self.operations = nn.ModuleList(made[name] for name in OPERATIONS if name != "none")
        self.positions = [OPERATIONS.index(name) for name in OPERATIONS if name != "none"]

    def forward(self, x: Tensor, weights: Tensor, active: list[bool]) -> Tensor | None:
        """x (B, C, H, W), weights (5,), active (5,): which of them are not zero. None where nothing is added."""
        total = None
        for position, operation in zip(self.positions, self.operations, strict=True):
            if active[position]:
                term = weights[position] * operation(x)
                total = term if total is None else total + term
        return total


class MixedCell(nn.Module):
    """Six mixed edges between four nodes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(MixedEdge(channels) for _ in EDGES)

    def forward(self, x: Tensor, weights: Tensor, active: list[list[bool]]) -> Tensor:
        """x (B, C, H, W), weights (6, 5)."""
        nodes: list[Tensor | None] = [x, None, None, None]
        for i, ((target, source), edge) in enumerate(zip(EDGES, self.edges, strict=True)):
            incoming = nodes[source]
            if incoming is None:
                continue
            term, so_far = edge(incoming, weights[i], active[i]), nodes[target]
            nodes[target] = term if so_far is None else so_far if term is None else so_far + term
        return torch.zeros_like(x) if nodes[3] is None else nodes[3]


class Supernet(nn.Module):
    """The benchmark's skeleton around mixed cells. Batch norm everywhere by the batch, without scale and shift on the
    edges, so that the weights of the operations cannot be undone by their norms."""

    def __init__(self, skeleton: Skeleton, seed: int) -> None:
        super().__init__()
        c, n = skeleton.channels, skeleton.cells_per_stage
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, padding=1, bias=False), nn.BatchNorm2d(c))
        blocks: list[nn.Module] = [MixedCell(c) for _ in range(n)]
        for width in (c, 2 * c):
            blocks += [ReductionBlock(width, 2 * width), *(MixedCell(2 * width) for _ in range(n))]
        self.cells = nn.ModuleList(blocks)
        self.lastact = nn.Sequential(nn.BatchNorm2d(4 * c), nn.ReLU())
        self.classifier = nn.Linear(4 * c, skeleton.classes)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.track_running_stats = False
                module.running_mean = module.running_var = module.num_batches_tracked = None
        initialise(self, "default", seed)
        channels_last(self)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Images (B, 3, H, W), weights of the operations (6, 5), the same in every cell: logits (B, K)."""
        active = (weights != 0).tolist()
        x = self.stem(x)
        for block in self.cells:
            x = block(x, weights, active) if isinstance(block, MixedCell) else block(x)
        return self.classifier(self.lastact(x).mean((2, 3)))


def _edge(channels: int, kernel: int) -> ReLUConvBN:
    """The convolution of an edge, its norm without scale and shift."""
    convolution = ReLUConvBN(channels, channels, kernel)
    convolution.op[2] = nn.BatchNorm2d(channels, affine=False)
    return convolution


def one_hot(cell: Cell, device: torch.device) -> Tensor:
    """Weights (6, 5) that leave `cell` alone."""
    chosen = torch.tensor([OPERATIONS.index(op) for op in cell.ops], device=device)
    return nn.functional.one_hot(chosen, len(OPERATIONS)).float()
