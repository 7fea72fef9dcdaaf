"""The network made linear: absolute weights, no batch norm, an input of ones. What SynFlow looks at."""

import torch

from proxies.evidence.borrow import other_weights, without_batch_norm
from proxies.evidence.forward import Session, filled, gradients_of


def linear_gradients(session: Session) -> None:
    """(|W|, dR/d|W|) of each layer, R the sum of the logits on one image of ones, all in float64.

    The values reach 1e60, which float32 does not hold.
    """
    evidence = session.evidence
    session.seed("linear")
    ones = torch.ones_like(evidence.x[:1], dtype=torch.float64)
    with other_weights(evidence.model, lambda values: values.double().abs()), without_batch_norm(evidence.model):
        weights = evidence.parameters
        total = evidence.model(ones).sum()
        gradients = filled(gradients_of(total, weights), weights)
        absolute = [w.detach() for w in weights]
    evidence.found["linear_gradients"] = tuple(zip(absolute, gradients, strict=True))
