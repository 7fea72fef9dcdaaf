"""Weights that no layer shows: scores that go from layer to layer refuse and name them; the others do not mind."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from nb201_data.counting import multiply_adds
from proxies import all_proxies, proxy, score
from proxies.evidence import Evidence
from proxies.evidence.plan import LAYER_NEEDS
from proxies.registry import remove

MODULES = {"trainable_layers", "vkdnw", "vkdnw_single", "vkdnw_transposed", "near", "dextr"}
CONVOLUTIONS = {info.name for info in all_proxies() if info.name.startswith("auto_das")}  # look at nothing else
"""What looks at parameter tensors or modules as they are cut: the same function in other parts is another network."""

WALKERS = {info.name for info in all_proxies() if info.needs & LAYER_NEEDS} - CONVOLUTIONS | {"l2_norm"}


class Separate(nn.Module):
    """Self-attention of two heads, in four linear layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (layer(x).unflatten(2, (2, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        weights = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).flatten(2))


class Fused(nn.Module):
    """The same function in PyTorch's own module."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mha = nn.MultiheadAttention(width, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.mha(x, x, x, need_weights=False)[0]


class Patches(nn.Module):
    """4 x 4 patches with a positional embedding, a mixer between them, a head."""

    def __init__(self, mixer: nn.Module) -> None:
        super().__init__()
        self.embed = nn.Linear(48, 16)
        self.position = nn.Parameter(torch.randn(1, 16, 16))
        self.mixer, self.norm, self.act, self.head = mixer, nn.LayerNorm((16, 16)), nn.ReLU(), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)
        tokens = self.embed(tokens) + self.position
        mixed = self.mixer(tokens)
        return self.head(self.act(self.norm(tokens + (mixed[0] if isinstance(mixed, tuple) else mixed))).mean(1))


def batch() -> tuple[Tensor, Tensor]:
    return torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.arange(8)


def test_attention_in_linear_layers_is_counted_to_the_last_multiply_add() -> None:
    torch.manual_seed(0)
    model = Patches(Separate(16))
    scores = score(model, list(WALKERS), batch(), teacher=model)
    refused = {name: one.reason for name, one in scores.items() if one.status != "ok"}
    assert refused == {name: "the network has no convolution" for name in WALKERS if name.startswith("auto_das_")}
    linear, products = 16 * (48 * 16 + 4 * 16 * 16) + 160, 2 * 16 * 16 * 16
    assert scores["flops"].value == scores["flops_pruned"].value == linear + products == multiply_adds(model, 16)
    layers = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]
    assert scores["l2_norm"].value == pytest.approx(sum(float(w.detach().norm()) for w in layers))


def test_the_same_attention_with_hidden_weights_is_refused_by_name() -> None:
    """The same logits, and no score that differs: the same value where no layers are looked at, else a refusal."""
    torch.manual_seed(0)
    separate, fused = Patches(Separate(16)), Patches(Fused(16))
    mine, theirs = separate.mixer, fused.mixer.mha
    state = separate.state_dict()
    names = ("q", "k", "v")
    theirs.in_proj_weight.data = torch.cat([state[f"mixer.{n}.weight"] for n in names])
    theirs.in_proj_bias.data = torch.cat([state[f"mixer.{n}.bias"] for n in names])
    theirs.out_proj.load_state_dict(mine.out.state_dict())  # type: ignore[union-attr]
    fused.load_state_dict({k: v for k, v in state.items() if not k.startswith("mixer")}, strict=False)
    x, y = batch()
    torch.testing.assert_close(fused(x), separate(x))
    one, other = (score(m, "all", (x, y), teacher=separate) for m in (separate, fused))
    for name in one:
        if name in MODULES | CONVOLUTIONS:
            continue
        if name in WALKERS:
            assert other[name].status == "not-applicable" and "mixer.mha.in_proj_weight" in other[name].reason, name
        elif name != "trainable_layers":  # the number of tensors, and one of them is three here
            assert (other[name].status, other[name].reason) == (one[name].status, one[name].reason), name
            if one[name].value is not None:
                assert other[name].value == pytest.approx(one[name].value, rel=1e-3, abs=1e-6), name
    assert one["trainable_layers"].value == other["trainable_layers"].value + 4  # type: ignore[operator]
    assert other["nwot"].status == other["jacob"].status == other["kd"].status == "ok"


class Matrix(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(16, 1))
        self.mix = nn.Parameter(torch.randn(16, 16))

    def forward(self, x: Tensor) -> Tensor:
        return x @ (self.scale * self.mix)


@pytest.mark.parametrize(
    ("mixer", "hidden"),
    [
        (Matrix(), "miss mixer.mix:"),
        (nn.GRU(16, 16, batch_first=True), "miss mixer.weight_ih_l0, mixer.weight_hh_l0:"),
        (weight_norm(nn.Linear(16, 16)), "miss mixer.parametrizations.weight.original1:"),
        (nn.LSTM(16, 16, num_layers=2, batch_first=True), "mixer.weight_ih_l1 and 1 more"),
    ],
)
def test_other_ways_to_hide_a_matrix(mixer: nn.Module, hidden: str) -> None:
    for name, one in score(Patches(mixer), list(WALKERS), batch(), teacher=Patches(Separate(16))).items():
        assert one.status == "not-applicable" and hidden in one.reason, (name, one)


def test_a_proxy_of_ones_own_learns_it_too() -> None:
    @proxy("layer_count", direction="higher", needs=[], paper="mine")
    def layer_count(evidence: Evidence) -> float:
        """How many layers there are."""
        return float(len(evidence.layers))

    try:
        assert score(Patches(Separate(16)), "layer_count", batch())["layer_count"].value == 6
        assert "in_proj_weight" in score(Patches(Fused(16)), "layer_count", batch())["layer_count"].reason
    finally:
        remove("layer_count")
