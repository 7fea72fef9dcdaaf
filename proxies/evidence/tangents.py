"""Forward-mode passes: what the logits do along one weight, and along a circle of inputs."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from proxies.evidence.borrow import BATCH_NORM, other_weights, replaced_forwards
from proxies.evidence.forward import Session
from proxies.evidence.perturb import noise
from proxies.inits import generator_for, initialise

TENSORS = 128
TANGENT_IMAGES = 16
COORDINATES = 10


@torch.no_grad()
def logit_tangents(session: Session) -> None:
    """(logits (n, K), their derivative (n, K, P)) by the first entry of each of the first 128 parameter tensors.

    On 16 images of noise, with Kaiming weights, in evaluation mode with fresh running statistics.
    """
    evidence = session.evidence
    model = evidence.model
    columns = []
    with other_weights(model, torch.clone), _forward_mode():
        initialise(model, "kaiming", evidence.seed)
        model.eval()
        try:
            x = noise(evidence.x[:TANGENT_IMAGES], evidence.seed, "logit tangents: x")
            logits = model(x)
            for owner, name in _places(model)[:TENSORS]:
                columns.append(_along(model, x, owner, name))
        finally:
            model.train()
    evidence.found["logit_tangents"] = logits.double(), torch.stack(columns, 2).double()


@contextmanager
def _forward_mode() -> Iterator[None]:
    """PyTorch, when it first takes a tangent, loads functions by a way that it deprecates itself."""
    with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _places(model: nn.Module) -> list[tuple[dict[str, nn.Parameter | None], str]]:
    """Where each parameter tensor lives, in the order of registration; one that two modules share once."""
    seen: set[int] = set()
    places = []
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and id(parameter) not in seen:
                seen.add(id(parameter))
                places.append((module._parameters, name))
    return places


def _along(model: nn.Module, x: Tensor, owner: dict[str, nn.Parameter | None], name: str) -> Tensor:
    """d logits / d the first entry of a parameter."""
    parameter = owner[name]
    assert parameter is not None
    direction = torch.zeros_like(parameter)
    direction[(0,) * direction.dim()] = 1
    with forward_ad.dual_level():
        owner[name] = forward_ad.make_dual(parameter.detach(), direction)
        try:
            logits, tangent = forward_ad.unpack_dual(model(x))
            return torch.zeros_like(logits) if tangent is None else tangent
        finally:
            owner[name] = parameter


def curve(session: Session) -> None:
    """(v, a), first and second derivative at t = 0 of 10 random logits along the circle cos(t) u + sin(t) w.

    u, w: an orthonormal pair of random directions in the space of one image. In float64.
    """
    evidence = session.evidence
    model = evidence.model
    generator = generator_for(evidence.seed, "curve")
    first, second = (torch.randn(evidence.x[:1].shape, generator=generator, dtype=torch.float64) for _ in range(2))
    u = first / first.norm()
    w = second - (second * u).sum() * u
    u, w = (direction.to(evidence.x.device) for direction in (u, w / w.norm()))

    def logits(t: Tensor) -> Tensor:
        return model(torch.cos(t) * u + torch.sin(t) * w)[0]

    def velocity(t: Tensor) -> Tensor:
        return torch.func.jvp(logits, (t,), (torch.ones_like(t),))[1]

    zero = torch.zeros((), dtype=torch.float64, device=u.device)
    session.seed("curve")
    norms: dict[nn.Module, Callable[[Tensor], Tensor]] = {
        m: _normalise(m) for m in model.modules() if isinstance(m, BATCH_NORM)
    }
    with (
        torch.no_grad(),
        other_weights(model, Tensor.double),
        replaced_forwards(norms),
        _forward_mode(),
    ):
        v, a = cast(tuple[Tensor, Tensor], torch.func.jvp(velocity, (zero,), (torch.ones_like(zero),)))
    chosen = torch.randint(len(v), (COORDINATES,), generator=generator).to(v.device)
    evidence.found["curve"] = v[chosen], a[chosen]


def _normalise(module: BATCH_NORM) -> Callable[[Tensor], Tensor]:
    """By the statistics of the batch, and no running ones, which a derivative cannot write."""
    return lambda x: functional.batch_norm(x, None, None, module.weight, module.bias, True, 0.0, module.eps)
