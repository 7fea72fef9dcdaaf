"""The two rows that every table of proxies needs."""

from diswot_errors import NotApplicable
from proxies.evidence import Evidence
from proxies.registry import proxy


@proxy("params", direction="higher", needs=[], paper="-")
def params(evidence: Evidence) -> float:
    """Number of parameters, all of them."""
    return float(sum(p.numel() for p in evidence.model.parameters()))


@proxy("flops", direction="higher", needs=["shapes"], paper="-")
def flops(evidence: Evidence) -> float:
    """Multiply-adds of convolutions and linear layers on one image.

    NASLib and the DisWOT code count by TensorWatch: they add 2 for each output of a batch norm, 1 for each of a ReLU
    and the window of every pooling, in millions.
    """
    if not evidence.macs:
        raise NotApplicable("the network has no convolution and no linear layer")
    return float(sum(evidence.macs.values()))
