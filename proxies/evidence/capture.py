"""What a forward pass shows: feature maps, pooled features, logits, of any classifier."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

CONVOLUTION = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Not the transposed ones, whose weights count inputs first: to a score of layers they are hidden."""


def widened(values: Tensor) -> Tensor:
    """Half precision as fp32; fp32 and float64 as they are, so that a float64 network is scored in float64."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


class Features(NamedTuple):
    """What a network computes on a batch. Networks that hand out a tuple like this one are asked for it."""

    stages: tuple[Tensor, ...]
    """The last map of each resolution, from fine to coarse, (B, C_i, H_i, W_i)."""
    last: Tensor | None
    """The map that is pooled, (B, C, H, W); none in a network without maps."""
    pooled: Tensor | None
    """Input of the classifier, (B, C); none if the logits do not come out of a linear layer."""
    logits: Tensor
    """(B, K)"""
    averaged: bool = True
    """Whether the classifier reads the mean of the last map, dropout aside: not a class token, nor a maximum."""

    def detached(self) -> "Features":
        """The same values without the graph, not narrower than fp32."""

        def plain(t: Tensor | None) -> Tensor | None:
            return None if t is None else widened(t.detach())

        return Features(
            tuple(widened(t.detach()) for t in self.stages),
            plain(self.last),
            plain(self.pooled),
            widened(self.logits.detach()),
            self.averaged,
        )


def classifier_weight(model: nn.Module, classes: int) -> Tensor | None:
    """A copy of the weight (K, C) of the last linear layer with K outputs."""
    found = [m for m in model.modules() if isinstance(m, nn.Linear) and m.out_features == classes]
    return found[-1].weight.detach().clone() if found else None


def forward_features(model: nn.Module, x: Tensor) -> Features:
    """One forward pass of a copy of the images: by `model.forward_features` where it `hands_out_features`, or by hooks.

    A network that hands them out returns `stages`, `last`, `pooled`, `logits` as attributes; `reads_token` says whether
    its classifier reads a class token.
    """
    if getattr(model, "hands_out_features", False):
        shown = model.forward_features(x.clone())  # type: ignore[operator]
        averaged = not getattr(model, "reads_token", False)
        return Features(shown.stages, shown.last, shown.pooled, shown.logits, averaged)
    with _watched(model) as watch:
        logits = model(x.clone())
    return watch.features(check_logits(logits))


def check_logits(logits: Any) -> Tensor:
    """What a network returned, or a refusal where it is no logits."""
    if not isinstance(logits, Tensor) or logits.dim() != 2:
        what = f"a tensor {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        raise TypeError(f"the network returned {what}: expected logits (B, K)")
    return logits


CHANNELS_FIRST = (*CONVOLUTION, nn.modules.batchnorm._NormBase, nn.GroupNorm)
CLOSE = 1e-3
"""Relative: what half precision makes of a mean."""


def _channels_last(module: nn.Module) -> bool:
    """Whether a layer takes channels from behind. A norm that turns maps for it and back again has its own forward."""
    norms = (nn.LayerNorm, nn.RMSNorm)
    plain = isinstance(module, norms) and type(module).forward in [norm.forward for norm in norms]
    return isinstance(module, nn.Linear) or (plain and len(module.normalized_shape) == 1)  # type: ignore[arg-type]


class _Watch:
    """Keeps the last map of each resolution and the input of the last linear layer.

    A layer that takes channels from behind, (B, T, C) or (B, H, W, C), shows no map, nor does what follows until the
    channels are in front again: a network that ends so, a transformer, has no maps.
    """

    def __init__(self) -> None:
        self.maps: dict[tuple[int, int], Tensor] = {}
        self.last: Tensor | None = None
        self.linear: tuple[Tensor, int] | None = None
        self.behind: torch.Size | None = None
        self.dropped: tuple[Tensor, Tensor] | None = None

    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor) or not output.is_floating_point():
            return
        if isinstance(module, nn.modules.dropout._DropoutNd):
            self.dropped = output, inputs[0]
        if _channels_last(module):
            if math.prod(output.shape[1:-1]) > 1:
                self.behind = output.shape
        elif output.dim() == 4 and self._in_front(module, output):
            self.behind = None
            if output.shape[2] * output.shape[3] > 1:
                self.maps[(output.shape[2], output.shape[3])] = self.last = output
        if isinstance(module, nn.Linear) and inputs and inputs[0].dim() == 2:
            self.linear = (inputs[0], module.out_features)

    def _in_front(self, module: nn.Module, output: Tensor) -> bool:
        """Whether a tensor of four dimensions is (B, C, H, W): a block may hand on what it had as (B, H, W, C)."""
        if self.behind is None or isinstance(module, CHANNELS_FIRST):
            return True
        back = len(self.behind) == 4 and output.shape == torch.Size([self.behind[i] for i in (0, 3, 1, 2)])
        return back and output.shape != self.behind

    def features(self, logits: Tensor) -> Features:
        if self.behind is not None:
            self.maps, self.last = {}, None
        stages = tuple(self.maps[size] for size in sorted(self.maps, reverse=True))
        pooled = self.linear[0] if self.linear is not None and self.linear[1] == logits.shape[1] else None
        return Features(stages, self.last, pooled, logits, self._averaged(pooled))

    def _averaged(self, pooled: Tensor | None) -> bool:
        if pooled is None or self.last is None:
            return False
        read = self.dropped[1] if self.dropped is not None and self.dropped[0] is pooled else pooled
        mean = widened(self.last.detach()).mean((2, 3))
        return read.shape == mean.shape and bool((widened(read) - mean).norm() <= CLOSE * mean.norm())


@contextmanager
def _watched(model: nn.Module) -> Iterator[_Watch]:
    watch = _Watch()
    handles = [module.register_forward_hook(watch.see) for module in model.modules()]
    try:
        yield watch
    finally:
        for handle in handles:
            handle.remove()
