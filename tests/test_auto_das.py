"""Auto-DAS against numpy, and against the closed forms that its instincts come down to."""

import math

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from torch import Tensor, nn
from transformer_support import Transformer

from nb201_data.networks import build_network, build_resnet
from proxies import initialise, score, teacher_evidence
from proxies.registry import get

CELLS = {  # convolutions, dead ones as well, and the cell
    0: "|skip_connect~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|skip_connect~1|skip_connect~2|",
    2: "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|nor_conv_1x1~2|",
    4: "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|nor_conv_3x3~0|skip_connect~1|nor_conv_3x3~2|",
    6: "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_1x1~1|nor_conv_1x1~2|",
}


def batch(size: int = 32, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(size, 3, 32, 32, generator=generator), torch.randint(100, (size,), generator=generator)


def values(model: nn.Module, names: str, given: tuple[Tensor, Tensor], teacher: nn.Module | None = None) -> list[float]:
    found = score(model, names, given, teacher=teacher).values()
    assert all(one.status == "ok" for one in found), found
    return [float(one.value) for one in found if one.value is not None]


@pytest.mark.parametrize("depths", [(1, 1, 1), (3, 1, 1), (1, 1, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_on_resnets_the_instincts_are_the_closed_forms_whatever_the_images(depths: tuple[int, ...], seed: int) -> None:
    torch.manual_seed(seed)
    model = build_resnet(depths, 100)  # Kaiming, fan out
    shapes = [m.weight.shape for m in model.modules() if isinstance(m, nn.Conv2d)]
    nb201, s0, vit = values(model, "auto_das_nb201_instinct,auto_das_s0_instinct,auto_das_vit_instinct", batch(8, seed))
    assert nb201 == pytest.approx(sum((c[0] ** 2 - 1) / (c[0] ** 2 + 1) for c in shapes), abs=1e-2)  # tanh(ln C)
    root = sum(math.log(c[0]) * math.sqrt(math.prod(c)) for c in shapes)
    assert s0 == pytest.approx(root, rel=1e-4)
    assert vit == pytest.approx(sum(math.log(math.log(c[0])) for c in shapes), abs=1e-2)
    closed = values(model, "conv_count,conv_root_size,conv_log_width", batch(8, seed))
    assert closed == pytest.approx([len(shapes), root, sum(math.log(math.log(c[0])) for c in shapes)])


def test_numbers_of_the_smallest_resnet() -> None:
    """9 convolutions: 8.9693 and 2521.5, computed by hand from 16, 16, 16, 32, 32, 32, 64, 64, 64 channels."""
    torch.manual_seed(0)
    model = build_resnet((1, 1, 1), 100)
    nb201, s0 = values(model, "auto_das_nb201_instinct,auto_das_s0_instinct", batch(8))
    assert nb201 == pytest.approx(8.9693, abs=1e-2) and s0 == pytest.approx(2521.5, abs=0.5)


def test_on_cells_the_instinct_counts_convolutions() -> None:
    found = {}
    for count, cell in CELLS.items():
        model = initialise(build_network(cell, 100), "default", 0)
        found[count], layers, convolutions = values(
            model, "auto_das_nb201_instinct,trainable_layers,conv_count", batch(16)
        )
        assert found[count] == pytest.approx(6.9849 + 14.9489 * count, abs=1)
        assert layers == 21 + 45 * count and convolutions == 7 + 15 * count
    assert sorted(found, key=found.__getitem__) == sorted(found)


def test_on_a_transformer_the_instinct_is_the_width() -> None:
    for width in (12, 24):
        torch.manual_seed(0)
        model, (x, y) = Transformer(width=width), batch(8)
        (instinct,) = values(model, "auto_das_vit_instinct", (x[:, :, :16, :16], y % 10))
        assert instinct == pytest.approx(math.log(math.log(width)), abs=1e-2)


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module, tuple[Tensor, Tensor]]:
    x, y = batch(6)
    student, teacher = (initialise(build_network(CELLS[2], 10, 4, 1), "gaussian", seed) for seed in (0, 1))
    return student, teacher, (x, y % 10)


def kl(student: np.ndarray, teacher: np.ndarray, t: float) -> float:
    p, q = softmax(teacher / t, 1), softmax(student / t, 1)
    return float(t * t * (p * np.log(p / q)).sum() / len(p))


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean([x @ y / np.sqrt(x @ x * (y @ y)) for x, y in zip(a.T, b.T, strict=True)]))


def test_instincts_against_numpy(pair: tuple[nn.Module, nn.Module, tuple[Tensor, Tensor]]) -> None:
    student, _, (x, y) = pair
    student.zero_grad()
    student.train()
    nn.functional.cross_entropy(student(x), y).backward()
    gradients = [m.weight.grad.double().numpy() for m in student.modules() if isinstance(m, nn.Conv2d)]  # type: ignore[union-attr]
    for parameter in student.parameters():
        parameter.grad = None
    logs = [log_softmax(g, 0) for g in gradients]
    expected = [
        sum(np.abs(np.tanh(g)).mean() for g in logs),
        sum(np.sqrt((g * g).sum()) for g in logs),
        sum(np.log(np.abs(log_softmax(1 / (1 + np.exp(-g)), 0))).mean() for g in gradients),
    ]
    names = [f"auto_das_{space}_instinct" for space in ("nb201", "s0", "vit")]
    assert values(student, ",".join(names), (x, y)) == pytest.approx(expected, rel=1e-3)


def test_interactions_against_numpy(pair: tuple[nn.Module, nn.Module, tuple[Tensor, Tensor]]) -> None:
    student, teacher, given = pair
    s, t = (teacher_evidence(m, given).features for m in (student, teacher))
    pooled = [f.pooled.double().numpy() for f in (s, t)]  # type: ignore[union-attr]
    a, b = (softmax((f * np.tanh(np.log1p(np.exp(f)))) ** 2, 0) for f in pooled)
    c, d = (1 / (1 + np.exp(-np.maximum(f, 0))) for f in pooled)
    e, g = (softmax(1 / (1 + np.exp(-f.logits.double().numpy())), 0) for f in (s, t))
    expected = [100 * (a * b).mean() * cosine(a, b), kl(c, d, 8) * 100 * cosine(c, d), kl(e, g, 1)]
    names = [f"auto_das_{space}_interaction" for space in ("nb201", "s0", "vit")]
    found = values(student, ",".join(names), given, teacher)
    assert found == pytest.approx(expected, rel=1e-4)
    instincts = values(student, "auto_das_nb201_instinct,auto_das_s0_instinct,auto_das_vit_instinct", given)
    parts = zip(found, instincts, strict=True)
    sums = values(student, "auto_das_nb201,auto_das_s0,auto_das_vit", given, teacher)
    assert sums == pytest.approx([a + b for a, b in parts], rel=1e-6)


def test_what_they_cannot_say(pair: tuple[nn.Module, nn.Module, tuple[Tensor, Tensor]]) -> None:
    student, _, given = pair
    wide = initialise(build_network(CELLS[2], 10, 8, 1), "gaussian", 1)
    refused = score(student, "auto_das_*_interaction", given, teacher=wide)
    assert refused["auto_das_nb201_interaction"].reason == "widths differ: network 16, teacher 32"
    assert refused["auto_das_vit_interaction"].status == "ok"
    plain = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    for one in score(plain, "conv_*,auto_das_*_instinct", given).values():
        assert (one.status, one.reason) == ("not-applicable", "the network has no convolution")
    narrow = nn.Sequential(nn.Conv2d(3, 1, 3), nn.Flatten(), nn.Linear(900, 10))
    found = score(narrow, "conv_log_width,conv_root_size,trainable_layers", given)
    assert found["conv_log_width"].status == "infinite" and found["trainable_layers"].value == 4
    assert found["conv_root_size"].value == 0  # ln 1
    assert get("auto_das_s0").authors is not None
