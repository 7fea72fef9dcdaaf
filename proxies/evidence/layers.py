"""The layers whose weights scores read, and the weights that no such layer holds."""

from collections.abc import Iterable
from typing import NamedTuple, cast

from torch import Tensor, nn


class Layer(NamedTuple):
    """A convolution or linear layer."""

    name: str
    module: nn.Module

    @property
    def weight(self) -> Tensor:
        """The weight as it is now, without graph."""
        return self.parameter.detach()

    @property
    def parameter(self) -> Tensor:
        """The weight itself, to differentiate by."""
        return cast(Tensor, self.module.weight)


NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


def hidden_weights(model: nn.Module, layers: Iterable[Layer]) -> tuple[str, ...]:
    """Names of the weight matrices in no layer: those of `nn.MultiheadAttention`, of a recurrent or any custom module.

    A matrix has rows and columns, more than one of each; (1, N, C) is a positional embedding, which is added.
    """
    known = {id(layer.parameter) for layer in layers}
    return tuple(
        f"{path}.{name}" if path else name
        for path, module in model.named_modules()
        for name, p in module.named_parameters(recurse=False)
        if p.dim() > 1 and len(p) > 1 and p[0].numel() > 1 and id(p) not in known and not isinstance(module, NORMS)
    )
