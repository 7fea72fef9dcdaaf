"""The newer proxies: cases worked out by hand, what must not matter, networks that lack what a formula looks at."""

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from test_evidence import gather
from test_newer_proxies import value
from torch import Tensor, nn
from transformer_support import Transformer

from nb201_data.networks import build_resnet
from proxies import initialise, score
from proxies.evidence.perturb import noise
from proxies.evidence.tangents import TANGENT_IMAGES
from proxies.inits import generator_for

Batch = tuple[Tensor, Tensor]


@pytest.fixture
def batch() -> Batch:
    return torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.arange(8)


class Small(nn.Module):
    """A convolution, a norm, an activation, the mean, a classifier."""

    def __init__(self, act: nn.Module, norm: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(3, 12, 3), nn.BatchNorm2d(12) if norm else nn.Identity()
        self.act, self.head = act, nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.act(self.norm(self.conv(x))).mean((2, 3)))


def test_dss_against_the_plain_computation(batch: Batch) -> None:
    torch.manual_seed(0)
    model = Transformer(depth=2)
    other = copy.deepcopy(model).double().eval()
    for tensor in other.state_dict().values():
        tensor.abs_()
    other(torch.ones(1, 3, 16, 16).double()).sum().backward()
    expected = 0.0
    for name, module in other.named_modules():
        if isinstance(module, nn.Linear):
            w, g = module.weight.detach(), module.weight.grad
            assert g is not None
            nuclear = float(torch.linalg.matrix_norm(w, "nuc") * torch.linalg.matrix_norm(g, "nuc"))
            expected += nuclear if name.endswith(("qkv", "attention.out")) else float((w * g).abs().sum())
    assert value("dss", model, batch) == pytest.approx(expected, rel=1e-9)
    model.norm = nn.Sequential(model.norm, nn.Dropout(0.5))  # type: ignore[assignment]
    assert value("dss", model, batch) == pytest.approx(expected, rel=1e-9)  # nothing is dropped
    assert "but a classifier" in score(Small(nn.ReLU()), "dss", batch)["dss"].reason
    mixer = nn.Sequential(nn.Flatten(), nn.Linear(768, 4), nn.ReLU(), nn.Linear(4, 10))
    assert "no attention" in score(mixer, "dss", batch)["dss"].reason


def test_swap_of_units_known_by_hand() -> None:
    """Two images, three units: on in both, on in the first, on in the first: two patterns."""
    net = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(3, 10))
    given = torch.tensor([[1.0, 2.0, 3.0], [1.0, -2.0, 0.0]])[:, :, None, None], torch.tensor([0, 1])
    assert value("swap", net, given) == 2
    assert value("swap", net, (given[0][:, [2, 0, 1]] * 5, given[1])) == 2


