"""Every score on one small network of each space of transformers: a number, or the reason why there is none."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from files_support import rows_of
from torch import Tensor, nn
from torch.nn import functional

from benchmarks import correlation
from nb201_data.images import load_images
from nb201_data.spaces import get_space
from nb201_data.teachers import build_teacher
from proxies import Score, all_proxies, initialise, score, teacher_evidence

NO_RELU = {"nwot", "swap", "wrcor", "rbflex", "te_nas_regions"}
NO_BLOCKS_OF_MAPS = {"az_nas_expressivity", "az_nas_progressivity", "az_nas_trainability"}
EQUAL_WIDTHS = {  # the last map or what is pooled: 192 and 32 channels against the teacher's 64
    *("cc", "ickd", "fitnet_released", "sp_released"),
    *("m_s_readme", "diswot_readme", "m_s_released", "m_r_released", "diswot_released"),
    *("m_r_released_s0", "diswot_released_s0"),
    *("auto_das_nb201", "auto_das_nb201_interaction", "auto_das_s0", "auto_das_s0_interaction"),
}
REFUSED = {
    "autoformer": NO_RELU | NO_BLOCKS_OF_MAPS | EQUAL_WIDTHS | {"fitnet"},  # its middle stage has 192, the teacher's 32
    "pit": NO_RELU | NO_BLOCKS_OF_MAPS | EQUAL_WIDTHS | {"m_s", "diswot"},  # a class token is read
}
REASONS = {
    "the network has no ReLU module": NO_RELU,
    "the network has no blocks": NO_BLOCKS_OF_MAPS,
    "differ: ": EQUAL_WIDTHS | {"fitnet"},
    "the classifier of the network does not read the mean of the last map": {"m_s", "diswot"},
}
ARCHS = {"autoformer": "c192h333333333333r777777777777", "pit": "b16m2d166h222"}


@pytest.fixture(scope="module", params=sorted(ARCHS))
def scored(request: pytest.FixtureRequest) -> tuple[str, dict[str, Score]]:
    name = request.param
    space = get_space(name).fitted(10, 32)
    batch = load_images("embedded:10").batch(space.batch_size, 0)
    network = initialise(space.build(space.parse(ARCHS[name])), "gaussian", 0)
    teacher = initialise(build_teacher("resnet56", space), "gaussian", 1000)
    return name, score(network, "all", batch, teacher=teacher_evidence(teacher, batch))


def test_every_score_is_a_number_or_says_why_not(scored: tuple[str, dict[str, Score]]) -> None:
    name, found = scored
    assert set(found) == {info.name for info in all_proxies()}
    assert {proxy: one.status for proxy, one in found.items() if one.status != "ok"} == dict.fromkeys(
        REFUSED[name], "not-applicable"
    )
    for reason, names in REASONS.items():
        assert all(reason in found[proxy].reason for proxy in names & REFUSED[name])


def test_sizes_are_those_of_the_space(scored: tuple[str, dict[str, Score]]) -> None:
    name, found = scored
    space = get_space(name).fitted(10, 32)
    arch, forms = space.parse(ARCHS[name]), space.closed_forms()
    assert found["params"].value == space.params(arch)
    assert found["flops"].value == found["flops_pruned"].value == space.flops(arch)
    for shared in forms.keys() & {"conv_log_width"}:
        assert found[shared].value == pytest.approx(forms[shared](arch))


def test_auto_das_sees_the_width_alone(scored: tuple[str, dict[str, Score]]) -> None:
    """ln ln 192 = 1.6597 of AutoFormer's one convolution, sum of ln ln C of PiT's three; the gradients add .01."""
    found = scored[1]
    assert found["auto_das_vit_instinct"].value == pytest.approx(found["conv_log_width"].value, abs=0.02)


def test_a_token_is_told_from_a_mean() -> None:
    """M_s asks what the classifier reads: of AutoFormer it is the mean of the last map, of PiT it is not."""
    for name in ARCHS:
        space = get_space(name).fitted(10, 48)
        shown = space.build(space.draw(random.Random(1))).forward_features(torch.randn(2, 3, 48, 48))
        assert torch.allclose(shown.last.mean((2, 3)), shown.pooled, atol=1e-5) == (name == "autoformer")


def fused(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(q, k, v)


def written(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1) @ v


def summed(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    weights = (torch.einsum("bhid,bhjd->bhij", q, k) * q.shape[-1] ** -0.5).softmax(-1)
    return torch.einsum("bhij,bhjd->bhid", weights, v)


class Attends(nn.Module):
    def __init__(self, attend: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.attend, self.qkv, self.head = attend, nn.Linear(12, 36), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x.flatten(2).mT.repeat(1, 1, 4)).unflatten(2, (3, 3, 4)).permute(2, 0, 3, 1, 4)
        return self.head(self.attend(q, k, v).transpose(1, 2).flatten(2).mean(1))


@pytest.mark.parametrize("attend", [fused, written, summed])
def test_products_of_attention_count_however_they_are_written(attend: Callable[..., Tensor]) -> None:
    """25 tokens of 12 channels: 2 N^2 C beside the layers; what other scores multiply meanwhile does not count."""
    batch = torch.randn(6, 3, 5, 5, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 4
    model = Attends(attend)
    expected = 25 * 12 * 36 + 12 * 4 + 2 * 25**2 * 12
    for names in ("flops", "flops,flops_pruned,near,fisher,jacob,grasp,gradsign"):
        assert score(model, names, batch)["flops"].value == expected


def test_the_command_scores_them_on_enlarged_images(tmp_path: Path) -> None:
    """A table of one's own with keys and JSON texts; batch, teacher and images are what the space says."""
    archs = [str(get_space("pit").draw(random.Random(seed))) for seed in range(11)]
    table = {"base_dim": 16, "mlp_ratio": 2, "depth": [1, 6, 6], "num_heads": [2, 2, 2]}
    quoted = json.dumps(table).replace('"', '""')
    rows = [f'"{quoted}",40,c16n0k4r64', *(f"{arch},{50 + i},c16n0k4r64" for i, arch in enumerate(archs[:10]))]
    (tmp_path / "mine.csv").write_text("\n".join(["arch,accuracy,skeleton", *rows, ""]), encoding="utf-8")
    options = [
        "--ground-truth",
        f"{tmp_path / 'mine.csv'}:space=pit",
        "--proxies",
        "m_r,m_s,tvt_teacher,conv_log_width",
    ]
    machine = ["--workers", "1", "--device", "cpu", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    assert correlation.main([*options, *machine]) == 0
    config = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["config"]
    (study,) = config["studies"]
    shown = {key: study[key] for key in ("space", "images", "batch_size", "teacher", "skeleton")}
    assert shown == {
        "space": "pit", "images": "embedded:4@64", "batch_size": 8, "teacher": "resnet56", "skeleton": "c16n0k4r64",
    }  # fmt: skip
    scores = rows_of(tmp_path / "out" / "scores.csv")
    statuses = {(row["proxy"], row["status"]) for row in scores}
    assert statuses == {(n, "ok") for n in ("m_r", "tvt_teacher", "conv_log_width", "params", "flops")} | {
        ("m_s", "not-applicable")
    }
    assert "b16m2d166h222" in {row["arch"] for row in scores}
