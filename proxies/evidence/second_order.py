"""Convolution that can be differentiated twice at the price of a few ordinary passes, as the batch norm of `norm` can.

PyTorch's own second derivative is exact but made of many small steps, several times slower than the passes it consists
of. Forward and first backward here are PyTorch's own kernels, so that their results keep their bits.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from proxies.evidence.borrow import replaced_forwards

aten = torch.ops.aten


class _Convolution(torch.autograd.Function):
    """y = I * W + bias."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, weight: Tensor, bias: Tensor | None, settings: tuple[Any, ...]) -> Tensor:
        ctx.save_for_backward(image, weight)
        ctx.settings, ctx.bias = settings, bias is not None
        return aten.convolution(image, weight, bias, *settings)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        image, weight = ctx.saved_tensors
        wanted = _asked(ctx, 0), _asked(ctx, 1)
        g_image, g_weight = _ConvolutionBackward.apply(gradient, image, weight, ctx.settings, wanted)
        g_bias = gradient.sum([0, *range(2, gradient.dim())]) if ctx.bias and ctx.needs_input_grad[2] else None
        return g_image, g_weight, g_bias, None


class _ConvolutionBackward(torch.autograd.Function):
    """(dL/dI, dL/dW) from G = dL/dy: linear in G and W, and in G and I."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, image: Tensor, weight: Tensor, settings: tuple[Any, ...], wanted: tuple[bool, bool]
    ) -> tuple[Tensor | None, Tensor | None]:
        ctx.save_for_backward(gradient, image, weight)
        ctx.settings = settings
        ctx.set_materialize_grads(False)
        return _both(gradient, image, weight, settings, wanted)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, h_image: Tensor | None, h_weight: Tensor | None) -> tuple[Tensor | None, ...]:
        gradient, image, weight = ctx.saved_tensors
        to_gradient = to_image = to_weight = None
        if h_image is not None:
            to_gradient = aten.convolution(h_image, weight, None, *ctx.settings)
            to_weight = _both(gradient, h_image, weight, ctx.settings, (False, True))[1]
        if h_weight is not None:
            part = aten.convolution(image, h_weight, None, *ctx.settings)
            to_gradient = part if to_gradient is None else to_gradient + part
            if ctx.needs_input_grad[1]:
                to_image = _both(gradient, image, h_weight, ctx.settings, (True, False))[0]
        return to_gradient, to_image, to_weight, None, None


def _asked(ctx: Any, place: int) -> bool:
    """Whether this backward pass goes on to an input, as PyTorch's own nodes know: `needs_input_grad` holds for all.

    The engine does not tell of leaves: a leaf goes in as an alias of itself, which is none.
    """
    node = ctx.next_functions[place][0]
    return node is not None and torch._C._will_engine_execute_node(node)


def _both(
    gradient: Tensor, image: Tensor, weight: Tensor, settings: tuple[Any, ...], wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    g_image, g_weight, _ = aten.convolution_backward(gradient, image, weight, None, *settings, [*wanted, False])
    return (g_image if wanted[0] else None), (g_weight if wanted[1] else None)


def _convolve(module: nn.Conv2d) -> Callable[[Tensor], Tensor]:
    settings = (module.stride, module.padding, module.dilation, False, (0,) * len(module.stride), module.groups)

    def convolve(image: Tensor) -> Tensor:
        seen = image if image.grad_fn is not None else aten.alias(image)
        return _Convolution.apply(seen, aten.alias(module.weight), module.bias, settings)

    return convolve


@contextlib.contextmanager
def twice_differentiable(model: nn.Module) -> Iterator[None]:
    """Convolutions of the usual kind compute through this module's functions within the block."""
    forwards: dict[nn.Module, Callable[[Tensor], Tensor]] = {}
    for module in model.modules():
        if not module.training or "forward" in vars(module):
            continue
        if type(module) is nn.Conv2d and module.padding_mode == "zeros" and not isinstance(module.padding, str):
            forwards[module] = _convolve(module)
    with replaced_forwards(forwards):
        yield
