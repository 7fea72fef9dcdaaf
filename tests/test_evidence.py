"""Every field of the evidence against an independent computation of a few lines; passes planned and run once."""

import copy
import math
from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from nb201_data.networks import CellNetwork, build_network
from proxies import initialise, score, teacher_evidence
from proxies.evidence import Evidence, blocks, borrowed, plan, repeat
from proxies.evidence.forward import Session
from proxies.evidence.plan import PASSES
from proxies.evidence.tangents import TOGETHER
from proxies.registry import NEEDS

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
Batch = tuple[Tensor, Tensor]


def network(cell: str = CELL, seed: int = 0) -> CellNetwork:
    built = build_network(cell, 10, channels=4, cells_per_stage=1)
    initialise(built, "kaiming", seed)
    return built


@pytest.fixture
def batch() -> Batch:
    x = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return x, torch.tensor([0, 1, 2, 3, 0, 1, 2, 9])


def gather(model: nn.Module, batch: Batch, *needs: str) -> Evidence:
    """All passes that `needs` take, nothing forgotten in between."""
    evidence = Evidence(model, *batch)
    chosen = plan(needs)
    session = Session(evidence, chosen.needs, chosen.backward)
    with borrowed(model):
        for one in chosen.passes:
            one.run(session)
    return evidence


def trained(model: nn.Module, double: bool = False) -> nn.Module:
    """A copy in training mode, for the reference computation."""
    other = copy.deepcopy(model).train()
    return other.double() if double else other


