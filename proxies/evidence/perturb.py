"""Gaussian weights, Gaussian noise, and the same noise a little perturbed. What Zen looks at."""

import torch
from torch import Tensor

from diswot_errors import NotApplicable
from proxies.evidence.borrow import BATCH_NORM, other_weights
from proxies.evidence.capture import forward_features
from proxies.evidence.forward import Session
from proxies.inits import generator_for, initialise

STEP = 0.01


def noise(like: Tensor, seed: int, name: str) -> Tensor:
    """Standard normal values in the shape and memory format of `like`, drawn on the CPU: the same on every device."""
    values = torch.empty(like.shape).normal_(generator=generator_for(seed, name))
    form = torch.channels_last if like.dim() == 4 else torch.contiguous_format
    return values.to(like.device, like.dtype).contiguous(memory_format=form)


@torch.no_grad()
def perturbation(session: Session) -> None:
    """Two passes in training mode from fresh running statistics: x, then x + .01 e; never in half precision.

    Gives mean_n sum |f(x_n) - f(x_n + .01 e_n)| over the last map f, and for every batch norm the mean over channels
    of its running variance after both passes.
    """
    evidence = session.evidence
    model = evidence.model
    with other_weights(model, torch.clone):
        initialise(model, "gaussian", evidence.seed)
        x = noise(evidence.x, evidence.seed, "perturbation: x")
        e = noise(evidence.x, evidence.seed, "perturbation: e")
        session.seed("perturbation")
        plain = forward_features(model, x).last
        session.seed("perturbation")
        moved = forward_features(model, x + STEP * e).last
        norms = [m for m in model.modules() if isinstance(m, BATCH_NORM)]
        variances = [m.running_var.mean() for m in norms if m.running_var is not None]
    if plain is None or moved is None:
        raise NotApplicable("the network has no feature maps (B, C, H, W)")
    change = (plain - moved).abs().sum((1, 2, 3)).mean()
    evidence.found["perturbation"] = change, torch.stack(variances) if variances else x.new_zeros(0)
