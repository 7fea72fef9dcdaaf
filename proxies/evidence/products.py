"""Products of matrices that no layer makes: of activations with activations, as in attention."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

PRODUCTS = "products of activations"
"""Where their multiply-adds stand among those of the layers."""

MATRIX = frozenset(
    {
        *(torch.matmul, torch.bmm, torch.mm, torch.einsum, torch.baddbmm),
        *(Tensor.matmul, Tensor.bmm, Tensor.mm, Tensor.__matmul__, Tensor.__rmatmul__, Tensor.baddbmm),
        functional.scaled_dot_product_attention,
    }
)


class Products(TorchFunctionMode):
    """Counts the multiply-adds of `a @ b`, `einsum` and scaled dot-product attention that run within the block.

    The products of layers do not come by here: convolutions and linear layers are functions of their own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func not in MATRIX:
            return func(*args, **(kwargs or {}))
        with FlopCounterMode(display=False) as counter:
            result = func(*args, **(kwargs or {}))
        self.total += int(counter.get_total_flops()) // 2
        return result