def test_gradsign_of_images_that_agree_and_disagree(batch: Batch) -> None:
    """Six weights of two classes, inputs of ones: the gradient is p - y, and its signs say which label."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(3, 2, bias=False))
    ones = torch.ones(4, 3)
    assert value("gradsign", net, (ones, torch.tensor([0, 0, 0, 1]))) == 6 * 2
    assert value("gradsign", net, (ones, torch.tensor([0, 1, 0, 1]))) == 0


def test_near_does_not_depend_on_scale(batch: Batch) -> None:
    model = Small(nn.ReLU(), norm=False)
    before = value("near", model, batch)
    with torch.no_grad():
        model.conv.weight.mul_(3)
        model.conv.bias.mul_(3)  # type: ignore[union-attr]
        model.head.weight.mul_(1 / 3)
    assert value("near", model, batch) == pytest.approx(before, rel=1e-5)
    assert before <= 12 + 12 + 8  # the rank of each slice: the head's has eight images


def test_wrcor_where_relu_works_in_place(batch: Batch) -> None:
    plain, in_place = Small(nn.ReLU()), Small(nn.ReLU(inplace=True))
    in_place.load_state_dict(plain.state_dict())
    for name in ("wrcor", "swap", "near", "rbflex", "vkdnw", "dextr"):
        assert value(name, in_place, batch) == value(name, plain, batch), name


class CutUp(Small):
    """A ReLU sees the quarters of the images one by one, then another the whole."""

    def forward(self, x: Tensor) -> Tensor:
        quarters = torch.cat([half for part in x.chunk(2, 2) for half in part.chunk(2, 3)])
        return super().forward(x) + self.act(quarters).mean() * 0


def test_a_relu_that_sees_images_cut_up_does_not_count(batch: Batch) -> None:
    cut, plain = CutUp(nn.ReLU()), Small(nn.ReLU())
    for name in ("swap", "wrcor"):
        assert value(name, cut, batch) == pytest.approx(value(name, plain, batch), rel=1e-6), name


@pytest.mark.parametrize("model", [Small(nn.Tanh()), Small(nn.SiLU()), Transformer(depth=1)], ids=lambda m: type(m))
def test_curve_by_finite_differences(model: nn.Module, batch: Batch) -> None:
    """Of batch norm, layer norm and attention too."""
    model = copy.deepcopy(model).double()
    given = batch[0].double(), batch[1]
    v, a = gather(model, given, "curve").curve
    generator = generator_for(0, "curve")
    two = [torch.randn(1, 3, 16, 16, generator=generator, dtype=torch.float64).flatten() for _ in range(2)]
    basis = torch.linalg.qr(torch.stack(two, 1))[0].T
    u, w = (b * torch.sign(b @ t) for b, t in zip(basis, two, strict=True))
    other, h = copy.deepcopy(model).train(), 1e-4

    def at(t: float) -> Tensor:
        return other((math.cos(t) * u + math.sin(t) * w).view(1, 3, 16, 16))[0].detach()

    chosen = torch.randint(10, (10,), generator=generator)
    torch.testing.assert_close(((at(h) - at(-h)) / (2 * h))[chosen], v, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(((at(h) - 2 * at(0) + at(-h)) / h**2)[chosen], a, rtol=1e-3, atol=1e-4)


class Shared(nn.Module):
    """One weight in two layers, and control flow that reads a number out of the map if `reads`."""

    def __init__(self, reads: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.head = nn.Linear(768, 768), nn.Linear(768, 768), nn.Linear(768, 10)
        self.second.weight = self.first.weight
        self.reads = reads

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.first(x.flatten(1)))
        if self.reads and float(x.abs().max()) > 2:
            raise AssertionError("tanh is below 1")
        return self.head(self.second(x))


def plain() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(768, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 10))


@pytest.mark.parametrize("made", [plain, partial(Shared, False), partial(Shared, True)])
def test_logit_tangents_are_derivatives(made: Callable[[], nn.Module], batch: Batch) -> None:
    """By finite differences, with the weights and the noise that the pass draws; also of a weight that two layers
    share, and of a network that reads numbers, which cannot take its tangents together."""
    model = made().double()
    given = batch[0].double(), batch[1]
    logits, tangents = gather(model, given, "logit_tangents").logit_tangents
    other = initialise(copy.deepcopy(model), "kaiming", 0).eval()
    x = noise(given[0][:TANGENT_IMAGES], 0, "logit tangents: x")
    with torch.no_grad():
        torch.testing.assert_close(other(x), logits)
        for i, parameter in enumerate(other.parameters()):
            parameter.view(-1)[0] += 1e-6
            torch.testing.assert_close((other(x) - logits) / 1e-6, tangents[:, :, i], rtol=1e-4, atol=1e-5)
            parameter.view(-1)[0] -= 1e-6
    assert tangents.shape == (8, 10, len(list(model.parameters()))) and model.training


def reasons(model: nn.Module, names: str, batch: Batch, **given: Any) -> dict[str, str]:
    return {name: one.status for name, one in score(model, names, batch, **given).items()}


def test_networks_that_lack_something(batch: Batch) -> None:
    absent = "not-applicable"
    smooth = reasons(Small(nn.Tanh()), "swap,wrcor,rbflex,near,vkdnw,gradsign,meco_opt,dextr", batch)
    assert {n for n, status in smooth.items() if status == absent} == {"swap", "wrcor", "rbflex"}
    assert {status for n, status in smooth.items() if n not in ("swap", "wrcor", "rbflex")} == {"ok"}
    flat = nn.Sequential(nn.Flatten(), nn.Linear(768, 10), nn.ReLU(), nn.Linear(10, 10))
    assert reasons(flat, "meco_opt,swap,vkdnw,wrcor,tvt_teacher", batch, teacher=flat) == {
        "meco_opt": absent,
        "swap": absent,  # maps alone count
        "vkdnw": "ok",
        "wrcor": "ok",
        "tvt_teacher": absent,
    }
    nothing = (torch.randn(4, 3, 2, 2), torch.arange(4))
    found = reasons(nn.Flatten(), "near,gradsign,vkdnw,meco_opt,swap,dss,wrcor,rbflex", nothing)
    assert set(found.values()) == {absent}


def test_a_parameter_of_nan_that_no_initialisation_reaches(batch: Batch) -> None:
    model = Transformer(depth=7)
    with torch.no_grad():
        model.position.fill_(torch.nan)
    found = score(model, "vkdnw,near,dss,dextr,tvt_teacher", batch, teacher=build_resnet((1, 1, 1), 10))
    assert {one.status for one in found.values()} == {"nan"}


def test_attention_in_one_module_has_tangents_too(batch: Batch) -> None:
    """PyTorch's fast path for evaluation mode has none; it is as it was afterwards."""
    layer = nn.TransformerEncoderLayer(48, 2, 48, batch_first=True)
    net = nn.Sequential(nn.Unflatten(2, (4, 4)), nn.Flatten(1), nn.Unflatten(1, (16, 48)), layer, nn.Flatten())
    fast = torch.backends.mha.get_fastpath_enabled()
    assert reasons(nn.Sequential(*net, nn.Linear(768, 10)), "vkdnw,dextr", batch) == {"vkdnw": "ok", "dextr": "ok"}
    assert torch.backends.mha.get_fastpath_enabled() == fast
