"""Small numerical tools that the losses share: precision, resolution, safe normalisation, Gram matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec

import torch
import torch.nn.functional as F
from torch import Tensor

from diswot_errors import UsageError

P = ParamSpec("P")
Maps = Sequence[Tensor]
NORM_FLOOR = 1e-12  # a vector shorter than this has no direction


def full_precision(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Run `function` on tensors widened from half precision to float32, with autocast off; float64 stays float64.

    Norms and Gram matrices of half-precision features lose their differences; the features themselves may be cheap.
    """

    @wraps(function)
    def widened(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        values = [*args, *kwargs.values()]
        with torch.autocast(_device_type(values), enabled=False):
            return function(*map(_widen, args), **{name: _widen(value) for name, value in kwargs.items()})

    return widened


def _widen(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.float() if value.dtype in (torch.bfloat16, torch.float16) else value
    if isinstance(value, (tuple, list)):
        return tuple(_widen(item) for item in value)
    return value


def _device_type(values: Any) -> str:
    for value in values:
        if isinstance(value, Tensor):
            return value.device.type
        if isinstance(value, (tuple, list)) and value:
            return _device_type(value)
    return "cpu"


def directions(x: Tensor, dim: int) -> Tensor:
    """x / |x| along `dim`; a zero vector stays zero, its gradient too (a dead unit must not explode); NaN stays."""
    norm = torch.linalg.vector_norm(x, dim=dim, keepdim=True)
    return torch.where(norm <= NORM_FLOOR, torch.zeros_like(x), x / norm.clamp_min(NORM_FLOOR))


def unit_matrix(x: Tensor) -> Tensor:
    """X / |X|_F over the whole matrix; a zero matrix stays zero."""
    return directions(x.flatten(), 0).view_as(x)


def frobenius(x: Tensor) -> Tensor:
    """|X|_F as a scalar; its gradient at X = 0 is 0, not NaN."""
    return torch.linalg.vector_norm(x)


def unit_scale(x: Tensor) -> Tensor:
    """x / max|x|, the divisor held constant: for scale-free functions, so that no square overflows or vanishes."""
    largest = x.detach().abs().amax()
    return x / torch.where(largest > 0, largest, torch.ones_like(largest))


def sample_rows(x: Tensor) -> Tensor:
    """(B, C, H, W) or (B, C) -> (B, CHW), without a copy for either memory layout (the column order is free)."""
    if x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last):
        return x.permute(0, 2, 3, 1).flatten(1)
    return x.flatten(1)


def channel_columns(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (BHW, C): one column per channel, without a copy for `channels_last`."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def sample_gram(x: Tensor) -> Tensor:
    """(B, ...) -> (B, B), x x^T up to a positive factor: sample against sample, any width, any resolution."""
    rows = sample_rows(unit_scale(x))
    return rows @ rows.T


def same_resolution(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """Average-pool the larger of two maps (B, C, H, W) to the resolution of the smaller."""
    size = (min(student.shape[2], teacher.shape[2]), min(student.shape[3], teacher.shape[3]))
    return _pool(student, size), _pool(teacher, size)


def _pool(x: Tensor, size: tuple[int, int]) -> Tensor:
    return x if tuple(x.shape[2:]) == size else F.adaptive_avg_pool2d(x, size)


def require_equal(what: str, student: int, teacher: int, advice: str) -> None:
    """Refuse a pair of networks whose `what` differs, with both values and what to do."""
    if student != teacher:
        raise UsageError(f"{what} differ: student {student}, teacher {teacher}; {advice}")


def over_stages(distance: Callable[[Tensor, Tensor], Tensor], student: Maps, teacher: Maps) -> Tensor:
    """The sum of a distance between maps (B, C, H, W) over all stages."""
    if len(student) != len(teacher) or not student:
        raise UsageError(
            f"student has {len(student)} stages, teacher {len(teacher)}; "
            "a loss over stages compares them one by one: take networks with the same number (at least one)"
        )
    return torch.stack([distance(s, t) for s, t in zip(student, teacher, strict=True)]).sum()
