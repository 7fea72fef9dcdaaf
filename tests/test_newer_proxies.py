"""The newer proxies, each against a reference of a few lines that shares no code with it."""

import copy
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformer_support import Transformer

from nb201_data.networks import build_network, build_resnet
from proxies import initialise, score, teacher_evidence
from proxies.evidence import Evidence
from proxies.inits import generator_for
from proxies.registry import aggregates, get
from proxies.zero_cost.rbflex import GAMMA_POOLED, GAMMA_RELU
from proxies.zero_cost.swap import regularised
from proxies.zero_cost.vkdnw import evenness, factor, fisher_information

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
NOTHING = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
NEW = "swap,near,gradsign,wrcor,rbflex,dextr,meco_opt,vkdnw,vkdnw_single,vkdnw_transposed,tvt_teacher"
Batch = tuple[Tensor, Tensor]


@pytest.fixture
def batch() -> Batch:
    return torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.arange(8)


@pytest.fixture
def model() -> nn.Module:
    return initialise(build_network(CELL, 10, channels=8, cells_per_stage=1), "default", 0)


def value(name: str, model: nn.Module, batch: Batch, **given: Any) -> float:
    one = score(model, name, batch, **given)[name]
    assert one.value is not None, one
    return one.value


def outputs(model: nn.Module, x: Tensor, kind: Any) -> list[tuple[Tensor, Tensor]]:
    """(input, output) of every call of modules of a kind, in a copy in training mode."""
    seen: list[tuple[Tensor, Tensor]] = []
    other = copy.deepcopy(model).train()
    for module in other.modules():
        if isinstance(module, kind):
            module.register_forward_hook(lambda m, i, o: seen.append((i[0], o)))
    other(x)
    return seen


def test_swap_counts_different_rows(model: nn.Module, batch: Batch) -> None:
    rows = torch.cat([(o > 0).flatten(1) for _, o in outputs(model, batch[0], nn.ReLU)], 1)
    assert value("swap", model, batch) == len(rows.T.unique(dim=0))
    assert regularised(100, 50_000, mu=50, sigma=3) == 100
    assert regularised(100, 52_000, mu=50, sigma=4) == pytest.approx(100 / math.e)


def test_near_of_a_network_made_by_hand() -> None:
    """Two linear layers on two images: the first output is a rotation (2), the second has rank one (1)."""
    first, second = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    first.weight.data = torch.tensor([[0.0, 3.0], [-3.0, 0.0]])
    second.weight.data = torch.tensor([[1.0, 1.0], [2.0, 2.0]])
    given = torch.eye(2), torch.tensor([0, 1])
    assert value("near", nn.Sequential(first, second), given) == pytest.approx(3, abs=1e-5)
    second.weight.data.zero_()
    assert value("near", nn.Sequential(first, second), given) == pytest.approx(2, abs=1e-5)


def test_near_takes_a_slice_of_a_map(batch: Batch) -> None:
    """A slice of 16 positions from the start of a line of 16 pixels: one of 16 lines of the first image."""
    torch.manual_seed(0)
    convolution = nn.Conv2d(3, 16, 3, padding=1)
    net = nn.Sequential(convolution, nn.Flatten(), nn.Linear(16 * 256, 10, bias=False))
    net[2].weight.data.zero_()
    maps = convolution(batch[0])[0].detach().double().numpy()
    ranks = []
    for column in range(16):
        p = np.linalg.svd(maps[:, :, column], compute_uv=False)
        p = p / p.sum()
        ranks.append(math.exp(-(p * np.log(p)).sum()))
    assert min(abs(value("near", net, batch) - rank) for rank in ranks) < 1e-4


