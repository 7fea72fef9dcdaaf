"""Each proxy as a function of evidence made by hand, against a reference of a few lines."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from diswot_errors import NotApplicable
from nb201_data.networks import build_network
from proxies import TeacherEvidence, get, initialise, score, teacher_evidence
from proxies.distillation import losses, released, similarity
from proxies.evidence import Evidence, Features
from proxies.registry import aggregates
from proxies.zero_cost.ranks import ranks

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"


def evidence(**found: Any) -> Evidence:
    """Evidence with nothing in it but what is given; two layers of 2 x 3 and 4 x 2."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 4))
    return Evidence(model, torch.randn(6, 3), torch.tensor([0, 1, 0, 1, 2, 3]), found=found, seen_classes=4)


def value(name: str, given: Evidence) -> float:
    return float(get(name).function(given))


def test_gradient_proxies() -> None:
    gradients = (torch.randn(2, 3), torch.randn(4, 2))
    given = evidence(weight_gradients=gradients, hessian_gradient=gradients)
    weights = [layer.weight for layer in given.layers]
    products = [w * g for w, g in zip(weights, gradients, strict=True)]
    assert value("grad_norm", given) == pytest.approx(sum(float(g.norm()) for g in gradients))
    assert value("snip", given) == pytest.approx(sum(float(p.abs().sum()) for p in products))
    assert value("plain", given) == pytest.approx(sum(float(p.sum()) for p in products))
    assert value("grasp", given) == pytest.approx(-sum(float(p.sum()) for p in products))
    assert value("l2_norm", given) == pytest.approx(sum(float(w.norm()) for w in weights))


def test_fisher_and_synflow() -> None:
    given = evidence(
        weight_gradients=(),
        channel_saliency=[(torch.tensor([1.0, 2.0]), 3), (torch.tensor([0.5]), 2)],
        linear_gradients=((torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])), (torch.tensor(5.0), torch.tensor(6.0))),
    )
    assert value("fisher", given) == pytest.approx(3 * 3 + 2 * 0.5)
    assert value("synflow", given) == pytest.approx(3 + 8 + 30)


def test_jacob_and_epe_nas_against_numpy() -> None:
    gradient = torch.randn(6, 3, 4, 4)
    given = evidence(input_gradient=gradient)
    rows = gradient.double().flatten(1).numpy()
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(rows))
    assert value("jacob", given) == pytest.approx(-np.sum(np.log(eigenvalues + 1e-5) + 1 / (eigenvalues + 1e-5)))
    total = 0.0
    for label in range(4):
        members = rows[given.labels.numpy() == label]
        total += abs(np.sum(np.log(np.abs(np.atleast_2d(np.corrcoef(members))) + 1e-5)))
    assert value("epe_nas", given) == pytest.approx(total)


def test_jacob_of_a_network_without_response_is_a_number() -> None:
    silent = value("jacob", evidence(input_gradient=torch.zeros(6, 3, 4, 4)))
    assert silent == pytest.approx(-6 * (math.log(1e-5) + 1e5))
    assert silent < value("jacob", evidence(input_gradient=torch.randn(6, 3, 4, 4)))


def test_nwot_zen_meco() -> None:
    kernel = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    assert value("nwot", evidence(relu_kernel=kernel)) == pytest.approx(math.log(5))
    given = evidence(perturbation=(torch.tensor(2.0), torch.tensor([4.0, 9.0])))
    assert value("zen", given) == pytest.approx(math.log(2) + math.log(2) + math.log(3))
    assert value("meco", evidence(first_maps=torch.tensor([0.25, 0.5]))) == pytest.approx(0.75)


