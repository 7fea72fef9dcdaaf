"""How many directions the output of each module uses."""

import torch
from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

AUTHORS = AuthorsSetting(
    "default",
    "real",
    2,
    "NEAR at 4d5d7f1",
    "one image there, more until a slice is filled, which two do not do everywhere; weights as given, then "
    "PyTorch's own anew for each further repetition",
)


@proxy("near", direction="higher", needs=["slice_spectra"], paper="Husistein et al., ICLR 2025", authors=AUTHORS)
def near(evidence: Evidence) -> Tensor:
    """sum over modules of exp(-sum_i p_i ln p_i), p the singular values of a square slice of the output over their sum.

    Of every module with a weight, norms among them, and every activation module; C consecutive positions by C channels,
    from the first images on, from a random line of the map. A slice of zeros counts 0. Once, on the weights handed in.
    """
    ranks = []
    for values in evidence.slice_spectra:
        shares = values / values.sum()
        ranks.append(torch.where(values.sum() == 0, 0, torch.exp(torch.special.entr(shares).sum())))
    return torch.stack(ranks).sum()
