"""Named initialisations: the same seed and the same layer give the same weights, in every network and in any order."""

import hashlib
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from diswot_errors import UsageError


def _gaussian(weight: Tensor, generator: torch.Generator) -> None:
    weight.normal_(0, 1, generator=generator)


def _kaiming(weight: Tensor, generator: torch.Generator) -> None:
    fan_in, _ = fans(weight)
    weight.normal_(0, math.sqrt(2 / fan_in), generator=generator)


def _xavier(weight: Tensor, generator: torch.Generator) -> None:
    bound = math.sqrt(6 / sum(fans(weight)))
    weight.uniform_(-bound, bound, generator=generator)


def _default(weight: Tensor, generator: torch.Generator) -> None:
    bound = 1 / math.sqrt(fans(weight)[0])
    weight.uniform_(-bound, bound, generator=generator)


INITS: dict[str, Callable[[Tensor, torch.Generator], None]] = {
    "gaussian": _gaussian,  # N(0, 1), what the DisWOT code scores with
    "kaiming": _kaiming,  # N(0, 2 / fan_in)
    "xavier": _xavier,  # U(-a, a), a^2 = 6 / (fan_in + fan_out)
    "default": _default,  # PyTorch's own for Conv2d and Linear: U(-a, a), a^2 = 1 / fan_in
}


def fans(weight: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight (out, in, ...)."""
    field = weight[0, 0].numel()
    return weight.shape[1] * field, weight.shape[0] * field


def initialise(model: nn.Module, init: str, seed: int) -> nn.Module:
    """Draw all weights of `model` in place and return it.

    Convolutions and linear layers get the named distribution, their biases 0 (`default`: PyTorch's U(-a, a)); norm
    layers get weight 1, bias 0 and fresh running statistics. Each tensor has a generator of its own, seeded by
    (seed, its name). Modules of other kinds with weights of their own and PyTorch's `reset_parameters` (tokens and
    positions of transformers, attention) reset them, the random state seeded alike. Parameters of a module without it,
    a scale or a token that the network itself holds, stay as they were built.
    """
    if init not in INITS:
        raise UsageError(f"unknown initialisation {init!r}: expected one of {', '.join(INITS)}")
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
                _fill(module.weight, INITS[init], seed, f"{name}.weight")
                if module.bias is not None:
                    bound = 1 / math.sqrt(fans(module.weight)[0]) if init == "default" else 0.0
                    _fill(module.bias, _uniform(bound), seed, f"{name}.bias")
            elif isinstance(module, nn.modules.batchnorm._NormBase | nn.GroupNorm | nn.LayerNorm):
                reset = getattr(module, "reset_running_stats", None)
                if reset is not None:
                    reset()
                if module.weight is not None:
                    module.weight.fill_(1)
                if module.bias is not None:
                    module.bias.zero_()
            elif module._parameters and callable(reset := _reset_of(module)):
                with torch.random.fork_rng(devices=[]):
                    torch.random.default_generator.set_state(generator_for(seed, name).get_state())
                    reset()
    return model


def _reset_of(module: nn.Module) -> object:
    return getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)


def _uniform(bound: float) -> Callable[[Tensor, torch.Generator], object]:
    return lambda tensor, generator: tensor.uniform_(-bound, bound, generator=generator)


def seed_of(seed: int, name: str) -> int:
    """A seed that depends on the seed and the name alone."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def generator_for(seed: int, name: str) -> torch.Generator:
    """A CPU generator that depends on the seed and the name alone."""
    return torch.Generator().manual_seed(seed_of(seed, name))


def _fill(tensor: Tensor, draw: Callable[[Tensor, torch.Generator], object], seed: int, name: str) -> None:
    # drawn contiguous on the CPU, so that neither device nor memory format changes the weights
    values = torch.empty(tensor.shape, dtype=torch.float32)
    draw(values, generator_for(seed, name))
    tensor.copy_(values)
