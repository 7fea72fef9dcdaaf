"""The pruned count: the closed form of the space is what the score finds, in anyone's way of writing the network."""

from pathlib import Path

import pytest
import torch
from benchmark_network import TinyNetwork
from files_support import rows_of
from scipy.stats import spearmanr
from torch import Tensor, nn

from nb201_data.skeleton import Skeleton
from nb201_data.space import Cell, sample_cells
from nb201_data.spaces import get_space
from nb201_data.truth import benchmark
from proxies import initialise, score

SPACE = get_space("nb201").with_skeleton(Skeleton(4, 1, 10, 16))
CELLS = [
    Cell.parse("|none~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|"),
    Cell.parse("|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|none~2|"),
    Cell.parse("|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|none~2|"),  # nothing gets through
    *sample_cells(12, seed=2),
]


def batch() -> tuple[Tensor, Tensor]:
    return torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.arange(4)


def shift_norms(model: nn.Module) -> None:
    """What training does: the batch norm behind a convolution of zeros hands on its shift."""
    torch.manual_seed(3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_closed_form(cell: Cell) -> None:
    for network in (SPACE.build(cell), TinyNetwork(str(cell), 10, 4, 1)):
        for change in (lambda m: initialise(m, "gaussian", 0), shift_norms):
            change(network)
            found = score(network, "flops,flops_pruned", batch())
            assert found["flops"].value == SPACE.flops(cell)
            assert found["flops_pruned"].value == SPACE.flops_pruned(cell)


def test_a_branch_whose_scale_starts_at_zero_is_alive() -> None:
    model = get_space("s0").with_skeleton(Skeleton(16, 0, 10, 32)).build(get_space("s0").parse("111"))
    for name, module in model.named_modules():
        if name.endswith("bn2"):
            nn.init.zeros_(module.weight)  # type: ignore[arg-type]
    found = score(model, "flops,flops_pruned,grad_norm", batch())
    assert found["flops_pruned"].value == found["flops"].value


def test_a_network_without_numbers_has_no_dead_layers_to_tell() -> None:
    model = SPACE.build(CELLS[0])
    nn.init.constant_(model.stem[0].weight, torch.nan)
    one = score(model, "flops_pruned", batch())["flops_pruned"]
    assert one.status == "not-applicable" and "finite" in one.reason


def test_how_well_it_ranks_all_cells(reference_data: Path) -> None:
    """FLOPs rank cells exactly as parameters do; what is alive of them tells more."""
    rows = rows_of(reference_data / benchmark.FILE)
    space, truth = get_space("nb201"), [float(row["cifar10_test_200"]) for row in rows]
    cells = [space.parse(row["arch"]) for row in rows]
    found = {
        name: spearmanr([getattr(space, name)(cell) for cell in cells], truth).statistic
        for name in ("params", "flops", "flops_pruned")
    }
    assert found["params"] == pytest.approx(found["flops"], abs=1e-12)
    assert [round(found[name], 3) for name in ("flops", "flops_pruned")] == [0.753, 0.823]
