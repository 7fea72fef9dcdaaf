"""A forward-mode pass: what the logits do along single weights. What VKDNW looks at."""

import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from diswot_errors import NotApplicable
from proxies.evidence.attention import attention_by_formula
from proxies.evidence.borrow import other_weights
from proxies.evidence.forward import Session
from proxies.evidence.perturb import noise
from proxies.inits import initialise

TENSORS = 128
TANGENT_IMAGES = 16
TOGETHER = 8
"""Tangents that share one pass: more save little, since in a group each layer has the tangents of all others."""
one_at_a_time = threading.Lock()
"""PyTorch has one level of forward mode a process: of two threads inside, one fails, and may leave it open for good."""
Places = list[tuple[dict[str, nn.Parameter | None], str]]
"""Where modules keep one parameter, and its name there: several, where they share it."""


@torch.no_grad()
def logit_tangents(session: Session) -> None:
    """(logits (n, K), their derivative (n, K, P)) by the first entry of each of the first 128 parameter tensors.

    On 16 images of noise, with Kaiming weights, in evaluation mode with fresh running statistics.
    """
    evidence = session.evidence
    model = evidence.model
    if not _places(model):
        raise NotApplicable("the network has no parameters")
    columns = []
    with one_at_a_time, other_weights(model, torch.clone), attention_by_formula, quietly():
        initialise(model, "kaiming", evidence.seed)
        model.eval()
        try:
            x = noise(evidence.x[:TANGENT_IMAGES], evidence.seed, "logit tangents: x")
            logits = evidence.logits(x)
            places = _places(model)[:TENSORS]
            for begin in range(0, len(places), TOGETHER):
                columns += _tangents(model, x, places[begin : begin + TOGETHER])
        finally:
            model.train()
    evidence.found["logit_tangents"] = logits.double(), torch.stack(columns, 2).double()


@contextmanager
def quietly() -> Iterator[None]:
    """At the first tangent PyTorch loads code by a way that it deprecates, and some layers run one by one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", "There is a performance drop", UserWarning)
        yield


def _places(model: nn.Module) -> list[Places]:
    """Of each parameter tensor, in the order of registration."""
    found: dict[int, Places] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                found.setdefault(id(parameter), []).append((module._parameters, name))
    return list(found.values())


def _tangents(model: nn.Module, x: Tensor, group: list[Places]) -> list[Tensor]:
    """d logits / d the first entry of each parameter: together, or one by one where the network allows no other way.

    A network that reads numbers out of its maps cannot run with several. The values are the same.
    """
    try:
        return list(_together(model, x, group))
    except RuntimeError:
        return [_alone(model, x, places) for places in group]


def _together(model: nn.Module, x: Tensor, group: list[Places]) -> Tensor:
    """(P, n, K); the pass without tangents is shared, and no tangent runs before the first of the parameters."""
    parameters = tuple(_parameter(places).detach() for places in group)
    directions = []
    for i, parameter in enumerate(parameters):
        directions.append(parameter.new_zeros((len(group), *parameter.shape)))
        directions[i][(i, *[0] * parameter.dim())] = 1

    def logits(*values: Tensor) -> Tensor:
        with _replaced(group, values):
            return model(x.clone())

    def along(*tangents: Tensor) -> Tensor:
        return torch.func.jvp(logits, parameters, tangents)[1]

    return torch.func.vmap(along)(*directions)


def _alone(model: nn.Module, x: Tensor, places: Places) -> Tensor:
    """(n, K)"""
    parameter = _parameter(places).detach()
    direction = torch.zeros_like(parameter)
    direction[(0,) * direction.dim()] = 1
    with forward_ad.dual_level(), _replaced([places], [forward_ad.make_dual(parameter, direction)]):
        logits, tangent = forward_ad.unpack_dual(model(x.clone()))
        return torch.zeros_like(logits) if tangent is None else tangent


def _parameter(places: Places) -> nn.Parameter:
    owner, name = places[0]
    return cast(nn.Parameter, owner[name])


@contextmanager
def _replaced(group: list[Places], values: Sequence[Tensor]) -> Iterator[None]:
    """Tensors stand where parameters stood."""
    kept = [_parameter(places) for places in group]
    try:
        for places, value in zip(group, values, strict=True):
            for owner, name in places:
                owner[name] = cast(nn.Parameter, value)
        yield
    finally:
        for places, parameter in zip(group, kept, strict=True):
            for owner, name in places:
                owner[name] = parameter
