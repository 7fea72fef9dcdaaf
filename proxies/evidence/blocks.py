"""Looking at a network block by block: what each hands on, and how it carries gradients back. What AZ-NAS looks at."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from diswot_errors import NotApplicable
from proxies.evidence.capture import widened
from proxies.evidence.observers import Observer
from proxies.evidence.record import Evidence
from proxies.evidence.spectrum import eigenvalues
from proxies.inits import generator_for


def blocks(model: nn.Module) -> list[nn.Module]:
    """The outermost modules in a Sequential or ModuleList that have parts of their own: cells, residual blocks."""
    if isinstance(model, nn.Sequential | nn.ModuleList):
        return [m for m in model if next(m.children(), None) is not None]
    return [block for child in model.children() for block in blocks(child)]


class _Blocks(Observer):
    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        return blocks(model)

    version = 0

    def enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if inputs and isinstance(inputs[0], Tensor):
            self.version = inputs[0]._version  # of the outermost blocks none stands in another

    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if inputs and all(isinstance(t, Tensor) and t.dim() == 4 for t in (inputs[0], output)):
            if inputs[0]._version != self.version:
                raise NotApplicable("a block overwrites what it is given, `x += y`: write `x = x + y`")
            self.see_maps(inputs[0], output)

    def see_maps(self, entering: Tensor, leaving: Tensor) -> None:
        """Called with the maps (B, C, H, W) before and after each block."""


class BlockMaps(_Blocks):
    """Eigenvalues of the channel covariance of the first block's input and of every block's output."""

    need = "block_maps"

    def __init__(self, evidence: Evidence) -> None:
        self.covariances: list[Tensor] = []

    @torch.no_grad()
    def see_maps(self, entering: Tensor, leaving: Tensor) -> None:
        for maps in (entering, leaving) if not self.covariances else (leaving,):
            self.covariances.append(covariance(maps.detach()))

    def finish(self, evidence: Evidence) -> None:
        if self.covariances:
            evidence.found[self.need] = [eigenvalues(matrix) for matrix in self.covariances]
        self.covariances = []


class BlockJacobians(_Blocks):
    """For each block the mean over positions of g_in g_out^T, g_out random signs, g_in their gradient at the input."""

    need = "block_jacobians"

    def __init__(self, evidence: Evidence) -> None:
        self.ends: list[tuple[Tensor, Tensor]] = []

    def see_maps(self, entering: Tensor, leaving: Tensor) -> None:
        self.ends.append((entering, leaving))

    def draw_back(self, evidence: Evidence) -> None:
        if not self.ends:
            return
        signs = random_signs(max(leaving.numel() for _, leaving in self.ends), evidence)
        evidence.found[self.need] = [_jacobian(*ends, signs) for ends in self.ends]
        self.ends = []

    def release(self) -> None:
        self.ends = []


def _jacobian(entering: Tensor, leaving: Tensor, signs: Tensor) -> Tensor | None:
    """(C_in, C_out), with C_in counting the pixels that one output position covers; None for the identity.

    Where they do not divide, as in 7 -> 4, positions at the far border cover nothing besides: zeros.
    """
    batch, channels, height, width = leaving.shape
    above = signs[: leaving.numel()].view(batch, height, width, channels).permute(0, 3, 1, 2).to(leaving.dtype)
    below = None
    if leaving.requires_grad and entering.requires_grad and leaving is not entering:
        (below,) = torch.autograd.grad(leaving, entering, above, retain_graph=True, allow_unused=True)
    if leaving is entering or (below is not None and below.shape == above.shape and torch.equal(below, above)):
        return None
    if below is None:
        return widened(leaving.new_zeros((entering.shape[1], channels)))
    if entering.shape[2] < height or entering.shape[3] < width:
        raise NotApplicable("a block hands on larger maps than it is given")
    across, down = -(-entering.shape[2] // height), -(-entering.shape[3] // width)
    margin = (0, down * width - entering.shape[3], 0, across * height - entering.shape[2])
    covered = functional.pad(below, margin).reshape(batch, -1, height, across, width, down).permute(0, 2, 4, 1, 3, 5)
    return widened(covered.reshape(batch * height * width, -1)).T @ _columns(above) / (batch * height * width)


def covariance(maps: Tensor) -> Tensor:
    """(B, C, H, W) -> (C, C), over all images and positions."""
    columns = _columns(maps)
    columns = columns - columns.mean(0)
    return columns.T @ columns / len(columns)


def _columns(maps: Tensor) -> Tensor:
    return widened(maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1]))


def random_signs(count: int, evidence: Evidence) -> Tensor:
    """`count` values of -1 or 1; every block takes as many of them as it has outputs."""
    generator = generator_for(evidence.seed, "block jacobians")
    octets = torch.randint(256, (count // 8 + 1, 1), generator=generator, dtype=torch.uint8)
    bits = (octets >> torch.arange(8, dtype=torch.uint8)) & 1
    return bits.flatten()[:count].float().mul_(2).sub_(1).to(evidence.x.device)
