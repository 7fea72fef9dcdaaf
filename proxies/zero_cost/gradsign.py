"""Whether the images agree on the direction in which each weight should go."""

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

AUTHORS = AuthorsSetting("default", "real", 128, "GradSign at 26412be")


@proxy("gradsign", direction="higher", needs=["gradient_signs"], paper="Zhang & Jia, ICLR 2022", authors=AUTHORS)
def gradsign(evidence: Evidence) -> float:
    """mean over the weights of convolutions and linear layers of |sum_n sign(dL_n/dw)|, L_n the loss of image n alone.

    Batch norm sees that one image. At most the number of images; a layer that plays no part counts 0.
    """
    signs = evidence.gradient_signs
    return sum(float(total.double().abs().sum()) for total in signs) / sum(total.numel() for total in signs)