def test_gradsign_image_by_image(model: nn.Module, batch: Batch) -> None:
    other = copy.deepcopy(model).train()
    weights = [m.weight for m in other.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    total = [torch.zeros_like(w) for w in weights]
    for x, y in zip(*batch, strict=True):
        loss = functional.cross_entropy(other(x[None]), y[None])
        for t, g in zip(total, torch.autograd.grad(loss, weights, materialize_grads=True), strict=True):
            t += g.sign()
    flat = torch.cat([t.flatten() for t in total]).abs()
    assert value("gradsign", model, batch) == pytest.approx(float(flat.sum()), rel=2e-3)
    lonely = nn.Sequential(nn.Flatten(), nn.Linear(768, 4), nn.BatchNorm1d(4), nn.Linear(4, 10))
    assert "on one image in training mode" in score(lonely, "gradsign", batch)["gradsign"].reason


def test_wrcor_against_numpy(model: nn.Module, batch: Batch) -> None:
    other = copy.deepcopy(model).train().double()
    seen: list[tuple[int, Tensor, Tensor]] = []
    done = [0]

    def see(module: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        out.retain_grad()
        seen.append((done[0], inputs[0], out))

    for module in other.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(see)
    for block in other.cells:  # type: ignore[union-attr]
        block.register_forward_hook(lambda m, i, o: done.__setitem__(0, done[0] + 1))
    functional.cross_entropy(other(batch[0].double()), batch[1]).backward()
    k = np.zeros((8, 8))
    for i, a, out in seen:
        assert out.grad is not None
        for values in (a.detach(), out.grad * (a > 0)):
            matrix = np.corrcoef(values.flatten(1).numpy())
            k += 0 if np.isnan(matrix).any() else 2**i * abs(matrix)
    assert seen[-1][0] == 5  # three cells and two reductions come before the last activation
    assert value("wrcor", model, batch) == pytest.approx(np.linalg.slogdet(k)[1], rel=1e-4)


def test_rbflex_against_numpy(model: nn.Module, batch: Batch) -> None:
    relu, pooled = [], []
    for x in batch[0][:3].split(1):
        relu.append(torch.cat([o.flatten() for _, o in outputs(model, x, nn.ReLU)]))
        pooled.append(outputs(model, x, nn.Linear)[0][0].flatten())
    expected = 0.0
    for rows, gamma in ((relu, GAMMA_RELU), (pooled, GAMMA_POOLED)):
        f = torch.stack(rows).detach().double().numpy()
        span = np.ptp(f, axis=0)
        f = np.where(span > 0, (f - f.min(0)) / np.where(span > 0, span, 1), 0)
        k = np.exp(-gamma * ((f[:, None] - f[None]) ** 2).sum(-1))
        expected += 3 * np.linalg.slogdet(k)[1]
    assert value("rbflex", model, batch) == pytest.approx(expected, rel=1e-3)
    x, y = batch
    x = x.clone()
    x[1] = x[0]
    assert score(model, "rbflex", (x, y))["rbflex"].status == "infinite"  # two images that are the same


def test_dextr_from_its_two_parts() -> None:
    model = nn.Linear(2, 2)
    v, a = torch.tensor([3.0, 4.0]).double(), torch.tensor([-4.0, 3.0]).double()  # at right angles: 5 * 5 / 5^3
    given = Evidence(model, torch.ones(1), torch.ones(1), found={"curve": (v, a), "conditioning": torch.tensor(2.0)})
    s, k = math.log(3), math.log(1.2)
    assert float(get("dextr").function(given)) == pytest.approx(s * k / (s + k))
    given.found["curve"] = v, 2 * v  # a straight line
    assert float(get("dextr").function(given)) == pytest.approx(0, abs=1e-6)


def test_conditioning_and_curve(model: nn.Module, batch: Batch) -> None:
    from test_evidence import gather

    found = gather(model, batch, "conditioning", "curve")
    total = 0.0
    for _, out in outputs(model, batch[0][:1], nn.Module):
        sample = out[0].detach().double().numpy()
        s = np.linalg.svd(sample.reshape(len(sample), -1) if sample.ndim > 1 else sample[None], compute_uv=False)
        total += s[-1] / s[0] if s[0] else 0
    assert float(found.conditioning) == pytest.approx(total, rel=1e-3)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(768, 10, bias=False))
    v, a = gather(linear, batch, "curve").curve  # logits are W (cos u + sin w): v = W w, a = -W u
    generator = generator_for(0, "curve")
    drawn = np.stack([torch.randn((1, 3, 16, 16), generator=generator, dtype=torch.float64).numpy() for _ in "uw"])
    u, w = np.linalg.qr(drawn.reshape(2, -1).T)[0].T
    u, w = u * np.sign(u @ drawn[0].ravel()), w * np.sign(w @ drawn[1].ravel())
    weight = linear[1].weight.detach().double().numpy()
    chosen = [int(np.abs(weight @ w - one).argmin()) for one in v.tolist()]
    assert len(chosen) == 10 and len(set(chosen)) < 10, "drawn with replacement"
    np.testing.assert_allclose(v.numpy(), (weight @ w)[chosen], rtol=1e-9)
    np.testing.assert_allclose(a.numpy(), -(weight @ u)[chosen], rtol=1e-9)


def test_meco_opt_of_eight_channels_is_meco(batch: Batch) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(576, 10))
    first = nn.Sequential(*net[:1], nn.Flatten(), nn.Linear(1568, 10))
    assert value("meco_opt", net, batch) == pytest.approx(value("meco", first, batch), rel=1e-4)
    wide = nn.Sequential(nn.Conv2d(3, 16, 3), nn.Flatten(), nn.Linear(3136, 10))
    with torch.no_grad():
        rows = wide[0](batch[0])[0].flatten(1).double().numpy()
    chosen = torch.randperm(16, generator=generator_for(0, "few channels: 0"))[:8].numpy()
    assert value("meco_opt", wide, batch) == pytest.approx(
        2 * np.linalg.eigvalsh(np.corrcoef(rows[chosen]))[0], rel=1e-4
    )
    narrow = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(784, 10))
    assert "8 channels or more" in score(narrow, "meco_opt", batch)["meco_opt"].reason