def weights_of(model: nn.Module) -> list[nn.Parameter]:
    return [m.weight for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def close(a: Any, b: Any, rtol: float = 1e-4, atol: float = 1e-6) -> bool:
    return torch.allclose(torch.as_tensor(a).double(), torch.as_tensor(b).double(), rtol=rtol, atol=atol)


def test_every_need_has_one_pass_that_fills_it() -> None:
    given = Counter(need for one in PASSES for need in one.gives)
    assert set(given) == NEEDS - {"model"} and set(given.values()) == {1}


@pytest.mark.parametrize(
    ("needs", "passes"),
    [
        ([], ()),
        (["features"], ("forward",)),
        (["features", "relu_kernel", "shapes"], ("forward",)),
        (["input_gradient"], ("forward", "input gradient")),
        (["weight_gradients", "features"], ("forward", "loss gradient")),
        (["hessian_gradient"], ("forward", "loss gradient", "hessian")),
        (["linear_gradients", "perturbation"], ("linear", "perturbation")),
        (["alive", "shapes"], ("forward", "alive")),
    ],
)
def test_the_fewest_passes(needs: list[str], passes: tuple[str, ...]) -> None:
    assert plan(needs).names == passes


def test_no_pass_is_repeated_and_no_network_copied(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shared forward 1, Zen 2, SynFlow 1, halves 2, tangent kernel 1, regions 1, alive 1: nine for everything."""
    model = network()
    score(model, "flops", batch)  # the class is asked once whether it hands out features
    calls: list[int] = []
    ends = CellNetwork.ends

    def counted(self: CellNetwork, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        calls.append(len(x))
        return ends(self, x)

    monkeypatch.setattr(CellNetwork, "ends", counted)
    monkeypatch.setattr(copy, "deepcopy", lambda *_: pytest.fail("a proxy copied the network"))
    score(model, "all", batch, teacher=teacher_evidence(network(), batch))
    image_by_image = [1] * (8 + 3 + 1 + 1)  # gradient signs, distances, conditioning, curve
    tangents = [8] * (1 + math.ceil(len(list(model.parameters())) / TOGETHER))
    shared = [8, 8, 8, 1, 2, 4, 4, 8, 1000]
    assert sorted(calls[1:]) == sorted([*shared, *image_by_image, *tangents])  # calls[0] is the teacher's
    calls.clear()
    score(model, "snip,grad_norm,plain,fisher,nwot,jacob,grasp,meco,az_nas_*", batch)
    assert calls == [8]


def test_features_and_gradients(batch: Batch) -> None:
    model, (x, y) = network(), batch
    evidence = gather(model, batch, "features", "weight_gradients", "input_gradient")
    reference = trained(model)
    image = x.clone().requires_grad_()
    shown = reference.forward_features(image)  # type: ignore[operator]
    assert not evidence.features.logits.requires_grad
    for ours, theirs in zip(evidence.features[1:4], shown[1:4], strict=True):
        assert close(ours, theirs, atol=1e-5)
    (gradient,) = torch.autograd.grad(shown.logits.sum(), image, retain_graph=True)
    assert close(evidence.input_gradient, gradient)
    functional.cross_entropy(shown.logits, y).backward()
    for ours, weight in zip(evidence.weight_gradients, weights_of(reference), strict=True):
        assert close(ours, weight.grad)


def test_relu_kernel_is_the_count_of_agreements(batch: Batch) -> None:
    model = network("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|nor_conv_3x3~0|none~1|nor_conv_3x3~2|")
    reference, total = trained(model), torch.zeros(8, 8, dtype=torch.float64)

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        on = (inputs[0] > 0).flatten(1).double()
        total.add_(on @ on.T + (1 - on) @ (1 - on).T)

    for module in reference.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(see)
    reference(batch[0])
    assert torch.equal(gather(model, batch, "relu_kernel").relu_kernel, total)


def test_channel_saliency(batch: Batch) -> None:
    model = network()
    reference, kept = trained(model), []

    def keep(module: nn.Module, inputs: object, output: Tensor) -> None:
        output.retain_grad()
        kept.append((module, output))

    for module in reference.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(keep)
    functional.cross_entropy(reference(batch[0]), batch[1]).backward()
    expected = {}
    for module, output in kept:
        product = output * output.grad
        total = product.sum((2, 3)) if product.dim() == 4 else product
        expected[tuple(module.weight.shape), float(output.detach().sum())] = total.pow(2).mean(0) / 2
    ours = gather(model, batch, "weight_gradients", "channel_saliency").channel_saliency
    assert len(ours) == len(kept)
    for saliency, fan_in in ours:
        match = [v for (s, _), v in expected.items() if v.shape == saliency.shape and close(v, saliency)]
        assert match and fan_in in {s[1] * (s[2] * s[3] if len(s) == 4 else 1) for s, _ in expected}


def test_hessian_gradient_is_pytorchs_own(batch: Batch) -> None:
    model = network()
    reference = trained(model)
    weights = weights_of(reference)
    loss = functional.cross_entropy(reference(batch[0]), batch[1])
    first = torch.autograd.grad(loss, weights, create_graph=True)
    second = torch.autograd.grad(sum((g.detach() * g).sum() for g in first), weights)  # type: ignore[arg-type]
    ours = gather(model, batch, "hessian_gradient").hessian_gradient
    scale = max(h.abs().max() for h in second)
    for a, b in zip(ours, second, strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-5 * float(scale))


def test_linear_gradients(batch: Batch) -> None:
    model = network()
    reference = trained(model, double=True)
    for name, module in list(reference.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            parent = reference.get_submodule(name.rpartition(".")[0])
            setattr(parent, name.rpartition(".")[2], nn.Identity())
    for parameter in reference.parameters():
        parameter.data.abs_()
    weights = weights_of(reference)
    gradients = torch.autograd.grad(reference(torch.ones(1, 3, 16, 16, dtype=torch.float64)).sum(), weights)
    for (weight, ours), w, g in zip(
        gather(model, batch, "linear_gradients").linear_gradients, weights, gradients, strict=True
    ):
        assert torch.equal(weight, w) and torch.allclose(ours, g, rtol=1e-10)


def test_batch_gradients_and_tangent_kernel(batch: Batch) -> None:
    model, (x, y) = network(), batch
    evidence = gather(model, batch, "batch_gradients", "tangent_kernel")
    for part, ours in zip((slice(0, 4), slice(4, 8)), evidence.batch_gradients, strict=True):
        reference = trained(model)
        functional.cross_entropy(reference(x[part]), y[part]).backward()
        assert all(close(a, w.grad) for a, w in zip(ours, weights_of(reference), strict=True))
    reference = trained(model)
    rows = []
    for i in range(8):
        reference.zero_grad()
        reference(x)[i].sum().backward()
        rows.append(torch.cat([w.grad.flatten() for w in weights_of(reference)]))  # type: ignore[union-attr]
    kernel = torch.stack(rows) @ torch.stack(rows).T
    assert close(evidence.tangent_kernel, kernel, rtol=1e-3)


def test_blocks_are_cells_and_residual_blocks() -> None:
    assert len(blocks.blocks(network())) == 5
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 10))
    assert blocks.blocks(plain) == []


def test_block_maps_and_jacobians(batch: Batch) -> None:
    model = network()
    evidence = gather(model, batch, "block_maps", "block_jacobians")
    reference = trained(model)
    maps = [reference.stem(batch[0])]  # type: ignore[operator]
    for block in reference.cells:  # type: ignore[union-attr]
        maps.append(block(maps[-1]))
    for values, one in zip(evidence.block_maps, maps, strict=True):
        rows = one.detach().permute(1, 0, 2, 3).flatten(1).double()
        assert close(values, torch.linalg.eigvalsh(torch.cov(rows, correction=0)), rtol=1e-3)
    signs = blocks.random_signs(max(m.numel() for m in maps[1:]), evidence)
    assert set(signs.tolist()) == {-1.0, 1.0} and abs(float(signs.mean())) < 0.1
    for ours, entering, leaving in zip(evidence.block_jacobians, maps[:-1], maps[1:], strict=True):
        b, c, h, w = leaving.shape
        above = signs[: leaving.numel()].view(b, h, w, c).permute(0, 3, 1, 2)
        (below,) = torch.autograd.grad(leaving, entering, above, retain_graph=True)
        below = functional.pixel_unshuffle(below, entering.shape[2] // h)
        assert ours is not None
        assert close(ours, torch.einsum("bihw,bohw->io", below, above) / (b * h * w), rtol=1e-3)


def test_identity_and_cut_blocks(batch: Batch) -> None:
    identity = network("|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    matrices = gather(identity, batch, "block_jacobians").block_jacobians
    assert [m is None for m in matrices].count(True) == 3
    assert score(identity, "az_nas_trainability", batch)["az_nas_trainability"].status == "infinite"
    cut = network("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    assert sum(
        float(m.abs().sum()) == 0 for m in gather(cut, batch, "block_jacobians").block_jacobians if m is not None
    )


def test_patches_come_from_the_images_and_the_seed(batch: Batch) -> None:
    x = torch.arange(2 * 3 * 6 * 6, dtype=torch.float32).view(2, 3, 6, 6)
    patches = repeat.patches(x, seed=1)
    assert patches.shape == (1000, 3, 4, 4)
    assert torch.equal(patches, repeat.patches(x, seed=1)) and not torch.equal(patches, repeat.patches(x, seed=2))
    windows = {
        tuple(x[i, :, r : r + 4, c : c + 4].flatten().tolist()) for i in (0, 1) for r in (0, 1, 2) for c in (0, 1, 2)
    }
    assert {tuple(p.flatten().tolist()) for p in patches} == windows


def test_network_comes_back_after_an_exception() -> None:
    model = network().eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    random = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="from inside"), borrowed(model):
        assert model.training
        torch.manual_seed(5)
        for buffer in model.buffers():
            buffer.zero_()
        raise RuntimeError("from inside")
    assert not any(m.training for m in model.modules())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert torch.equal(random, torch.get_rng_state())


def test_reading_what_was_not_asked_for_names_the_need(batch: Batch) -> None:
    with pytest.raises(LookupError, match="relu_kernel"):
        _ = gather(network(), batch, "features").relu_kernel
