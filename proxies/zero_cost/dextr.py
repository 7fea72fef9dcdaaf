"""Dextr: how evenly the channels are used, and how much the logits bend."""

import torch
from torch import Tensor

from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.registry import proxy

AUTHORS = AuthorsSetting(
    "default", "real", 2, "Dextr at 55bcd43", "one image there; the curve runs through noise of 64 x 64 there"
)


@proxy(
    "dextr",
    direction="higher",
    needs=["conditioning", "curve"],
    paper="Asthana et al., TMLR 2025",
    version=2,
    authors=AUTHORS,
)
def dextr(evidence: Evidence) -> Tensor:
    """S k / (S + k), S = ln(1 + sum over modules of s_min / s_max), k = ln(1 + kappa); 0 where both are 0.

    s are singular values of the module's output (C, HW) on the first image, alone. kappa = |v|^-3 sqrt(|v|^2 |a|^2 -
    (v.a)^2), the curvature of 10 random logits where a circle of inputs of length 1 begins, of the size
    handed in. An infinite kappa leaves S, the limit; so does none, where the logits stand still (v = 0).
    """
    v, a = evidence.curve
    kappa = (v.dot(v) * a.dot(a) - v.dot(a) ** 2).clamp_min(0).sqrt() / v.norm() ** 3
    s, k = torch.log1p(evidence.conditioning), torch.log1p(kappa)
    return torch.where(k.isfinite(), torch.where(s + k == 0, 0, s * k / (s + k)), s)
