"""How well the ReLUs tell images apart."""

import torch
from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

AUTHORS = AuthorsSetting("default", "real", 128, "nas-without-training at b74255e")


@proxy("nwot", direction="higher", needs=["relu_kernel"], paper="Mellor et al., ICML 2021", version=2, authors=AUTHORS)
def nwot(evidence: Evidence) -> Tensor:
    """ln |det K|, K_ij the number of ReLU units, over all ReLU modules, in which images i and j agree (on or off).

    NASLib and the DisWOT code hook everything whose class name contains 'ReLU', so that a `ReLUConvBN` block counts its
    input a second time, and take the state of the input; here each ReLU counts once. ReLUs that are function calls are
    not seen by anyone.
    """
    return torch.linalg.slogdet(evidence.relu_kernel).logabsdet
