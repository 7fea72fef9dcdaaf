"""What the logits do along a circle of inputs. What Dextr looks at.

By two backward passes: of a batch or layer norm, PyTorch's forward mode gets the first derivative right and no second.
"""

import torch
from torch import Tensor

from proxies.evidence.attention import attention_by_formula
from proxies.evidence.borrow import other_weights
from proxies.evidence.forward import Session, filled, gradients_of
from proxies.evidence.norm import exact_batch_norm
from proxies.evidence.single import one_image
from proxies.inits import generator_for

COORDINATES = 10


def curve(session: Session) -> None:
    """(v, a), first and second derivative at t = 0 of 10 random logits along the circle cos(t) u + sin(t) w.

    u, w: an orthonormal pair of random directions in the space of one image. In float64.
    """
    evidence = session.evidence
    model, device = evidence.model, evidence.x.device
    generator = generator_for(evidence.seed, "curve")
    first, second = (torch.randn(evidence.x[:1].shape, generator=generator, dtype=torch.float64) for _ in range(2))
    u = first / first.norm()
    w = second - (second * u).sum() * u
    w = w / w.norm()
    t = torch.zeros((), dtype=torch.float64, device=device, requires_grad=True)
    session.seed("curve")
    with (
        other_weights(model, Tensor.double),
        exact_batch_norm(model),
        attention_by_formula,
        one_image(),
    ):
        for weight in model.parameters():
            weight.requires_grad_(False)  # the copies: only t matters
        logits = evidence.logits(torch.cos(t) * u.to(device) + torch.sin(t) * w.to(device))[0]
        chosen = torch.randint(len(logits), (COORDINATES,), generator=generator).tolist()
        found = {k: _derivatives(logits[k], t) for k in set(chosen)}
    v, a = (torch.stack([found[k][order] for k in chosen]) for order in range(2))
    evidence.found["curve"] = v, a


def _derivatives(value: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the second by t."""
    (first,) = gradients_of(value, [t], retain_graph=True, create_graph=True)
    if first is None:
        return torch.zeros_like(t), torch.zeros_like(t)
    return first.detach(), filled(gradients_of(first, [t], retain_graph=True), [t])[0]
