"""Thresholds and choices of scores and networks, by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from losses_support import features, labels
from test_networks import counted
from test_proxies_formulas import evidence, value
from torch import nn

from nb201_data import augment
from nb201_data.skeleton import Skeleton
from nb201_data.spaces import get_space
from proxies.distillation import combined, losses
from proxies.evidence import Evidence


@pytest.mark.parametrize("classes", [100, 101])
def test_epe_nas_compares_class_sums_above_a_hundred_classes_only(classes: int) -> None:
    """CIFAR-100 has exactly 100."""
    gradient = torch.randn(7, 3, 4, 4)
    y = torch.tensor([5, 9, 5, 2, 9, 9, 80])
    given = Evidence(nn.Flatten(), torch.zeros(7, 3, 4, 4), y, found={"input_gradient": gradient}, seen_classes=classes)
    rows = gradient.double().flatten(1).numpy()
    logs = {c: np.log(np.abs(np.atleast_2d(np.corrcoef(rows[y.numpy() == c]))) + 1e-5) for c in (2, 5, 9, 80)}
    few = sum(abs(log.sum()) for log in logs.values())
    many = abs(logs[5].sum() / 2 - logs[9].sum() / 3)
    assert value("epe_nas", given) == pytest.approx(few if classes == 100 else many)


def test_a_kernel_that_rounding_makes_indefinite_is_singular() -> None:
    kernel = torch.diag(torch.tensor([-1e-9, 8.0], dtype=torch.float64))
    assert value("te_nas_ntk", evidence(tangent_kernel=kernel)) == math.inf


def test_the_hint_is_the_middle_stage() -> None:
    student, teacher = features(1), features(2)
    found = losses.get("fitnet")(student, teacher, labels())
    torch.testing.assert_close(found, (student.stages[1] - teacher.stages[1]).square().mean())


def test_of_two_parts_with_a_kd_term_the_larger_counts() -> None:
    both = combined.combined([losses.get("diswot+"), replace(losses.get("at"), kd=0.5)])
    assert both.kd == 1.0


@pytest.mark.parametrize("name", ["s0", "s0-plain"])
def test_images_of_odd_sides_are_halved_upwards(name: str) -> None:
    """18 -> 9 -> 5."""
    space = get_space(name).with_skeleton(Skeleton(16, 0, 10, 18))
    depths = space.parse("135")
    found = counted(space.build(depths), 18)
    assert found["mac"] + 2 * found["norm"] + found["relu"] == space.flops(depths)


def test_the_usual_padding() -> None:
    assert [augment.default_padding(torch.zeros(1, 3, size, size)) for size in (32, 16, 8)] == [4, 2, 1]
