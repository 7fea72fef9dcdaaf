"""The DisWOT terms as the authors' README and released scripts compute them, quirks included, for comparison.

Row-normalised Gram matrices and squared Frobenius norms, where the paper has one norm for the whole matrix and no
square; the classifier's weight gradient where the paper has Grad-CAM; in most scripts the first image only.
Distances, like all losses here; the scripts rank by their negatives. Formulas, not code, are taken over.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from proxies.distillation.numerics import NORM_FLOOR, full_precision, require_equal
from proxies.distillation.sp import sp

EQUAL_WIDTH = "the released formula has no form for different widths; use the paper variant"


@full_precision
def classifier_gradient(logits: Tensor, pooled: Tensor, labels: Tensor) -> Tensor:
    """dCE/dW of the classifier in closed form: (softmax(z) - onehot(y))^T pooled / B, (K, C)."""
    error = logits.softmax(1) - F.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return error.T @ pooled / logits.shape[0]


@full_precision
def m_s_gradient(student: Tensor, teacher: Tensor) -> Tensor:
    """M_s of README and scripts: ICKD on the classifier's weight gradients (K, C), in closed form.

    Row k gives the rank-1 matrix g g^T with unit rows, so the sum collapses to
    (2/K) sum_k (1 - cos(g_k^T, g_k^S) a_k), a_k = mean_c sign(g_kc^T) sign(g_kc^S): O(KC), no C x C matrix.
    """
    require_equal("classes", student.shape[0], teacher.shape[0], "take a teacher of the same data set")
    require_equal("channels", student.shape[1], teacher.shape[1], EQUAL_WIDTH)
    return _rank_one_gap(student, teacher).sum() / student.numel()


def m_r_readme(student: Tensor, teacher: Tensor) -> Tensor:
    """M_r of the README: similarity preserving (B x B, unit rows, squared, / b^2) on the last feature map."""
    return sp(student, teacher)


@full_precision
def m_r_pooled(student: Tensor, teacher: Tensor) -> Tensor:
    """M_r of the NAS-Bench-201 scripts: SP on the pooled feature (B, C) of the *first image*, taken as C samples.

    C x C of rank one, / C^2; for non-negative features (2/C)(1 - cos).
    """
    require_equal("channels", student.shape[1], teacher.shape[1], EQUAL_WIDTH)
    return _rank_one_gap(student[:1], teacher[:1]).sum() / student.shape[1] ** 2


@full_precision
def m_r_map(student: Tensor, teacher: Tensor) -> Tensor:
    """M_r of the S0 scripts: SP on the last map (B, C, H, W) of the *first image*, its channels as samples; / C^2."""
    require_equal("channels", student.shape[1], teacher.shape[1], EQUAL_WIDTH)
    return sp(student[0], teacher[0])


@full_precision
def rows_map(student: Tensor, teacher: Tensor) -> Tensor:
    """The one scoring line of the S0 script that is not commented out: ICKD on the *first image*, per channel H x H.

    The script passes tensors where lists are expected, so channels stand for samples and rows for channels:
    (C, H, W) -> per channel f f^T (H, H), unit rows, sum of squares / (C H).
    """
    require_equal("channels", student.shape[1], teacher.shape[1], EQUAL_WIDTH)
    require_equal("rows", student.shape[2], teacher.shape[2], EQUAL_WIDTH)
    difference = _row_relations(student[0]) - _row_relations(teacher[0])
    return difference.square().sum() / (student.shape[1] * student.shape[2])


def _row_relations(x: Tensor) -> Tensor:
    return F.normalize(x @ x.mT, dim=2)


def _rank_one_gap(student: Tensor, teacher: Tensor) -> Tensor:
    """Per row g of (K, C): the squared distance of the two C x C matrices g g^T with unit rows.

    Row i of that matrix is u_i g/|g|, u_i = sign(g_i); where |g_i||g| is below the normalisation's floor of 1e-12,
    u_i = g_i |g| / 1e-12, as in the literal computation (dead channels, saturated softmax).
    """
    u_s, unit_s = _amplitude_and_direction(student)
    u_t, unit_t = _amplitude_and_direction(teacher)
    cosine = (unit_s * unit_t).sum(1)
    return u_s.square().sum(1) + u_t.square().sum(1) - 2 * cosine * (u_s * u_t).sum(1)


def _amplitude_and_direction(rows: Tensor) -> tuple[Tensor, Tensor]:
    norm = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    entries = rows * norm
    tiny = torch.finfo(rows.dtype).tiny
    return entries / entries.abs().clamp_min(NORM_FLOOR), rows / norm.clamp_min(tiny)
