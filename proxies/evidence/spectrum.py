"""Correlation matrices and spectra that answer NaN to NaN, where LAPACK would raise."""

import torch
from torch import Tensor


def correlation(rows: Tensor) -> Tensor:
    """Pearson correlation of the rows of (n, d), (n, n); 0 where a row is constant."""
    rows = rows - rows.mean(1, keepdim=True)
    length = rows.norm(dim=1, keepdim=True)
    rows = torch.where(length == 0, 0, rows / length)
    return rows @ rows.T


def eigenvalues(matrices: Tensor) -> Tensor:
    """Of symmetric matrices (..., n, n), ascending (..., n); NaN for a matrix that holds anything but numbers."""
    finite = torch.isfinite(matrices).all(-1).all(-1)
    found = torch.linalg.eigvalsh(torch.where(finite[..., None, None], matrices, 0))
    return torch.where(finite[..., None], found, torch.nan)


def largest_singular_value(matrix: Tensor) -> Tensor:
    """Of (m, n); NaN for a matrix that holds anything but numbers."""
    finite = torch.isfinite(matrix).all()
    return torch.where(finite, torch.linalg.matrix_norm(torch.where(finite, matrix, 0), ord=2), torch.nan)


def singular_values(matrix: Tensor) -> Tensor:
    """Of (m, n), descending (min(m, n),); NaN for a matrix that holds anything but numbers."""
    finite = torch.isfinite(matrix).all()
    return torch.where(finite, torch.linalg.svdvals(torch.where(finite, matrix, 0)), torch.nan)
