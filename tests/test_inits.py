"""Initialisations: a function of seed and layer name, with the moments that their names promise."""

import hashlib
import math

import pytest
import torch
from torch import Tensor, nn

from diswot_errors import UsageError
from proxies.inits import INITS, fans, generator_for, initialise


def network(*extra: tuple[str, nn.Module]) -> nn.Sequential:
    model = nn.Sequential()
    for name, module in (
        ("stem", nn.Conv2d(3, 64, 3)),
        *extra,
        ("norm", nn.BatchNorm2d(64)),
        ("wide", nn.Conv2d(64, 128, 3, bias=False)),
        ("head", nn.Linear(128, 100)),
    ):
        model.add_module(name, module)
    return model


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("init", sorted(INITS))
class TestEvery:
    def test_same_seed_and_layer_same_weights_in_other_networks(self, init: str) -> None:
        small = weights(initialise(network(), init, 3))
        large = weights(initialise(network(("inserted", nn.Conv2d(64, 64, 3))), init, 3))
        assert set(small) < set(large)
        assert all(torch.equal(small[name], large[name]) for name in small)

    def test_order_of_the_layers_does_not_matter(self, init: str) -> None:
        model = network()
        reverse = nn.Sequential()
        for name, module in reversed(list(network().named_children())):
            reverse.add_module(name, module)
        first, second = weights(initialise(model, init, 0)), weights(initialise(reverse, init, 0))
        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_what_was_there_before_does_not_matter(self, init: str) -> None:
        model = network()
        first = weights(initialise(model, init, 0))
        model.norm(torch.randn(2, 64, 5, 5))
        initialise(model, "gaussian", 9)
        second = weights(initialise(model, init, 0))
        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_memory_format_does_not_matter(self, init: str) -> None:
        plain = weights(initialise(network(), init, 5))
        other = weights(initialise(network().to(memory_format=torch.channels_last), init, 5))
        assert all(torch.equal(plain[name], other[name]) for name in plain)

    def test_seeds_and_layers_differ(self, init: str) -> None:
        model = nn.ModuleDict({"a": nn.Linear(8, 8), "b": nn.Linear(8, 8)})
        first, second = weights(initialise(model, init, 0)), weights(initialise(model, init, 1))
        assert not torch.equal(first["a.weight"], second["a.weight"])
        assert not torch.equal(first["a.weight"], first["b.weight"])

    def test_the_global_generator_is_left_alone(self, init: str) -> None:
        model, before = network(), torch.random.get_rng_state()
        initialise(model, init, 0)
        assert torch.equal(torch.random.get_rng_state(), before)

    def test_moments(self, init: str) -> None:
        wide = initialise(network(), init, 0).wide.weight
        fan_in, fan_out = 64 * 9, 128 * 9
        deviation = {
            "gaussian": 1.0,
            "kaiming": math.sqrt(2 / fan_in),
            "xavier": math.sqrt(2 / (fan_in + fan_out)),
            "default": math.sqrt(1 / (3 * fan_in)),
        }[init]
        assert fans(wide) == (fan_in, fan_out)
        assert wide.mean().abs() < 4 * deviation / math.sqrt(wide.numel())
        assert wide.std().item() == pytest.approx(deviation, rel=0.01)
        bounded = init in ("xavier", "default")
        assert (wide.abs().max() <= deviation * math.sqrt(3) * 1.0001).item() is bounded

    def test_biases_and_norms(self, init: str) -> None:
        model = network()
        nn.init.constant_(model.norm.weight, 3)
        model.norm.running_mean.fill_(2)
        initialise(model, init, 0)
        assert model.norm.weight.eq(1).all() and model.norm.bias.eq(0).all()
        assert model.norm.running_mean.eq(0).all() and model.norm.running_var.eq(1).all()
        bound = 1 / math.sqrt(27)
        assert (model.stem.bias.abs().max() <= bound).item()
        assert model.stem.bias.any().item() is (init == "default")


def test_default_has_the_moments_of_pytorch() -> None:
    torch.manual_seed(0)
    own, pytorch = initialise(nn.Linear(1000, 1000), "default", 0), nn.Linear(1000, 1000)
    assert own.weight.std().item() == pytest.approx(pytorch.weight.std().item(), rel=0.01)
    assert own.bias.std().item() == pytest.approx(pytorch.bias.std().item(), rel=0.1)


def test_returns_the_model_it_was_given() -> None:
    model = network()
    assert initialise(model, "kaiming", 0) is model


def test_a_generator_depends_on_seed_and_name() -> None:
    draws = {torch.rand((), generator=generator_for(s, n)).item() for s in (0, 1) for n in ("a", "b")}
    assert len(draws) == 4
    digest = hashlib.sha256(b"7:stem.0").digest()  # of no process and no platform
    assert generator_for(7, "stem.0").initial_seed() == int.from_bytes(digest[:8], "little") // 2


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(UsageError, match="expected one of gaussian, kaiming, xavier, default"):
        initialise(network(), "normal", 0)
