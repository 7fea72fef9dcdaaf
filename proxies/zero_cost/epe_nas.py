"""Correlation of the responses within each class."""

import torch
from torch import Tensor

from diswot_errors import NotApplicable
from proxies.authors import AuthorsSetting
from proxies.evidence import Evidence
from proxies.evidence.spectrum import correlation
from proxies.registry import proxy

K = 1e-5
AUTHORS = AuthorsSetting("default", "real", 256, "EPE-NAS at 74ed5d7")


@proxy(
    "epe_nas",
    direction="higher",
    needs=["input_gradient"],
    paper="Lopes et al., ICANN 2021",
    version=2,
    equal_on_equals=True,
    authors=AUTHORS,
)
def epe_nas(evidence: Evidence) -> Tensor:
    """sum over classes c of |sum_ij ln(|corr_ij| + 1e-5)|, corr between d(sum of logits)/dx of the images of c.

    Above 100 classes the class sums s_c, each divided by its number of images, are compared instead:
    sum_{c,d} |s_c - s_d| / m, over the m classes with more than one image (the authors' code trips over the others).
    """
    gradient = evidence.input_gradient.double().flatten(1)
    classes = evidence.labels.unique()
    logs = [torch.log(correlation(gradient[evidence.labels == c]).abs() + K) for c in classes]
    if evidence.classes <= 100:
        return torch.stack([log.sum().abs() for log in logs]).sum()
    sums = [log.sum() / len(log) for log in logs if len(log) > 1]
    if not sums:
        raise NotApplicable("no class has two images in the batch, and of more than 100 classes only such are compared")
    s = torch.stack(sums)
    return (s[:, None] - s[None, :]).abs().sum() / len(s)
