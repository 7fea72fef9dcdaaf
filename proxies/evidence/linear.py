"""The network with absolute weights, an input of ones. What SynFlow looks at without batch norm, DSS with its norms."""

import torch
from torch import Tensor, nn

from diswot_errors import NotApplicable
from proxies.evidence.borrow import other_weights, without_batch_norm
from proxies.evidence.forward import Session, filled, gradients_of


def linear_gradients(session: Session) -> None:
    """(|W|, dR/d|W|) of each layer, R the sum of the logits on one image of ones, all in float64.

    The values reach 1e60, which float32 does not hold. Batch norm hands on what it is given: no other sign is left.
    """
    with without_batch_norm(session.evidence.model):
        session.evidence.found["linear_gradients"] = _gradients(session, "linear")


def absolute_gradients(session: Session) -> None:
    """The same with all norms, in evaluation mode, where nothing is dropped at random."""
    evidence = session.evidence
    if sum(isinstance(layer.module, nn.Linear) for layer in evidence.layers) < 2:
        raise NotApplicable("the network has no linear layer but a classifier")
    evidence.model.eval()
    try:
        evidence.found["absolute_gradients"] = _gradients(session, "absolute")
    finally:
        evidence.model.train()


def _gradients(session: Session, name: str) -> tuple[tuple[Tensor, Tensor], ...]:
    evidence = session.evidence
    session.seed(name)
    ones = torch.ones_like(evidence.x[:1], dtype=torch.float64)
    with other_weights(evidence.model, lambda values: values.double().abs()):
        weights = evidence.parameters
        total = evidence.logits(ones).sum()
        gradients = filled(gradients_of(total, weights), weights)
        return tuple((w.detach(), g) for w, g in zip(weights, gradients, strict=True))