def test_vkdnw_factor_and_only_its_transpose_is_fisher(batch: Batch) -> None:
    from test_evidence import gather

    p = torch.softmax(torch.randn(6, generator=torch.Generator().manual_seed(0)).double(), 0)
    lower = factor(p)
    torch.testing.assert_close(lower @ lower.T, torch.diag(p) - torch.outer(p, p))
    found = gather(
        nn.Sequential(nn.Flatten(), nn.Linear(768, 10), nn.ReLU(), nn.Linear(10, 10)), batch, "logit_tangents"
    )
    logits, j = found.logit_tangents
    assert j.shape == (8, 10, 4)
    expected = torch.zeros(4, 4).double()
    for z, one in zip(logits, j, strict=True):
        q = 0.95 * z.softmax(0) + 0.005
        expected += one.T @ (torch.diag(q) - torch.outer(q, q)) @ one / len(logits)
    torch.testing.assert_close(fisher_information(found, transposed=True), expected)
    assert not torch.allclose(fisher_information(found, transposed=False), expected, rtol=1e-3)
    assert float(evenness(torch.eye(5).double())) == pytest.approx(math.log(9)) and float(evenness(0 * p.diag())) == 0


def test_tvt_against_numpy(batch: Batch) -> None:
    torch.manual_seed(0)
    student, teacher = Transformer(), build_resnet((1, 1, 1), 10)
    stages = teacher_evidence(teacher, batch).features.stages
    kept: list[Tensor] = []
    for block in student.blocks:
        block.register_forward_hook(lambda m, i, o: kept.append(o.detach()))
    student(batch[0])
    assert len(kept) == 7
    total = 0.0
    for stage, block in ((1, 1), (2, 6)):
        s = kept[block][:, 1:].transpose(1, 2).reshape(8, -1, 4, 4)
        s = functional.interpolate(s, stages[stage].shape[2:], mode="bilinear")
        a, b = ((f**2).mean(1).flatten(1).double().numpy() for f in (s, stages[stage]))
        a, b = (f / np.linalg.norm(f, axis=1, keepdims=True) for f in (a, b))
        total += ((a - b) ** 2).mean() / 2
    assert value("tvt_teacher", student, batch, teacher=teacher) == pytest.approx(total, rel=1e-4)
    shallow = score(Transformer(depth=3), "tvt_teacher", batch, teacher=teacher)["tvt_teacher"]
    assert shallow.status == "not-applicable" and "7 blocks" in shallow.reason


def test_each_answers_on_cells_resnets_and_transformers(model: nn.Module, batch: Batch) -> None:
    teacher = build_resnet((1, 1, 1), 10)
    shown = teacher_evidence(teacher, batch)
    cell, resnet = (score(m, NEW, batch, teacher=shown) for m in (model, teacher))
    for scores in (cell, resnet):
        assert {n for n, one in scores.items() if one.status != "ok"} == {"tvt_teacher"}
        assert "tokens" in scores["tvt_teacher"].reason
    transformer = score(Transformer(depth=7), NEW, batch, teacher=shown)
    for name in ("swap", "wrcor", "rbflex"):
        assert transformer[name].status == "not-applicable" and "ReLU" in transformer[name].reason
    assert sum(one.status == "ok" for one in transformer.values()) == 8


def test_a_cell_that_hands_on_nothing(batch: Batch) -> None:
    dead = score(initialise(build_network(NOTHING, 10, 8, 1), "default", 0), NEW, batch)
    assert dead["swap"].value == 1 and dead["gradsign"].status == "ok"
    assert dead["wrcor"].status == dead["rbflex"].status == "infinite"
    from test_evidence import gather

    found = gather(initialise(build_network(NOTHING, 10, 8, 1), "default", 0), batch, "conditioning", "curve")
    assert dead["dextr"].value == pytest.approx(math.log1p(float(found.conditioning)))  # no curve: evenness alone
    assert dead["dextr"].value > 0 and not any(derivative.any() for derivative in found.curve)


def test_vkdnw_agg_is_the_sum_of_log_ranks() -> None:
    (info,) = (info for info in aggregates() if info.name == "vkdnw_agg")
    assert info.parts == ("vkdnw_single", "jacob", "az_nas_expressivity", "az_nas_trainability", "flops")
    found = info.function([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], [2.0, 1.0], [3.0, 3.0])
    assert found == pytest.approx([3 * math.log(0.5) + math.log(0.75), math.log(0.5) + math.log(0.75)])
    assert all(a < b for a, b in pairwise(found))
