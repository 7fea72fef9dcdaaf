"""NST taken apart (docs/plugins/nst_parts.py): its terms add up, and its own term is one over a participation ratio."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import Tensor

import diswot_plugins
from proxies.distillation.nst import nst

FILE = Path(__file__).parent.parent / "docs" / "plugins" / "nst_parts.py"


@pytest.fixture(scope="module")
def parts() -> Iterator[ModuleType]:
    with diswot_plugins.restored():
        yield diswot_plugins.load_plugin(FILE)


def maps(seed: int, channels: int = 5) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.relu(torch.randn(3, channels, side, side, generator=generator).double()) for side in (6, 4, 2)]


def evidence(student: list[Tensor], teacher: list[Tensor]) -> SimpleNamespace:
    shown = [SimpleNamespace(features=SimpleNamespace(stages=stages)) for stages in (student, teacher)]
    return SimpleNamespace(features=shown[0].features, teacher=shown[1], seed=0)


def test_the_terms_add_up_to_nst(parts: ModuleType) -> None:
    student, teacher = maps(0), maps(1, channels=7)
    both = evidence(student, teacher)
    of_teacher = sum(parts.alike(t, t) for t in teacher)
    assert float(of_teacher + parts.nst_own(both) + parts.nst_cross(both)) == pytest.approx(
        float(nst(student, teacher))
    )
    assert float(parts.distance(student, teacher)) == pytest.approx(float(nst(student, teacher)))


def test_the_own_term_is_one_over_the_directions_that_channels_fill(parts: ModuleType) -> None:
    for x in maps(2):
        x = x + 0.1  # none is dead
        units = x.flatten(2) / x.flatten(2).norm(dim=2, keepdim=True)
        values = torch.linalg.eigvalsh(units @ units.mT / units.shape[1])
        assert float(parts.alike(x, x)) == pytest.approx(float(values.square().sum(1).mean()))


@pytest.mark.parametrize(("channels", "directions"), [(torch.eye(4), 4), (torch.ones(4, 4), 1)])
def test_channels_by_hand(parts: ModuleType, channels: Tensor, directions: int) -> None:
    x = channels.double().reshape(1, 4, 2, 2)
    assert float(parts.alike(x, x)) == pytest.approx(1 / directions)
    one = evidence([x], [x])
    assert float(parts.channel_rank(one)) == pytest.approx(torch.tensor(float(directions)).log().item())
    assert float(parts.channel_rank_gap(one)) == 0 and float(parts.nst_linear(one)) == pytest.approx(0)


def test_scale_and_order_of_channels_do_not_matter_and_dead_ones_count_nothing(parts: ModuleType) -> None:
    student, teacher = maps(3), maps(4)
    before = [float(score(evidence(student, teacher))) for score in (parts.nst_own, parts.nst_cross)]
    changed = [3 * x.flip(1) for x in student]
    assert [float(score(evidence(changed, teacher))) for score in (parts.nst_own, parts.nst_cross)] == pytest.approx(
        before
    )
    dead = [torch.zeros_like(x) for x in student]
    assert float(parts.nst_own(evidence(dead, teacher))) == 0


def test_noise_in_place_of_the_teacher_has_its_moments_and_a_fixed_seed(parts: ModuleType) -> None:
    both = evidence(maps(5), maps(6))
    assert float(parts.nst_noise(both)) == float(parts.nst_noise(both)) != float(nst(maps(5), maps(6)))


def test_kurtosis_and_mean_of_known_maps(parts: ModuleType) -> None:
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0]).double().reshape(1, 1, 2, 2)
    assert float(parts.channel_kurtosis(evidence([signs], [signs]))) == pytest.approx(1)
    assert float(parts.channel_mean(evidence([signs], [signs]))) == 0
    assert float(parts.channel_mean(evidence([signs + 1e6], [signs]))) == pytest.approx(1)
