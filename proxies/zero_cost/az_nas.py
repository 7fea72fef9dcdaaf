"""AZ-NAS: four views of a network that are combined by ranks."""

from collections.abc import Sequence

import torch
from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.evidence.spectrum import largest_singular_value
from proxies.registry import aggregate, proxy
from proxies.zero_cost.ranks import log_ranks

PAPER = "Lee & Ham, CVPR 2024"
AUTHORS = AuthorsSetting("kaiming", "noise", 64, "AZ-NAS at 5e6683a")


def _entropies(evidence: Evidence) -> Tensor:
    """Before the first block and after each: -sum p ln(p + 1e-8), p the shares of the eigenvalues of its covariance."""
    shares = [values.clamp_min(0) / values.clamp_min(0).sum() for values in evidence.block_maps]
    return torch.stack([-(p * torch.log(p + 1e-8)).sum() for p in shares])


@proxy(
    "az_nas_expressivity", direction="higher", needs=["block_maps"], paper=PAPER, equal_on_equals=True, authors=AUTHORS
)
def az_nas_expressivity(evidence: Evidence) -> Tensor:
    """sum of the entropies of the eigenvalues of the channel covariance, before the first block and after each.

    On the batch and with the weights handed in; the authors draw Kaiming weights. Blocks are the outermost modules in a
    Sequential or ModuleList that have parts of their own.
    """
    return _entropies(evidence).sum()


@proxy(
    "az_nas_progressivity", direction="higher", needs=["block_maps"], paper=PAPER, equal_on_equals=True, authors=AUTHORS
)
def az_nas_progressivity(evidence: Evidence) -> Tensor:
    """The smallest increase, from before a block to behind it, of the entropy that `az_nas_expressivity` sums."""
    return _entropies(evidence).diff().min()


@proxy("az_nas_trainability", direction="higher", needs=["block_jacobians"], paper=PAPER, version=2, authors=AUTHORS)
def az_nas_trainability(evidence: Evidence) -> Tensor:
    """mean over blocks of 2 - s - 1/(s + 1e-6), s the largest singular value of E[g_in g_out^T].

    g_out are random signs at a block's output, g_in what they become at its input. A block that is the identity gives
    minus infinity, as in the authors' code: no number, and the worst rank in `az_nas`.
    """
    norms = [
        evidence.x.new_tensor(torch.inf) if matrix is None else largest_singular_value(matrix)
        for matrix in evidence.block_jacobians
    ]
    s = torch.stack(norms)
    return (2 - s - 1 / (s + 1e-6)).mean()


@aggregate("az_nas", parts=["az_nas_expressivity", "az_nas_progressivity", "az_nas_trainability", "flops"], paper=PAPER)
def az_nas(*parts: Sequence[float]) -> list[float]:
    """sum over the four parts of ln(rank / m) within the set of m networks that is scored; 1 is the worst rank.

    A network on which a part gives no number has the worst rank by it, as in the authors' code.
    """
    return log_ranks(*parts)
