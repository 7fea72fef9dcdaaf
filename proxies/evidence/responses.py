"""More that the shared forward pass shows: a few channels, square slices of maps, signs, how responses correlate."""

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from proxies.evidence.blocks import blocks
from proxies.evidence.capture import CONVOLUTION, widened
from proxies.evidence.observers import RELUS, GradientObserver, Observer
from proxies.evidence.record import Evidence
from proxies.evidence.spectrum import correlation, eigenvalues, singular_values
from proxies.inits import generator_for

FEW_CHANNELS = 8
SIGN_IMAGES = 16
ACTIVATIONS = tuple(
    kind
    for kind in vars(nn.modules.activation).values()
    if isinstance(kind, type) and issubclass(kind, nn.Module) and kind not in (nn.Module, nn.MultiheadAttention)
)


class FewChannels(Observer):
    """lambda_min of the correlation of 8 channels of each convolution's output on the first image, times C / 8."""

    need = "few_channels"

    def __init__(self, evidence: Evidence) -> None:
        self.names: dict[nn.Module, str] = {
            m: n for n, m in evidence.model.named_modules() if isinstance(m, CONVOLUTION)
        }
        self.seed = evidence.seed
        self.found: list[Tensor] = []

    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        return self.names

    @torch.no_grad()
    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        channels = output.shape[1]
        if channels < FEW_CHANNELS:
            return
        generator = generator_for(self.seed, f"few channels: {self.names[module]}")
        chosen = torch.randperm(channels, generator=generator)[:FEW_CHANNELS].to(output.device)
        matrix = correlation(widened(output[0].detach())[chosen].flatten(1))
        self.found.append(eigenvalues(matrix)[0] * (channels / FEW_CHANNELS))

    def finish(self, evidence: Evidence) -> None:
        if self.found:
            evidence.found[self.need] = torch.stack(self.found)


class Slices(Observer):
    """Singular values of a square slice of the output of each module that has a weight or is an activation.

    The C columns are channels; the rows are C consecutive positions, those of the first images that have as many, from
    a random line of the map on. A batch with fewer positions than channels is taken whole.
    """

    need = "slice_spectra"

    def __init__(self, evidence: Evidence) -> None:
        self.names = {
            m: n
            for n, m in evidence.model.named_modules()
            if isinstance(getattr(m, "weight", None), Tensor) or isinstance(m, ACTIVATIONS)
        }
        self.seed = evidence.seed
        self.slices: list[Tensor] = []

    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        return self.names

    @torch.no_grad()
    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor) or not output.is_floating_point() or output.dim() not in (2, 3, 4):
            return
        channels = output.shape[1] if output.dim() == 4 else output.shape[-1]
        positions = math.prod(output.shape[1:]) // channels
        part = output.detach()[: -(-channels // positions)]
        rows = (part.permute(0, 3, 2, 1) if part.dim() == 4 else part).reshape(-1, channels)
        line = output.shape[2] if output.dim() == 4 else 1
        generator = generator_for(self.seed, f"slice: {self.names[module]}")
        starts = max(0, len(rows) - channels) // line + 1
        start = line * int(torch.randint(starts, (), generator=generator))
        self.slices.append(rows[start : start + channels].to(torch.float64, copy=True))

    def finish(self, evidence: Evidence) -> None:
        if self.slices:
            evidence.found[self.need] = [singular_values(matrix) for matrix in self.slices]
        self.slices = []


class Signs(Observer):
    """How many different patterns of on and off the units of all ReLU maps show over the first 16 images."""

    need = "sign_patterns"

    def __init__(self, evidence: Evidence) -> None:
        self.images = len(evidence.x)
        self.seen: Tensor | None = None
        self.finite: list[Tensor] = []

    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        return (m for m in model.modules() if isinstance(m, RELUS))

    @torch.no_grad()
    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        if output.dim() != 4 or len(output) != self.images:
            return
        part = output.detach()[:SIGN_IMAGES]
        if self.seen is None:
            self.seen = torch.zeros(2 ** len(part), dtype=torch.bool, device=part.device)
        code = torch.zeros(part[0].shape, dtype=torch.int32, device=part.device)
        for i, image in enumerate(part):
            code += (image > 0).int() << i
        self.seen[code.flatten()] = True
        self.finite.append(part.isfinite().all())

    def finish(self, evidence: Evidence) -> None:
        if self.seen is not None:
            whole = torch.stack(self.finite).all()
            evidence.found[self.need] = torch.where(whole, self.seen.sum().double(), torch.nan)


class Responses(GradientObserver):
    """sum over ReLUs of 2^i (|corr(a)| + |corr(d)|), (B, B) float64, i the number of blocks that ran before.

    a is what enters the ReLU, d the loss gradient there; rows are images, and a ReLU that sees them cut up does not
    count. A matrix of a constant image, or with anything but numbers, is left out.
    """

    need = "response_correlation"

    def __init__(self, evidence: Evidence) -> None:
        super().__init__()
        self.images = len(evidence.x)
        self.blocks = set(blocks(evidence.model))
        self.before = 0
        self.total: Tensor | None = None

    def modules(self, model: nn.Module) -> Iterable[nn.Module]:
        return [*self.blocks, *(m for m in model.modules() if isinstance(m, RELUS))]

    def enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if module not in self.blocks and len(inputs[0]) == self.images:
            self._add(inputs[0].detach(), 2.0**self.before)

    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if module in self.blocks:
            self.before += 1
        elif output.requires_grad and len(output) == self.images:
            weight, on = 2.0**self.before, output.detach() > 0

            def look(gradient: Tensor) -> None:
                self._add(gradient * on, weight)

            self.handles.append(output.register_hook(partial(self.at_its_own_risk, look)))

    @torch.no_grad()
    def _add(self, values: Tensor, weight: float) -> None:
        rows = widened(values.permute(0, 2, 3, 1) if values.dim() == 4 else values).reshape(len(values), -1)
        if self.total is None:
            self.total = torch.zeros((len(rows), len(rows)), dtype=torch.float64, device=rows.device)
        matrix = correlation(rows)
        usable = matrix.isfinite().all() & (matrix.diagonal() > 0).all()
        self.total += torch.where(usable, weight * matrix.abs().double(), 0)

    def finish_backward(self, evidence: Evidence) -> None:
        if self.total is not None:
            evidence.found[self.need] = self.total
        self.release()
