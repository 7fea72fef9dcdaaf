"""The steps of search strategies, by hand."""

import numpy as np
import pytest
import torch
from search_support import likeness
from test_search_shared import task

from benchmarks.search import Evaluation, SearchProblem, make_strategy, supernet_training
from benchmarks.search.strategies.bohb import CategoricalDensity
from benchmarks.search.strategies.evolution import Evolution
from benchmarks.search.strategies.gdas import gdas
from benchmarks.search.supernet_training import SharedTraining
from nb201_data.spaces import get_space

SPACE = get_space("nb201")


def test_the_density_by_hand() -> None:
    """One position, three choices, seen 0, 0, 1: spread 1 - 5/9, bandwidth 4/9 3^(-1/5)."""
    h = 4 / 9 * 3**-0.2
    density = CategoricalDensity(np.array([[0], [0], [1]]), [3], 0.1)
    expected = [(2 * (1 - h) + h / 2) / 3, ((1 - h) + 2 * h / 2) / 3, h / 2]
    assert density(np.array([[0], [1], [2]])) == pytest.approx(expected)


def test_bohb_calls_the_best_fifteen_in_a_hundred_good() -> None:
    asker = make_strategy("bohb", SearchProblem(SPACE), 0)
    told = []
    while len(told) < 120:
        for trial in asker.ask():
            told.append((likeness(trial.arch), asker.problem.encode(trial.arch)))
            asker.tell(Evaluation(trial, told[-1][0]))
    good, bad = asker._densities()
    assert (len(good.codes), len(bad.codes)) == (len(told) * 15 // 100, len(told) - len(told) * 15 // 100)
    ranked = sorted((value for value, _ in told), reverse=True)
    assert min({c: v for v, c in told}[tuple(code)] for code in good.codes.tolist()) == ranked[len(good.codes) - 1]


def test_the_first_step_of_adam_is_as_long_as_the_learning_rate() -> None:
    asker = make_strategy("reinforce", SearchProblem(SPACE), 0, {"learning_rate": 0.02})
    asker._steps = 1
    asker._step(0, 3.0, 2)
    assert asker.theta[0] == pytest.approx(0.02 * np.array([-1, -1, 1, -1, -1]), rel=1e-5)


def test_evolution_has_the_settings_of_the_release_and_any_of_the_top_is_a_parent(monkeypatch) -> None:
    usual = make_strategy("evolution", SearchProblem(SPACE), 0)
    assert isinstance(usual, Evolution)
    assert (usual.size, usual.tournament, usual.top, usual.children) == (36, 8, 5, 1)
    asker = make_strategy("evolution", SearchProblem(SPACE), 0, {"population": 10, "ratio": 1.0, "top": 3})
    for trial in asker.ask():
        asker.tell(Evaluation(trial, likeness(trial.arch)))
    parents = []
    mutate = SearchProblem.mutate
    monkeypatch.setattr(
        SearchProblem, "mutate", lambda self, arch, rng: parents.append(arch) or mutate(self, arch, rng)
    )
    for _ in range(100):
        asker._child()
    best = sorted(asker.population, key=lambda member: member[1], reverse=True)[:3]
    assert {value for _, value in best} >= {likeness(p) for p in parents} and len(set(parents)) == 3


def gdas_path(monkeypatch):
    class CaughtError(Exception):
        pass

    def catch(name, settings, task, path, rate):
        raise CaughtError(path)

    monkeypatch.setattr(supernet_training, "SharedTraining", catch)
    with pytest.raises(CaughtError) as caught:
        gdas(task())
    return caught.value.args[0]


def test_gdas_draws_by_the_softmax_of_alpha(monkeypatch) -> None:
    """The Gumbel trick: an operation is the largest as often as its share of the softmax."""
    path, generator = gdas_path(monkeypatch), torch.Generator().manual_seed(0)
    shares = torch.tensor([0.5, 0.3, 0.1, 0.07, 0.03])
    drawn = path(shares.log().repeat(20_000, 1), generator, 0.5)
    drawn = (drawn != 0).float()
    assert (drawn.sum(1) == 1).all() and drawn.mean(0).tolist() == pytest.approx(shares.tolist(), abs=0.012)


@pytest.mark.parametrize(("progress", "t"), [(0.0, 10.0), (0.5, 5.05), (1.0, 0.1)])
def test_gdas_gradient_is_that_of_the_soft_choice_at_a_falling_temperature(monkeypatch, progress, t) -> None:
    path = gdas_path(monkeypatch)
    alpha = torch.zeros(1, 5, requires_grad=True)
    (gradient,) = torch.autograd.grad(path(alpha, torch.Generator().manual_seed(3), progress).sum(), alpha)
    uniform = torch.rand((1, 5), generator=torch.Generator().manual_seed(3))
    soft = ((0.2 * torch.ones(1, 5)).log() - (-uniform.log()).log()).div(t).softmax(-1)[0]
    h = int(soft.argmax())
    expected = soft[h] * (torch.eye(5)[h] - soft) / t
    assert gradient[0].tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_the_architecture_learns_on_the_other_half_and_progress_runs_from_0_to_1(monkeypatch) -> None:
    seen, asked = [], []
    loss = SharedTraining._loss

    def path(alpha, generator, progress):
        asked.append(progress)
        return alpha.softmax(-1)

    def noted(self, x, y, weights, clear):
        seen.append((clear is self.architect, bool(x.any())))
        return loss(self, x, y, weights, clear)

    monkeypatch.setattr(SharedTraining, "_loss", noted)
    made = SharedTraining("darts", {}, task(epochs=2), path, 0.1)
    made.second = torch.zeros_like(made.second[0]), made.second[1]
    made.run()
    assert set(seen) == {(True, False), (False, True)}
    assert asked[::2] == pytest.approx([step / 16 for step in range(16)])
    group, architect = made.optimiser.param_groups[0], made.architect.param_groups[0]
    assert group["lr"] == pytest.approx(0.001)  # the schedule has ended
    assert (group["momentum"], group["weight_decay"], group["nesterov"]) == (0.9, 5e-4, True)
    assert (architect["betas"], architect["weight_decay"]) == ((0.5, 0.999), 1e-3)
