"""On how many weights the images agree in which direction they should go."""

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

AUTHORS = AuthorsSetting("default", "real", 128, "GradSign at 26412be")


@proxy(
    "gradsign", direction="higher", needs=["gradient_signs"], paper="Zhang & Jia, ICLR 2022", version=2, authors=AUTHORS
)
def gradsign(evidence: Evidence) -> float:
    """sum over the weights of convolutions and linear layers of |sum_n sign(dL_n/dw)|, L_n the loss of image n alone.

    Batch norm sees that one image. A layer that plays no part counts 0. One of the authors' files takes the mean over
    the weights, which orders cells of NAS-Bench-201 the other way; their printed numbers are those of the sum.
    """
    return sum(float(total.double().abs().sum()) for total in evidence.gradient_signs)
