"""The score of this bench: its parts by hand and against few-line references, dead branches, scale."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nb201_data.networks import build_network, build_resnet
from proxies import Score, initialise, score

PARTS = "conv_root_size,root_size_alive,gradient_spread,spread_size"
WHOLE = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
DEAD = "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|"  # only the 1x1 leads on
ALONE = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
CUT = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|none~2|"


def batch(n: int = 8, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, 8, 8, generator=generator), torch.arange(n) % 10


def scores(model: nn.Module) -> dict[str, Score]:
    return dict(score(initialise(model, "kaiming", 0), PARTS, batch()))


def cell(text: str) -> nn.Module:
    return build_network(text, 10, channels=4, cells_per_stage=1)


def root(model: nn.Module) -> float:
    shapes = [m.weight.shape for m in model.modules() if isinstance(m, nn.Conv2d)]
    return sum(math.log(s[0]) * math.sqrt(math.prod(s)) for s in shapes)


def test_without_dead_branches_every_convolution_counts() -> None:
    for model in (cell(WHOLE), build_resnet("resnet20", 10)):
        found = scores(model)
        assert found["root_size_alive"].value == pytest.approx(root(model)) == found["conv_root_size"].value


def test_dead_convolutions_do_not_count_and_a_cut_network_is_the_worst() -> None:
    dead, alone, cut = (scores(cell(text)) for text in (DEAD, ALONE, CUT))
    assert dead["root_size_alive"].value == alone["root_size_alive"].value == pytest.approx(root(cell(ALONE)))
    assert (dead["conv_root_size"].value or 0) > (alone["conv_root_size"].value or 0)
    assert cut["root_size_alive"].value == 0 == cut["spread_size"].value
    assert cut["gradient_spread"].status == "not-applicable" and "no image" in cut["gradient_spread"].reason


def test_the_spread_is_the_mean_of_log_correlations() -> None:
    model = initialise(cell(WHOLE), "kaiming", 0)
    found = score(model, PARTS, batch())
    images = batch()[0].requires_grad_()
    model.train()
    (gradient,) = torch.autograd.grad(model(images).sum(), [images])
    corr = np.corrcoef(gradient.flatten(1).double().numpy())
    logs = [math.log(abs(corr[i, j]) + 1e-5) for i in range(8) for j in range(i)]
    assert found["gradient_spread"].value == pytest.approx(-np.mean(logs), rel=1e-3)
    parts = (found["root_size_alive"].value or 0) * (found["gradient_spread"].value or 0)
    assert found["spread_size"].value == pytest.approx(parts)


def test_linear_layers_count_but_for_the_classifier() -> None:
    from transformer_support import Transformer

    model = Transformer()
    layers = [m.weight.shape for m in model.modules() if isinstance(m, nn.Linear) and m is not model.head]
    shapes = [model.patches.weight.shape, *layers]
    found = score(model, "root_size_alive", (torch.randn(4, 3, 16, 16), torch.arange(4)))["root_size_alive"]
    assert found.value == pytest.approx(sum(math.log(s[0]) * math.sqrt(math.prod(s)) for s in shapes))


class Straight(nn.Module):
    """The same response to every image: a linear map of the pixels, a convolution before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1, bias=False)
        self.head = nn.Linear(4 * 64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).flatten(1))


def test_a_network_that_pulls_at_all_images_alike_has_no_spread() -> None:
    found = score(Straight(), PARTS, batch())
    assert found["gradient_spread"].value == pytest.approx(0, abs=1e-4)


def test_a_scale_of_the_weights_behind_changes_nothing() -> None:
    model = initialise(cell(WHOLE), "kaiming", 0)
    before = score(model, "spread_size", batch())["spread_size"].value
    with torch.no_grad():
        model.classifier.weight.mul_(7)
    assert score(model, "spread_size", batch())["spread_size"].value == pytest.approx(before, rel=1e-4)
