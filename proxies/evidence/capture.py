"""What a forward pass shows: feature maps, pooled features, logits, of any classifier."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

CONVOLUTION = nn.modules.conv._ConvNd


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
    token: bool = False
    """Whether the classifier reads a class token and not the mean of the last map: the network's own `reads_token`."""

    def detached(self) -> "Features":
        """The same values without the graph, not narrower than fp32."""

        def plain(t: Tensor | None) -> Tensor | None:
            return None if t is None else widened(t.detach())

        return Features(
            tuple(widened(t.detach()) for t in self.stages),
            plain(self.last),
            plain(self.pooled),
            widened(self.logits.detach()),
            self.token,
        )


def classifier_weight(model: nn.Module, classes: int) -> Tensor | None:
    """A copy of the weight (K, C) of the last linear layer with K outputs."""
    found = [m for m in model.modules() if isinstance(m, nn.Linear) and m.out_features == classes]
    return found[-1].weight.detach().clone() if found else None


_HANDS_OUT: "weakref.WeakKeyDictionary[type[nn.Module], bool]" = weakref.WeakKeyDictionary()


def forward_features(model: nn.Module, x: Tensor) -> Features:
    """One forward pass: by `model.forward_features` if that returns stages, last, pooled, logits; else by hooks."""
    if hands_out_features(model, x):
        stages, last, pooled, logits = _fields(model.forward_features(x))  # type: ignore[operator]
        return Features(stages, last, pooled, logits, getattr(model, "reads_token", False))
    with _watched(model) as watch:
        logits = model(x)
    return watch.features(_check_logits(logits))


def hands_out_features(model: nn.Module, x: Tensor) -> bool:
    """Whether this class of network hands out features; found out once, on two images, before anyone looks on."""
    kind = type(model)
    if kind not in _HANDS_OUT:
        method = getattr(model, "forward_features", None)
        _HANDS_OUT[kind] = False
        if callable(method):
            with torch.no_grad():
                _HANDS_OUT[kind] = _fields(method(x[:2])) is not None
    return _HANDS_OUT[kind]


def _fields(result: Any) -> Any:
    names = [name for name in Features._fields if name not in Features._field_defaults]
    return [getattr(result, n) for n in names] if all(hasattr(result, n) for n in names) else None


def _check_logits(logits: Any) -> Tensor:
    if not isinstance(logits, Tensor) or logits.dim() != 2:
        what = f"a tensor {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        raise TypeError(f"the network returned {what}: expected logits (B, K)")
    return logits


class _Watch:
    """Keeps the last map of each resolution and the input of the last linear layer."""

    def __init__(self) -> None:
        self.maps: dict[tuple[int, int], Tensor] = {}
        self.last: Tensor | None = None
        self.linear: tuple[Tensor, int] | None = None

    def see(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, Tensor) or not output.is_floating_point():
            return
        if output.dim() == 4 and output.shape[2] * output.shape[3] > 1:
            self.maps[(output.shape[2], output.shape[3])] = self.last = output
        if isinstance(module, nn.Linear) and inputs and inputs[0].dim() == 2:
            self.linear = (inputs[0], module.out_features)

    def features(self, logits: Tensor) -> Features:
        stages = tuple(self.maps[size] for size in sorted(self.maps, reverse=True))
        pooled = self.linear[0] if self.linear is not None and self.linear[1] == logits.shape[1] else None
        return Features(stages, self.last, pooled, logits)


@contextmanager
def _watched(model: nn.Module) -> Iterator[_Watch]:
    watch = _Watch()
    handles = [module.register_forward_hook(watch.see) for module in model.modules()]
    try:
        yield watch
    finally:
        for handle in handles:
            handle.remove()