def test_zico_against_the_standard_deviation() -> None:
    halves = tuple((torch.randn(2, 3), torch.randn(4, 2)) for _ in range(2))
    halves[1][0][0, 0] = halves[0][0][0, 0]  # a gradient that does not change is left out
    total = 0.0
    for pair in zip(*halves, strict=True):
        g = np.stack([p.double().numpy().ravel() for p in pair])
        spread = g.std(0)
        total += math.log(np.sum(np.abs(g).mean(0)[spread > 0] / spread[spread > 0]))
    assert value("zico", evidence(batch_gradients=halves)) == pytest.approx(total, rel=1e-4)
    assert value("zico", evidence(batch_gradients=(halves[0], halves[0]))) == 0
    halves[1][1][0, 0] = math.nan
    assert math.isnan(value("zico", evidence(batch_gradients=halves)))


def test_epe_nas_of_many_classes_compares_those_with_several_images() -> None:
    gradient = torch.randn(7, 3, 4, 4)
    rows, labels = gradient.double().flatten(1).numpy(), torch.tensor([5, 9, 5, 2, 9, 9, 100])
    many = nn.Sequential(nn.Flatten(), nn.Linear(48, 101))
    given = Evidence(many, torch.zeros(7, 3, 4, 4), labels, found={"input_gradient": gradient}, seen_classes=101)
    logs = {c: np.log(np.abs(np.corrcoef(rows[labels.numpy() == c])) + 1e-5) for c in (5, 9)}
    five, nine = logs[5].sum() / 2, logs[9].sum() / 3
    assert value("epe_nas", given) == pytest.approx(2 * abs(five - nine) / 2)
    alone = Evidence(many, given.x, torch.arange(7), found=given.found, seen_classes=101)
    with pytest.raises(NotApplicable, match="no class has two images"):
        value("epe_nas", alone)


def test_te_nas_and_az_nas_parts() -> None:
    kernel = torch.diag(torch.tensor([2.0, 8.0, 4.0], dtype=torch.float64))
    assert value("te_nas_ntk", evidence(tangent_kernel=kernel)) == pytest.approx(4)
    assert value("te_nas_ntk", evidence(tangent_kernel=torch.zeros(2, 2).double())) == math.inf
    assert value("te_nas_regions", evidence(regions=7)) == 7
    maps = [torch.tensor([1.0, 1.0]), torch.tensor([0.0, 3.0]), torch.tensor([1.0, 1.0, 2.0])]
    entropies = [math.log(2), 0.0, 1.5 * math.log(2)]
    assert value("az_nas_expressivity", evidence(block_maps=maps)) == pytest.approx(sum(entropies), abs=1e-6)
    assert value("az_nas_progressivity", evidence(block_maps=maps)) == pytest.approx(-math.log(2), abs=1e-6)
    matrices = [torch.diag(torch.tensor([0.5, 2.0])), torch.eye(3)]
    assert value("az_nas_trainability", evidence(block_jacobians=matrices)) == pytest.approx(-0.25, abs=1e-5)
    assert value("az_nas_trainability", evidence(block_jacobians=[None, torch.eye(3)])) == -math.inf


