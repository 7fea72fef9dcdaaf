"""How alike the network's response to different images is."""

import torch
from torch import Tensor

from proxies.authors import ZERO_COST
from proxies.evidence import Evidence
from proxies.evidence.spectrum import correlation, eigenvalues
from proxies.registry import proxy

K = 1e-5


@proxy(
    "jacob",
    direction="higher",
    needs=["input_gradient"],
    equal_on_equals=True,
    paper="Mellor et al., 2020 (arXiv 2006.04647v1)",
    authors=ZERO_COST,
)
def jacob(evidence: Evidence) -> Tensor:
    """-sum_i (ln(v_i + k) + 1 / (v_i + k)), v the eigenvalues of the correlation of d(sum of logits)/dx_n, k = 1e-5.

    Other code takes `eig`, which may give complex numbers, and NaN on a network without response; this is `eigvalsh` in
    float64, with eigenvalues below 0 by rounding set to 0 and the correlation of a constant row 0.
    """
    values = eigenvalues(correlation(evidence.input_gradient.double().flatten(1))).clamp_min(0)
    return -(torch.log(values + K) + 1 / (values + K)).sum()
