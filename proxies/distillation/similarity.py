"""The two DisWOT terms as the paper defines them (CVPR 2023): semantic M_s and relational M_r.

Both are distances, zero for equal networks; a score is the negative distance. Both are free of the scale of features.
M_s reads the channels' importance from the classifier: with a head of global average pooling and one linear layer,
dz_y/dA[c,h,w] = W[y,c]/(HW), so Grad-CAM's channel weight is the constant W[y,c]/(HW) and needs no backward pass.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diswot_errors import UsageError
from proxies.distillation.numerics import (
    channel_columns,
    frobenius,
    full_precision,
    same_resolution,
    sample_gram,
    unit_matrix,
    unit_scale,
)

FORMS = ("auto", "channel", "class")


def semantic_maps(features: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    """Grad-CAM maps of the true classes, G[n,c,h,w] = W[y_n,c] A[n,c,h,w], before the sum over channels.

    features (B, C, H, W), classifier weight (K, C), labels (B,); the factor 1/(HW) is left out: every use normalises.
    """
    if weight.shape[1] != features.shape[1]:
        raise UsageError(
            f"the classifier reads {weight.shape[1]} channels, the last map has {features.shape[1]}; "
            "M_s needs a head of global average pooling and one linear layer on the last map"
        )
    return unit_scale(features) * unit_scale(weight)[labels, :, None, None]


@full_precision
def m_s(
    student: Tensor,
    teacher: Tensor,
    student_weight: Tensor,
    teacher_weight: Tensor,
    labels: Tensor,
    form: str = "auto",
) -> Tensor:
    """M_s = |G^T - G^S|_F, G = Gram matrix of the semantic maps, divided by its Frobenius norm.

    `channel`: the paper's C x C Gram of the maps as (C, BHW); needs equal widths, resolutions may differ.
    `class`: our form for different widths, see `class_gram`; needs two classes in the batch.
    `auto`: the channel form where the widths are equal, else the class form.
    Maps (B, C, H, W) of the last stage, classifier weights (K, C), labels (B,).
    """
    return semantic_gap(student, teacher, student_weight, teacher_weight, labels, form)[0]


def semantic_gap(
    student: Tensor,
    teacher: Tensor,
    student_weight: Tensor,
    teacher_weight: Tensor,
    labels: Tensor,
    form: str = "auto",
) -> tuple[Tensor, int | Tensor]:
    """M_s and the side c of the Gram matrices that were compared (channels, or classes in the batch)."""
    if form not in FORMS:
        raise UsageError(f"unknown form of M_s {form!r}: expected one of {', '.join(FORMS)}")
    equal = student.shape[1] == teacher.shape[1]
    if form == "channel" and not equal:
        raise UsageError(
            f"M_s in its channel form compares C x C matrices: student has {student.shape[1]} channels, "
            f"teacher {teacher.shape[1]}; use the class form, or a teacher of the student's width"
        )
    s, t = semantic_maps(student, student_weight, labels), semantic_maps(teacher, teacher_weight, labels)
    if equal and form != "class":
        return frobenius(channel_gram(t) - channel_gram(s)), student.shape[1]
    if bool((labels == labels[0]).all()):
        raise UsageError(
            f"M_s has no form for this pair: widths differ (student {student.shape[1]}, teacher {teacher.shape[1]}) "
            f"or the class form was asked for, and the batch of {len(labels)} has one class only; "
            "take a batch with at least two classes"
        )
    s, t = same_resolution(s.sum(1, keepdim=True), t.sum(1, keepdim=True))
    classes = max(student_weight.shape[0], teacher_weight.shape[0])
    present = (torch.bincount(labels, minlength=classes) > 0).sum()
    return frobenius(class_gram(t, labels, classes) - class_gram(s, labels, classes)), present


def channel_gram(maps: Tensor) -> Tensor:
    """(B, C, H, W) -> (C, C): Gram matrix of the channels over all samples and positions, unit Frobenius norm."""
    columns = channel_columns(maps)
    return unit_matrix(columns.T @ columns)


def class_gram(heat: Tensor, labels: Tensor, classes: int) -> Tensor:
    """(B, 1, H, W) -> (K, K): Gram matrix of the class-mean heat maps, unit Frobenius norm.

    Heat map of a sample: its semantic maps summed over channels; of a class: the mean over its samples in the batch.
    A class that the batch lacks has a row and a column of zeros, which change neither norm nor distance.
    """
    members = torch.nn.functional.one_hot(labels, classes).to(heat.dtype)  # (B, K)
    means = (members.T @ heat.flatten(1)) / members.sum(0).clamp_min(1).unsqueeze(1)
    means = unit_scale(means)
    return unit_matrix(means @ means.T)


@full_precision
def m_r(student: Tensor, teacher: Tensor) -> Tensor:
    """M_r = |A^T - A^S|_F, A = f f^T / |f f^T|_F over samples (B, B), f (B, C, H, W) as (B, CHW); any two networks."""
    return frobenius(unit_matrix(sample_gram(teacher)) - unit_matrix(sample_gram(student)))


@full_precision
def diswot_terms(
    student: Tensor, teacher: Tensor, student_weight: Tensor, teacher_weight: Tensor, labels: Tensor
) -> Tensor:
    """L_Ms + L_Mr = M_s / c^2 + M_r / b^2: what DisWOT+ adds to CE + KL. c channels (or classes), b samples."""
    semantic, side = semantic_gap(student, teacher, student_weight, teacher_weight, labels)
    return semantic / side**2 + m_r(student, teacher) / student.shape[0] ** 2
