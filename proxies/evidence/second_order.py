"""Convolution and batch norm that can be differentiated twice at the price of a few ordinary passes.

PyTorch's own second derivatives of both are exact but made of many small steps, several times slower than the passes
they consist of. Forward and first backward here are PyTorch's own kernels, so that their results keep their bits.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from proxies.evidence.borrow import BATCH_NORM, replaced_forwards

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
        g_image, g_weight = _ConvolutionBackward.apply(gradient, image, weight, ctx.settings, ctx.needs_input_grad[:2])
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


def _both(
    gradient: Tensor, image: Tensor, weight: Tensor, settings: tuple[Any, ...], wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    g_image, g_weight, _ = aten.convolution_backward(gradient, image, weight, None, *settings, [*wanted, False])
    return (g_image if wanted[0] else None), (g_weight if wanted[1] else None)


class _BatchNorm(torch.autograd.Function):
    """y = w x^ + b, x^ = (x - mean) r, r = (variance + eps)^(-1/2), statistics of the batch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        y, mean, r = torch.native_batch_norm(x, weight, bias, None, None, True, 0.0, eps)
        ctx.save_for_backward(x, weight, mean, r)
        ctx.eps = eps
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, r = ctx.saved_tensors
        g_x, g_weight, g_bias = _BatchNormBackward.apply(gradient, x, weight, mean, r, ctx.eps)
        return g_x, g_weight, g_bias, None


class _BatchNormBackward(torch.autograd.Function):
    """dL/dx = w r P(G), P(u) = u - mean(u) - x^ mean(u x^), dL/dw = sum G x^, dL/db = sum G; G = dL/dy."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, x: Tensor, weight: Tensor, mean: Tensor, r: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        g_x, g_weight, g_bias = _norm_backward(gradient, x, weight, mean, r, eps)
        ctx.save_for_backward(x, weight, mean, r, g_x, g_weight)
        ctx.eps = eps
        ctx.mark_non_differentiable(g_weight, g_bias)
        return g_x, g_weight, g_bias

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, h: Tensor, *unused: Tensor) -> tuple[Tensor | None, ...]:
        """P is its own transpose. With M values a channel, a = mean(h x^), b = mean(G x^):

        d<h, dL/dx>/dG = w r P(h);   d<h, dL/dx>/dx = -r (<h, dL/dx> x^ / M + b w r P(h) + a w r P(G)).
        """
        x, weight, mean, r, g_x, g_weight = ctx.saved_tensors
        to_gradient, h_weight, _ = _norm_backward(h, x, weight, mean, r, ctx.eps)
        count = x.numel() // x.shape[1]
        along = [0, *range(2, x.dim())]
        shape = [1, -1, *[1] * (x.dim() - 2)]

        def channels(values: Tensor) -> Tensor:
            return values.view(shape)

        slope = (h * g_x).sum(along) * r * r / -count
        to_x = torch.addcmul(channels(-slope * mean), x, channels(slope))
        to_x.addcmul_(to_gradient, channels(g_weight * r / -count))
        to_x.addcmul_(g_x, channels(h_weight * r / -count))
        return to_gradient, to_x, None, None, None, None


def _norm_backward(
    gradient: Tensor, x: Tensor, weight: Tensor, mean: Tensor, r: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    return aten.native_batch_norm_backward(gradient, x, weight, None, None, mean, r, True, eps, [True, True, True])


def _convolve(module: nn.Conv2d) -> Callable[[Tensor], Tensor]:
    settings = (module.stride, module.padding, module.dilation, False, (0,) * len(module.stride), module.groups)
    return lambda image: _Convolution.apply(image, module.weight, module.bias, settings)


def _normalise(module: nn.modules.batchnorm._BatchNorm) -> Callable[[Tensor], Tensor]:
    return lambda x: _BatchNorm.apply(x, module.weight, module.bias, module.eps)


@contextlib.contextmanager
def twice_differentiable(model: nn.Module) -> Iterator[None]:
    """Convolutions and batch norms of the usual kinds compute through this module's functions within the block."""
    forwards: dict[nn.Module, Callable[[Tensor], Tensor]] = {}
    for module in model.modules():
        if not module.training:
            continue
        if type(module) is nn.Conv2d and module.padding_mode == "zeros" and not isinstance(module.padding, str):
            forwards[module] = _convolve(module)
        elif isinstance(module, BATCH_NORM) and type(module).forward is BATCH_NORM.forward and module.affine:
            forwards[module] = _normalise(module)
    with replaced_forwards(forwards):
        yield
