"""Each strategy does what its paper says, and evolution is worth its name."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from files_support import rows_of
from scipy import stats
from search_support import Epochs, likeness

from benchmarks.search import Evaluation, SearchProblem, make_strategy, run_search
from benchmarks.search.strategies.bohb import CategoricalDensity
from nb201_data.space import Cell
from nb201_data.spaces import get_space

SPACE = get_space("nb201")


def test_algorithm_1_step_by_step():
    """Against a re-enactment: only the top k of the tournament are parents, only the lowest score leaves."""
    problem = SearchProblem(SPACE)
    asker = make_strategy("evolution", problem, 0, {"population": 10, "ratio": 0.5, "top": 2})
    first = asker.ask()
    assert len(first) == 10
    for trial in first:
        asker.tell(Evaluation(trial, likeness(trial.arch)))
    for _ in range(200):
        before = sorted(asker.population, key=lambda member: member[1])
        (trial,) = asker.ask()
        value = likeness(trial.arch)
        parents = [arch for arch, _ in before if trial.arch in SPACE.neighbours(arch)]
        # of five rivals out of ten, the two best are at least as good as the fourth lowest of the population
        assert any(likeness(parent) >= before[3][1] for parent in parents)
        asker.tell(Evaluation(trial, value))
        expected = sorted([*before, (trial.arch, value)], key=lambda member: member[1])[1:]
        assert [member[1] for member in sorted(asker.population, key=lambda m: m[1])] == [m[1] for m in expected]


def test_without_repeats_networks_that_have_no_new_neighbour_are_no_parents(monkeypatch):
    """A population that has seen its whole surroundings is left by random networks, not by mutating in vain."""
    mutated: list[Cell] = []
    mutate = SearchProblem.mutate

    def counted(problem: SearchProblem, arch: Cell, rng: Random) -> Cell | None:
        mutated.append(arch)
        return mutate(problem, arch, rng)

    monkeypatch.setattr(SearchProblem, "mutate", counted)
    asker = make_strategy("evolution", SearchProblem(SPACE), 0, {"repeats": False})
    asked: dict[Cell, None] = {}
    drawn = 0
    for _ in range(1_500):
        before = len(mutated)
        trials = asker.ask()
        if asker.population:
            (child,) = (trial.arch for trial in trials)
            members = [arch for arch, _ in asker.population]
            around = [new for arch in members for new in SPACE.neighbours(arch) if new not in asked]
            assert (child in around) is bool(around) and all(arch in members for arch in mutated[before:])
            drawn += not around
        for trial in trials:
            assert trial.arch not in asked
            asked[trial.arch] = None
            asker.tell(Evaluation(trial, Random(str(trial.arch)).random()))  # many peaks
    assert drawn > 10 and len(mutated) < 30 * len(asked)


def test_ageing_evolution_drops_the_oldest():
    asker = make_strategy("evolution-aging", SearchProblem(SPACE), 0)
    told = []
    for _ in range(60):
        for trial in asker.ask():
            told.append(trial.arch)
            asker.tell(Evaluation(trial, likeness(trial.arch)))
        assert [arch for arch, _ in asker.population] == told[-10:]


def test_reinforce_learns_the_policy():
    asker = make_strategy("reinforce", SearchProblem(SPACE), 0, {"learning_rate": 0.05})
    for _ in range(600):
        (trial,) = asker.ask()
        asker.tell(Evaluation(trial, float(trial.arch.count("skip_connect"))))
    skip = [choices.index("skip_connect") for choices in asker.problem.choices]
    assert min(p[i] for p, i in zip(asker.policy(), skip, strict=True)) > 0.8


def test_policy_gradient_against_finite_differences():
    asker = make_strategy("reinforce", SearchProblem(SPACE), 0)
    asker.theta = [np.random.default_rng(i).normal(size=5) for i in range(6)]
    theta, step = asker.theta[2].copy(), 1e-6
    log = lambda: np.log(asker.policy()[2][3])  # noqa: E731
    numeric = []
    for i in range(5):
        asker.theta[2] = theta + step * np.eye(5)[i]
        up = log()
        asker.theta[2] = theta - step * np.eye(5)[i]
        numeric.append((up - log()) / (2 * step))
    asker.theta[2], asker._steps = theta.copy(), 1
    asker._step(2, 1.0, 3)
    np.testing.assert_allclose(asker._first[2] / 0.1, numeric, rtol=1e-5)


def test_density_sums_to_one_and_prefers_what_it_saw():
    codes = np.array([[0, 1], [0, 1], [2, 1]])
    density = CategoricalDensity(codes, [3, 4], 0.1)
    points = np.array([[i, j] for i in range(3) for j in range(4)])
    assert density(points).sum() == pytest.approx(1)
    assert points[density(points).argmax()].tolist() == [0, 1]


def test_bohb_halves_and_spends_little_on_the_low_fidelity():
    result = run_search(SPACE, "bohb", Epochs(), 15 * 10, seed=0)
    rounds = [[a.trial.fidelity for a in result.trajectory[i : i + 15]] for i in range(0, 150, 15)]
    assert rounds == [[12] * 9 + [200] * 3 + [200] * 3] * 10
    first = result.trajectory[:12]
    promoted = [a.trial.arch for a in first[9:]]
    ranked = sorted(first[:9], key=lambda a: a.value, reverse=True)
    assert promoted == [a.trial.arch for a in ranked[:3]]
    assert likeness(result.best) == result.value  # chosen at the full fidelity


def regrets(strategy, objective, truth, budget, seeds, settings=None):
    best = max(truth.values())
    found = [run_search(SPACE, strategy, objective, budget, seed=s, settings=settings).best for s in range(seeds)]
    return np.array([best - truth[str(cell)] for cell in found])


def assert_beats_random(strategy, objective, truth, budget, seeds=30):
    """One-sided Wilcoxon signed-rank test over paired seeds, equal evaluations: lower regret, p < 0.01."""
    evolved, drawn = (regrets(name, objective, truth, budget, seeds) for name in (strategy, "random"))
    p = stats.wilcoxon(evolved, drawn, alternative="less").pvalue
    assert p < 0.01 and evolved.mean() < drawn.mean(), (p, evolved.mean(), drawn.mean())


@pytest.mark.parametrize("name", ["evolution", "evolution-aging"])
def test_evolution_beats_random_search_on_a_known_objective(name):
    assert_beats_random(name, likeness, {str(cell): likeness(cell) for cell in SPACE.all()}, 200)


@pytest.mark.parametrize("name", ["reinforce", "bohb"])
def test_models_beat_random_search_on_a_separable_objective(name):
    def weight(cell: Cell) -> float:
        return cell.count("skip_connect") + 0.3 * cell.count("nor_conv_1x1") + 0.01 * cell.count("none")

    assert_beats_random(name, weight, {str(cell): weight(cell) for cell in SPACE.all()}, 120, seeds=12)


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "imagenet16"])
def test_evolution_beats_random_search_on_tabular_accuracy(dataset, reference_data: Path):
    rows = rows_of(reference_data / "nb201" / "accuracies.csv.gz")
    table = {row["arch"]: float(row[f"{dataset}_valid_200"]) for row in rows}
    assert_beats_random("evolution", lambda cell: table[str(cell)], table, 300)
