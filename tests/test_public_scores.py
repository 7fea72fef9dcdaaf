"""Public code's scores for networks made from seeds: no download, dead branches and shifted norms included.

`public_scores.csv` holds what the measures of zero-cost-nas, NASLib, the DisWOT code (they agree) and ZiCo's returned
for `public_networks`, PyTorch 2.13 on a CPU. `nwot_once` is NASLib's NWOT with the class ReLUConvBN renamed: it hooks
classes by name, and counts the input of such a block a second time. ZiCo's loop keeps the first batch's gradient
while it computes the second; here gradients are zeroed in between. What cannot be compared, because the formula
differs on purpose (MeCo, TE-NAS, AZ-NAS: see docs/proxies.md), has references in `test_proxies_formulas.py` and
`test_evidence.py`.
"""

from pathlib import Path

import pytest
import torch
from files_support import rows_of
from public_networks import NETWORKS, batch, network
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nb201_data.networks import CellNetwork, build_network
from proxies import score
from proxies.evidence import perturb

SAME = {"jacob": "jacov", "nwot": "nwot_once"} | {
    name: name
    for name in ("grad_norm", "snip", "grasp", "fisher", "synflow", "plain", "l2_norm", "epe_nas", "zico", "zen")
}
SENSITIVE = {"epe_nas", "zico"}  # logarithms of values near 0, quotients of small differences: rounding shows


def theirs() -> dict[tuple[str, str], float]:
    rows = rows_of(Path(__file__).with_name("public_scores.csv"))
    return {(row["network"], row["proxy"]): float(row["score"]) for row in rows}


def ours(name: str) -> CellNetwork:
    """The project's own network with the same weights, in their memory layout."""
    built = build_network(NETWORKS[name][0], 10, channels=8, cells_per_stage=1)
    built.load_state_dict(network(name).state_dict())
    return built.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


@pytest.fixture
def their_random_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Zen draws weights, x and e one after another from the global generator; for the comparison, so do we."""

    def in_order(model: nn.Module, init: str, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.normal_(module.weight)
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()
        return model

    monkeypatch.setattr(perturb, "initialise", in_order)
    monkeypatch.setattr(perturb, "noise", lambda like, seed, name: torch.randn(like.shape))


@pytest.mark.parametrize("name", NETWORKS)
def test_same_formula_same_number(name: str, their_random_numbers: None) -> None:
    """Of the sensitive ones float64 tells how far float32 is off here; on another CPU theirs is off as far."""
    expected, found = theirs(), score(ours(name), list(SAME), batch())
    x, y = batch()
    exact = score(ours(name).double(), sorted(SENSITIVE), (x.double(), y))
    for proxy, public in SAME.items():
        value, tolerance = found[proxy].value, 1e-4 * abs(expected[name, public])
        if proxy in SENSITIVE:
            tolerance = 10 * tolerance + 2 * abs(value - exact[proxy].value)
        assert value == pytest.approx(expected[name, public], abs=tolerance), proxy


@pytest.mark.parametrize("name", NETWORKS)
def test_flops_are_those_of_pytorchs_own_counter(name: str) -> None:
    x, y = batch()
    model = ours(name)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x[:1])
    assert score(model, "flops", (x, y))["flops"].value == counter.get_total_flops() / 2
