"""A network is borrowed, not taken: whatever a pass does to it, it goes back as it came."""

import contextlib
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from proxies.inits import seed_of

BATCH_NORM = nn.modules.batchnorm._BatchNorm


@contextlib.contextmanager
def borrowed(model: nn.Module) -> Iterator[nn.Module]:
    """The network in training mode, with throw-away buffers, all weights differentiable and no gradients.

    Nothing works in place: a map that somebody looked at is not overwritten. On leaving, also by an exception, it has
    its own buffers, modes, `requires_grad` flags, gradients, weights and attributes again (the same objects, not
    copies), and the global random state is as before. Gradients are on, whatever the caller set.
    """
    modes = [(module, module.training) for module in model.modules()]
    attributes = [(vars(module), dict(vars(module))) for module in model.modules()]
    buffers = [(module._buffers, name, b) for module in model.modules() for name, b in module._buffers.items()]
    parameters = [(p, p.requires_grad, p.grad) for p in model.parameters()]
    cuda = sorted({p.device.index or 0 for p in model.parameters() if p.device.type == "cuda"})
    with torch.random.fork_rng(devices=cuda), torch.inference_mode(False), torch.enable_grad():
        try:
            model.train()
            for module, _ in modes:
                if getattr(module, "inplace", False) is True:
                    module.inplace = False  # type: ignore[assignment]
            for owner, name, buffer in buffers:
                owner[name] = None if buffer is None else buffer.clone()
            for parameter, _, _ in parameters:
                parameter.grad = None
                if parameter.is_floating_point():
                    parameter.requires_grad_(True)
            yield model
        finally:
            for parameter, requires_grad, grad in parameters:
                parameter.requires_grad_(requires_grad)
                parameter.grad = grad
            for owner, name, buffer in buffers:
                owner[name] = buffer
            for now, before in attributes:
                for added in now.keys() - before.keys():
                    del now[added]
                now.update(before)
            for module, mode in modes:
                module.training = mode


def fresh_buffers(model: nn.Module) -> Callable[[], None]:
    """What gives the network copies of the buffers that it has now: no pass sees what another one left in them."""
    kept = [(m._buffers, name, b) for m in model.modules() for name, b in m._buffers.items() if b is not None]

    def renew() -> None:
        for owner, name, buffer in kept:
            owner[name] = buffer.clone()

    return renew


@contextlib.contextmanager
def other_weights(model: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Every floating parameter and buffer stands aside for `change(its values)` within the block.

    The parameters themselves are not touched: not their values, and not the version counters that autograd watches.
    """
    kept = [(m._parameters, n, p) for m in model.modules() for n, p in m._parameters.items() if p is not None]
    buffers = [(m._buffers, n, b) for m in model.modules() for n, b in m._buffers.items() if b is not None]
    changed: dict[int, nn.Parameter] = {}  # a weight that two modules share stays shared
    try:
        for owner, name, parameter in kept:
            if parameter.is_floating_point():
                if id(parameter) not in changed:
                    changed[id(parameter)] = nn.Parameter(change(parameter.detach()))
                owner[name] = changed[id(parameter)]
        for store, name, buffer in buffers:
            if buffer.is_floating_point():
                store[name] = change(buffer)
        yield
    finally:
        for owner, name, parameter in kept:
            owner[name] = parameter
        for store, name, buffer in buffers:
            store[name] = buffer


def seed_global(seed: int, name: str, device: torch.device) -> None:
    """Seed what dropout draws from, so that a pass does not depend on the passes before it."""
    torch.random.default_generator.manual_seed(seed_of(seed, name))
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed_of(seed, name))


@contextlib.contextmanager
def replaced_forwards(forwards: Mapping[nn.Module, Callable[[Tensor], Tensor]]) -> Iterator[None]:
    """Modules compute by another function within the block; hooks on them run as ever."""
    kept = [(vars(module), vars(module).get("forward")) for module in forwards]
    try:
        for module, forward in forwards.items():
            vars(module)["forward"] = forward
        yield
    finally:
        for attributes, own in kept:
            if own is None:
                attributes.pop("forward", None)
            else:
                attributes["forward"] = own


@contextlib.contextmanager
def without_batch_norm(model: nn.Module) -> Iterator[None]:
    """Batch norm layers hand on what they are given within the block."""
    with replaced_forwards({m: lambda x: x for m in model.modules() if isinstance(m, BATCH_NORM)}):
        yield
