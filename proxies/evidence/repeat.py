"""Passes that look at the network on parts of the batch, or on many small inputs."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from diswot_errors import NotApplicable, UsageError
from proxies.evidence.capture import widened
from proxies.evidence.forward import Session, filled, gradients_of
from proxies.evidence.memory import out_of_memory
from proxies.evidence.norm import exact_batch_norm
from proxies.evidence.observers import RELUS
from proxies.evidence.record import autocast
from proxies.inits import generator_for

KERNEL_IMAGES = 16
PATCHES = 1000
PATCH_SIDE = 4


def batch_gradients(session: Session) -> None:
    """dL/dW of each layer on the first and on the second half of the batch, each with batch statistics of its own."""
    evidence = session.evidence
    half = len(evidence.x) // 2
    if half < 2:
        raise NotApplicable(f"needs two batches of at least 2 images, got a batch of {len(evidence.x)}")
    weights = evidence.parameters
    gradients = []
    for part in (slice(0, half), slice(half, 2 * half)):
        session.seed("batch gradients")
        with exact_batch_norm(evidence.model), autocast(evidence.x.device, evidence.precision):
            logits = evidence.logits(evidence.x[part])
        loss = functional.cross_entropy(widened(logits), evidence.labels[part])
        gradients.append(filled(gradients_of(loss, weights), weights))
    evidence.found["batch_gradients"] = tuple(gradients)


def tangent_kernel(session: Session) -> None:
    """Theta_ij = <d s_i / dW, d s_j / dW>, s_i the summed logits of image i, over the first 16 images as one batch."""
    evidence = session.evidence
    weights = evidence.parameters
    x = evidence.x[:KERNEL_IMAGES]
    session.seed("tangent kernel")
    with exact_batch_norm(evidence.model), autocast(x.device, evidence.precision):
        sums = widened(evidence.logits(x)).sum(1)
    rows: list[Tensor] = []
    for i in range(len(x)):
        gradient = gradients_of(sums[i], weights, retain_graph=i + 1 < len(x))
        rows.append(torch.cat([g.reshape(-1) for g in filled(gradient, weights)]))
    jacobian = torch.stack(rows)
    del rows
    evidence.found["tangent_kernel"] = (jacobian @ jacobian.T).double()


@torch.no_grad()
def regions(session: Session) -> None:
    """Different ReLU patterns that 1,000 random 4 x 4 patches of the images give; of each ReLU module one unit."""
    evidence = session.evidence
    modules = [m for m in evidence.model.modules() if isinstance(m, RELUS)]
    if not modules:
        raise NotApplicable("the network has no ReLU module")
    patterns: list[Tensor] = []

    def see(module: nn.Module, inputs: object, output: Tensor) -> None:
        patterns.append(output.flatten(2)[:, 0, 0] > 0 if output.dim() > 2 else output[:, 0] > 0)

    session.seed("regions")
    handles = [m.register_forward_hook(see) for m in modules]
    try:
        logits = evidence.logits(patches(evidence.x, evidence.seed))
    except UsageError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise
        raise NotApplicable(f"the network does not take {PATCH_SIDE} x {PATCH_SIDE} inputs: {error}") from error
    finally:
        for handle in handles:
            handle.remove()
    counted = len(torch.stack(patterns, 1).unique(dim=0))
    evidence.found["regions"] = float(counted) if bool(logits.isfinite().all()) else math.nan


def patches(x: Tensor, seed: int) -> Tensor:
    """1,000 patches (n, C, 4, 4) at random places of random images of (B, C, H, W)."""
    if x.dim() != 4 or min(x.shape[2:]) < PATCH_SIDE:
        raise NotApplicable(f"needs images of at least {PATCH_SIDE} x {PATCH_SIDE} pixels")
    generator = generator_for(seed, "regions: patches")
    image, top, left = (
        torch.randint(high, (PATCHES, 1, 1), generator=generator).to(x.device)
        for high in (len(x), x.shape[2] - PATCH_SIDE + 1, x.shape[3] - PATCH_SIDE + 1)
    )
    step = torch.arange(PATCH_SIDE, device=x.device)
    picked = x[image, :, top + step[None, :, None], left + step[None, None, :]]  # (n, 4, 4, C)
    return picked.permute(0, 3, 1, 2)
