"""DSS: diversity of a transformer's attention, saliency of the rest. No images."""

import torch
from torch import Tensor, nn

from diswot_errors import NotApplicable
from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.evidence.spectrum import singular_values
from proxies.registry import proxy

AUTHORS = AuthorsSetting(
    "default", "real", 2, "Auto-Prox at 90ed458", "weights as the network draws them; no image is looked at"
)


@proxy("dss", direction="higher", needs=["absolute_gradients"], paper="Zhou et al., CVPR 2022", authors=AUTHORS)
def dss(evidence: Evidence) -> Tensor:
    """sum over attention's layers of ||W||_* ||G||_* + sum over other linear layers of sum |W G|, G = dR/dW.

    ||.||_* is the nuclear norm, R the summed logits of one image of ones, every weight, bias and embedding absolute. In
    evaluation mode: in the authors' training mode paths dropped at random decide. Layers of attention have as many
    outputs as inputs or three times as many, and are not the classifier. Convolutions do not count.
    """
    pairs = zip(evidence.layers, evidence.absolute_gradients, strict=True)
    linear = [pair for layer, pair in pairs if isinstance(layer.module, nn.Linear)]
    attention = [pair for pair in linear[:-1] if pair[0].shape[0] in (pair[0].shape[1], 3 * pair[0].shape[1])]
    if not attention:
        raise NotApplicable("the network has no attention: no linear layer of as many outputs as inputs, or of 3 x")
    diversity = [_nuclear(w) * _nuclear(g) for w, g in attention]
    others = [(w * g).abs().sum() for w, g in linear if not any(w is one for one, _ in attention)]
    return torch.stack(diversity + others).sum()


def _nuclear(matrix: Tensor) -> Tensor:
    """Sum of the singular values."""
    return singular_values(matrix).sum()
