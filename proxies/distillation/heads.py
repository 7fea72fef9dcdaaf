"""What the trained companions of several losses share. Part of the training, thrown away after it.

A head is built from example features of both networks, of which only shapes are read.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from diswot_errors import UsageError


def convolution(width_in: int, width_out: int, size: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, then batch norm."""
    conv = nn.Conv2d(width_in, width_out, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width_out))


def as_weights(x: Tensor, module: nn.Module) -> Tensor:
    """`x` in the precision of the module's weights."""
    return x.to(next(module.parameters()).dtype)


class Regressor(nn.Module):
    """Student's map to the teacher's width: 1x1 convolution and batch norm, no ReLU (a teacher's map may be signed)."""

    def __init__(self, student_width: int, teacher_width: int) -> None:
        super().__init__()
        self.layers = convolution(student_width, teacher_width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_S, H, W) -> (B, C_T, H, W)."""
        return self.layers(as_weights(x, self))


def paired_widths(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> tuple[list[int], list[int]]:
    """The widths of two networks' levels of features, of which there must be equally many."""
    if len(student) != len(teacher):
        raise UsageError(
            f"student has {len(student)} levels of features, teacher {len(teacher)}; "
            "this loss pairs them one by one: take networks with the same number of stages"
        )
    return [x.shape[1] for x in student], [x.shape[1] for x in teacher]
