"""Passes that look at the network image by image, where batch norm sees nothing but that image."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from diswot_errors import NotApplicable
from proxies.evidence.capture import forward_features, widened
from proxies.evidence.forward import Session, filled, gradients_of
from proxies.evidence.norm import exact_batch_norm
from proxies.evidence.observers import RELUS
from proxies.evidence.record import autocast
from proxies.evidence.spectrum import eigenvalues

DISTANT_IMAGES = 3


@contextmanager
def one_image() -> Iterator[None]:
    """A batch norm that is fed a single value a channel cannot be run on one image."""
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise NotApplicable(f"the network cannot be run on one image in training mode: {error}") from error


def gradient_signs(session: Session) -> None:
    """sum over images n of sign(dL_n/dW) of each layer, L_n the cross-entropy of image n alone: a pass an image."""
    evidence = session.evidence
    weights = evidence.parameters
    sums = [torch.zeros_like(w) for w in weights]
    session.seed("gradient signs")
    for x, label in zip(evidence.x.split(1), evidence.labels.split(1), strict=True):
        with one_image(), exact_batch_norm(evidence.model), autocast(x.device, evidence.precision):
            logits = evidence.logits(x)
        gradients = gradients_of(functional.cross_entropy(widened(logits), label), weights)
        for total, gradient in zip(sums, filled(gradients, weights), strict=True):
            total.add_(torch.where(gradient.isnan(), gradient, gradient.sign()))
    evidence.found["gradient_signs"] = tuple(sums)


@torch.no_grad()
def single_distances(session: Session) -> None:
    """(3, 3) squared distances in float64 between the first three images: of all ReLU outputs, of the pooled features.

    Every unit is brought to 0 ... 1 over the three before; one that does not change counts as 0.
    """
    evidence = session.evidence
    relus = [m for m in evidence.model.modules() if isinstance(m, RELUS)]
    if len(evidence.x) < DISTANT_IMAGES:
        raise NotApplicable(f"needs {DISTANT_IMAGES} images, got a batch of {len(evidence.x)}")
    if not relus:
        raise NotApplicable("the network has no ReLU module")
    outputs: list[list[Tensor]] = []
    pooled: list[Tensor] = []
    handles = [
        m.register_forward_hook(lambda m, i, output: outputs[-1].append(output.flatten().to(torch.float64, copy=True)))
        for m in relus
    ]
    try:
        for x in evidence.x[:DISTANT_IMAGES].split(1):
            outputs.append([])
            session.seed("single distances")
            with one_image(), exact_batch_norm(evidence.model), autocast(x.device, evidence.precision):
                shown = forward_features(evidence.model, x).pooled
            if shown is None:
                raise NotApplicable("the network does not end in a linear classifier")
            pooled.append(shown.flatten())
    finally:
        for handle in handles:
            handle.remove()
    units = [torch.stack(same) for same in zip(*outputs, strict=True)]
    total = torch.stack([_distances(values) for values in units]).sum(0)
    evidence.found["single_distances"] = total, _distances(torch.stack(pooled).double())


def _distances(values: Tensor) -> Tensor:
    """(n, D) -> (n, n) squared distances, every column brought to 0 ... 1."""
    low, high = values.min(0).values, values.max(0).values
    scaled = torch.where(high == low, 0, (values - low) / (high - low))
    return (scaled[:, None] - scaled[None, :]).square().sum(2)


@torch.no_grad()
def conditioning(session: Session) -> None:
    """sum over all modules, the network among them, of s_min / s_max of the output (C, HW) on the first image."""
    evidence = session.evidence
    ratios: list[Tensor] = []

    def see(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if isinstance(output, Tensor) and output.is_floating_point():
            ratios.append(_ratio(output[0].detach().double()))

    session.seed("conditioning")
    x = evidence.x[:1]
    handles = [m.register_forward_hook(see) for m in evidence.model.modules()]
    try:
        with one_image(), exact_batch_norm(evidence.model), autocast(x.device, evidence.precision):
            evidence.logits(x)
    finally:
        for handle in handles:
            handle.remove()
    evidence.found["conditioning"] = torch.stack(ratios).sum()


def _ratio(sample: Tensor) -> Tensor:
    """s_min / s_max of (C, ...) as a matrix: 1 for a vector, 0 for zeros."""
    rows = sample.flatten(1) if sample.dim() > 1 else sample[None]
    rows = rows if len(rows) <= rows.shape[1] else rows.T
    values = eigenvalues(rows @ rows.T).clamp_min(0)
    return torch.where(values[-1] == 0, 0, (values[0] / values[-1]).sqrt())
