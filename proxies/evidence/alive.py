"""Which layers stand between the images and the logits. What a pruned count looks at."""

from typing import Any

import torch
from torch import Tensor, nn

from diswot_errors import NotApplicable
from proxies.evidence.borrow import other_weights
from proxies.evidence.forward import Session, gradients_of
from proxies.evidence.perturb import noise
from proxies.inits import generator_for

STEP = 0.01
TOLERANCE = 1e-9
"""Relative; where the image plays no part, two images differ by the rounding of float64 at most."""


def alive(session: Session) -> None:
    """Names of the layers whose outputs differ between two images of noise and change the logits, in float64.

    Each weight is moved by .01 N(0, 1): a residual branch whose scale starts at zero is no dead end. Other weights have
    a say where a layer answers neither image: behind ReLUs that all are off.
    """
    evidence = session.evidence
    generator = generator_for(evidence.seed, "alive: weights")
    names = {layer.module: layer.name for layer in evidence.layers}
    seen: list[tuple[str, Tensor]] = []

    def moved(values: Tensor) -> Tensor:
        step = torch.randn(values.shape, generator=generator, dtype=torch.float64)
        return values.double() + STEP * step.to(values.device)

    def see(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        seen.append((names[module], output))

    x = noise(evidence.x[:2], evidence.seed, "alive: x").double()
    session.seed("alive")
    handles = [module.register_forward_hook(see) for module in names]
    try:
        with other_weights(evidence.model, moved):
            logits = evidence.logits(x)
    finally:
        for handle in handles:
            handle.remove()
    if not bool(logits.isfinite().all()):
        raise NotApplicable("the network gives no finite logits: what depends on what is not to be seen")
    direction = torch.randn(logits.shape, generator=generator, dtype=torch.float64).to(logits.device)
    gradients = gradients_of((logits * direction).sum(), [output for _, output in seen])
    evidence.found["alive"] = frozenset(
        name
        for (name, output), gradient in zip(seen, gradients, strict=True)
        if gradient is not None and bool(gradient.any()) and _differs(output.detach())
    )


def _differs(output: Tensor) -> bool:
    """Whether the two images give different outputs."""
    halves = output.chunk(2)
    return len(halves) == 2 and bool((halves[0] - halves[1]).abs().max() > TOLERANCE * output.abs().max())
