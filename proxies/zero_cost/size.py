"""The rows that every table of proxies needs: how large, how costly, how costly without what is dead."""

from diswot_errors import NotApplicable
from proxies.evidence import Evidence
from proxies.evidence.products import PRODUCTS
from proxies.registry import proxy


@proxy("params", direction="higher", needs=[], paper="-")
def params(evidence: Evidence) -> float:
    """Number of parameters, all of them."""
    return float(sum(p.numel() for p in evidence.model.parameters()))


@proxy("flops", direction="higher", needs=["shapes"], paper="-", version=2)
def flops(evidence: Evidence) -> float:
    """Multiply-adds of convolutions, linear layers and products of activations (attention) on one image.

    NASLib and the DisWOT code count by TensorWatch: they add 2 for each output of a batch norm, 1 for each of a ReLU
    and the window of every pooling, in millions.
    """
    if not evidence.macs:
        raise NotApplicable("the network has no convolution and no linear layer")
    return float(sum(evidence.macs.values()))


@proxy("flops_pruned", direction="higher", needs=["shapes", "alive"], paper="-", equal_on_equals=True)
def flops_pruned(evidence: Evidence) -> float:
    """Multiply-adds, as `flops`, of the layers alone that are alive: the image changes their output, they the logits.

    Found on two images of noise in float64, with the weights handed in moved a little, so that scales of zero are no
    dead ends. In NAS-Bench-201 that is the cell without dead branches. Products of activations count as alive.
    """
    if not evidence.macs:
        raise NotApplicable("the network has no convolution and no linear layer")
    living = {*evidence.alive, PRODUCTS}
    return float(sum(macs for name, macs in evidence.macs.items() if name in living))