def test_aggregates_rank_within_the_set() -> None:
    found = {info.name: info for info in aggregates()}
    assert set(found) == {"az_nas", "te_nas", "vkdnw_agg"}
    assert found["te_nas"].function([4.0, 2.0, 8.0], [10.0, 10.0, 30.0]) == [2 + 1.5, 3 + 1.5, 1 + 3]
    columns = [[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [5.0, 9.0]]
    assert found["az_nas"].function(*columns) == pytest.approx([3 * math.log(0.5), math.log(0.5)])
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [3.5, 1, 3.5, 2]
    with pytest.raises(ValueError, match="NaN"):
        ranks([1.0, math.nan])


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module, tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    batch = torch.randn(8, 3, 16, 16, generator=generator), torch.arange(8)
    student, teacher = (build_network(CELL, 10, 4, 1) for _ in range(2))
    return initialise(student, "gaussian", 0), initialise(teacher, "gaussian", 1), batch


def shown(model: nn.Module, batch: tuple[Tensor, Tensor]) -> TeacherEvidence:
    return teacher_evidence(model, batch)


KD_BASED = ("kd", "dkd", "kd_ls", "dkd_ls", "fitnet", "at", "sp", "rkd", "pkt", "cc", "nst", "ickd")


@pytest.mark.parametrize("name", KD_BASED)
def test_kd_based_scores_are_the_losses(name: str, pair: Any) -> None:
    student, teacher, batch = pair
    ours = score(student, name, batch, teacher=teacher)[name].value
    s, t = shown(student, batch).features, shown(teacher, batch).features
    assert ours == pytest.approx(float(losses.get(name)(s, t, batch[1])), rel=1e-6)  # type: ignore[arg-type]
    assert ours and ours > 0
    same = score(student, name, batch, teacher=student)[name].value
    assert same == pytest.approx(0, abs=1e-6)


def test_released_variants_do_what_the_scripts_do(pair: Any) -> None:
    student, teacher, batch = pair
    both, (x, y) = score(student, "*_released*,*_readme,kd,m_s,m_r,diswot", batch, teacher=teacher), batch
    got = {name: one.value for name, one in both.items()}
    s, t = shown(student, batch).features, shown(teacher, batch).features
    exchanged = losses.kd(t.logits, s.logits)
    assert got["kd_released"] == pytest.approx(float(exchanged), rel=1e-6) and got["kd_released"] != got["kd"]
    assert got["sp_released"] == got["m_r_released_s0"] == pytest.approx(float(released.m_r_map(s.last, t.last)))
    assert got["m_s_released"] == got["m_s_readme"]
    assert got["diswot"] == pytest.approx(-(got["m_s"] + got["m_r"]), rel=1e-6)
    assert got["diswot_readme"] == pytest.approx(-(got["m_s_readme"] + got["m_r_readme"]), rel=1e-6)
    assert got["diswot_released"] == pytest.approx(-(got["m_s_released"] + got["m_r_released"]), rel=1e-6)
    first_image_only = score(student, "m_r_released_s0", (x.roll(1, 0), y), teacher=teacher)["m_r_released_s0"].value
    assert first_image_only != got["m_r_released_s0"]


def test_m_s_reads_grad_cam_from_the_classifier(pair: Any) -> None:
    student, teacher, batch = pair
    ours = score(student, "m_s", batch, teacher=teacher)["m_s"].value
    maps = shown(student, batch).features.last, shown(teacher, batch).features.last
    weights = student.classifier.weight.detach(), teacher.classifier.weight.detach()
    assert ours == pytest.approx(float(similarity.m_s(*maps, *weights, batch[1])), rel=1e-6)


def test_another_width_is_scored_or_refused_with_the_reason(pair: Any) -> None:
    student, _, batch = pair
    wide = initialise(build_network(CELL, 10, 8, 1), "gaussian", 1)
    scores = score(student, "m_s,m_r,diswot,nst,at,sp,kd,ickd,fitnet,cc,m_s_readme", batch, teacher=wide)
    ok = {name for name, one in scores.items() if one.status == "ok"}
    assert ok == {"m_s", "m_r", "diswot", "nst", "at", "sp", "kd"}
    for name in scores.keys() - ok:
        assert scores[name].status == "not-applicable"
        assert "channels differ: student" in scores[name].reason


def test_features_without_maps_are_refused() -> None:
    bare = Features((), None, None, torch.zeros(6, 4))
    given = evidence(features=bare)
    given.teacher_evidence = TeacherEvidence(bare, given.labels, torch.zeros(4, 2))
    for name in ("m_s", "m_r", "at", "nst", "sp"):
        with pytest.raises(NotApplicable, match="no feature maps"):
            value(name, given)
    for name in ("rkd", "pkt", "m_r_released"):
        with pytest.raises(NotApplicable, match="linear classifier"):
            value(name, given)
