"""VKDNW: how evenly the Fisher information is spread over directions of the weights."""

from collections.abc import Sequence

import torch
from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.evidence.spectrum import singular_values
from proxies.registry import aggregate, proxy
from proxies.zero_cost.closed_forms import trainable_layers
from proxies.zero_cost.ranks import log_ranks

PAPER = "Tybl & Neumann, CVPR 2025"
AUTHORS = AuthorsSetting(
    "kaiming", "noise", 64, "VKDNW at 6901b65", "the score draws both itself; it looks at 16 images, in evaluation mode"
)


def factor(probabilities: Tensor) -> Tensor:
    """L (K, K), lower triangular, with L L^T = diag(p) - p p^T.

    q_i = 1 - sum_{j<=i} p_j, q_K = 0; L_jj = sqrt(p_j q_j / q_{j-1}), L_ij = -(p_i / q_j) L_jj below.
    """
    left = (1 - probabilities.cumsum(0)).clamp_min(0)
    left[-1] = 0
    before = torch.cat([left.new_ones(1), left[:-1]])
    diagonal = (probabilities * left / before).sqrt()
    below = -torch.outer(probabilities, torch.where(left > 0, diagonal / left, 0)).tril(-1)
    return below + torch.diag(diagonal)


def fisher_information(evidence: Evidence, transposed: bool) -> Tensor:
    """(P, P) mean_n A_n^T A_n, A_n = L J_n as the authors' code has it, or L^T J_n, which is the Fisher information."""
    logits, tangents = evidence.logit_tangents
    classes = logits.shape[1]
    total = tangents.new_zeros((tangents.shape[2], tangents.shape[2]))
    for p, tangent in zip(0.95 * logits.softmax(1) + 0.05 / classes, tangents, strict=True):
        lower = factor(p)
        shared = (lower.T if transposed else lower) @ tangent
        total += shared.T @ shared
    return total / len(logits)


def evenness(matrix: Tensor) -> Tensor:
    """-sum q ln(q + 1e-10), q the nine deciles of the singular values over their sum; at most ln 9."""
    steps = torch.arange(1, 10, dtype=matrix.dtype, device=matrix.device) / 10
    deciles = torch.quantile(singular_values(matrix), steps)
    q = deciles / (deciles.sum() + 1e-10)
    return -(q * torch.log(q + 1e-10)).sum()


@proxy("vkdnw", direction="higher", needs=["logit_tangents"], paper=PAPER, authors=AUTHORS)
def vkdnw(evidence: Evidence) -> Tensor:
    """-sum q ln(q + 1e-10), q the deciles of the singular values of F over their sum, F = mean_n J_n^T L^T L J_n.

    J_n: derivative of the logits by the first entry of each of the first 128 parameter tensors.
    L L^T = diag(p) - p p^T, p = .95 softmax + .05 / K. The factor stands as in the authors' code; `vkdnw_transposed`
    has the Fisher matrix.
    On 16 images of noise with Kaiming weights from the seed, evaluation mode: the weights handed in do not matter.
    """
    return evenness(fisher_information(evidence, transposed=False))


@proxy("vkdnw_transposed", direction="higher", needs=["logit_tangents"], paper=PAPER, authors=AUTHORS)
def vkdnw_transposed(evidence: Evidence) -> Tensor:
    """As `vkdnw`, with the Fisher information itself: F = mean_n J_n^T (diag(p) - p p^T) J_n."""
    return evenness(fisher_information(evidence, transposed=True))


@proxy("vkdnw_single", direction="higher", needs=["logit_tangents"], paper=PAPER, authors=AUTHORS)
def vkdnw_single(evidence: Evidence) -> Tensor:
    """`trainable_layers` + `vkdnw`, which is below 2.2: it orders networks that have as many parameter tensors."""
    return trainable_layers(evidence) + vkdnw(evidence)


PARTS = ["vkdnw_single", "jacob", "az_nas_expressivity", "az_nas_trainability", "flops"]


@aggregate("vkdnw_agg", parts=PARTS, paper=PAPER)
def vkdnw_agg(*parts: Sequence[float]) -> list[float]:
    """sum over the five parts of ln(rank / m) within the set of m networks that is scored; 1 is the worst rank.

    The parts are those of a summary of the paper; the released code for ImageNet takes others. A network on which a
    part gives no number has the worst rank by it.
    """
    return log_ranks(*parts)
