"""What all search strategies share: exact budgets, seeds, resuming, constraints, failures."""

import math
import random

import pytest
from search_support import BEST, Epochs, likeness

from benchmarks.search import (
    Evaluation,
    Search,
    SearchProblem,
    SearchResult,
    Trial,
    Value,
    all_strategies,
    as_objective,
    get_strategy,
    make_strategy,
    max_flops,
    max_latency,
    max_params,
    run_search,
    trajectory,
)
from benchmarks.search.constraints import feasible
from benchmarks.search.judgement import judge
from diswot_errors import DataError, UsageError
from nb201_data.space import Cell
from nb201_data.spaces import get_space

SPACE = get_space("nb201")
S0 = get_space("s0")
NAMES = [info.name for info in all_strategies() if info.kind == "ask-tell"]


def asked(result) -> list[tuple[tuple[str, int], float | None]]:
    return [(each.trial.key, each.value) for each in result.trajectory]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("budget", [1, 37, 200])
def test_budget_is_exact(name, budget):
    calls = []
    result = run_search(SPACE, name, lambda cell: calls.append(cell) or likeness(cell), budget, seed=3)
    assert result.evaluations == budget and result.stopped == "evaluations"
    assert len(calls) == len(set(calls)) == result.distinct  # a repeated trial counts, and is not computed again
    assert result.value == max(map(likeness, calls)) == likeness(result.best)


def test_improvements_by_hand():
    """At the highest fidelity that gave a value; failures and equals are no improvement; seconds add up."""
    values = [(9.0, 12), (1.0, 200), (None, 200), (3.0, 200), (3.0, 200), (2.0, 200), (None, 300)]
    answers = tuple(Evaluation(Trial(place, fidelity), value, 1.5) for place, (value, fidelity) in enumerate(values))
    found = SearchResult("made", {}, answers, "evaluations")
    assert [(step.evaluations, step.seconds, step.evaluation.value) for step in found.improvements] == [
        (2, 3.0, 1.0),
        (4, 6.0, 3.0),
    ]
    assert (found.best, found.value) == (3, 3.0)
    nothing = SearchResult("made", {}, answers[2:3], "evaluations")
    assert (nothing.best, nothing.value, nothing.improvements) == (None, None, ())


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_trajectory_and_another_seed_another(name):
    first, again, other = (run_search(SPACE, name, Epochs(), 90, seed=seed) for seed in (5, 5, 6))
    assert asked(first) == asked(again)
    assert (asked(first) == asked(other)) == (name == "exhaustive")


@pytest.mark.parametrize("name", NAMES)
def test_resume_equals_uninterrupted(name, tmp_path):
    whole = run_search(SPACE, name, Epochs(), 120, seed=1, folder=tmp_path / "whole")

    def stop(evaluation: Evaluation, count: int) -> None:
        if count == 71:  # inside a batch of most strategies
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_search(SPACE, name, Epochs(), 120, seed=1, folder=tmp_path / "cut", watch=stop)
    with open(tmp_path / "cut" / "trajectory.csv", "a") as file:
        file.write("72,|nor_conv_3x3~0|+|nor")  # a line torn by the kill
    cut = run_search(SPACE, name, Epochs(), 120, seed=1, folder=tmp_path / "cut")
    assert cut == whole
    assert (tmp_path / "cut" / "trajectory.csv").read_bytes() == (tmp_path / "whole" / "trajectory.csv").read_bytes()
    longer = run_search(SPACE, name, Epochs(), 150, seed=1, folder=tmp_path / "cut")
    assert longer == run_search(SPACE, name, Epochs(), 150, seed=1)


def test_resume_refuses_another_search(tmp_path):
    run_search(SPACE, "evolution", likeness, 50, seed=1, folder=tmp_path)
    with pytest.raises(UsageError, match=r"seed: 1 there, 2 now"):
        run_search(SPACE, "evolution", likeness, 50, seed=2, folder=tmp_path)
    with pytest.raises(UsageError, match=r"budget: 50 there, 40 now"):
        run_search(SPACE, "evolution", likeness, 40, seed=1, folder=tmp_path)
    path = tmp_path / "trajectory.csv"
    found, lines = trajectory.read(path), path.read_text().splitlines()
    found[4] = found[3]
    for index, evaluation in enumerate(found, start=1):
        trajectory.append(path, index, evaluation)
    with pytest.raises(UsageError, match=r"evaluation 5 was .* which this search does not ask for there"):
        run_search(SPACE, "evolution", likeness, 50, seed=1, folder=tmp_path)
    lines[5] = lines[4].replace("4,", "5,", 1)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"line 6, column 'index': the line was altered; remove the damaged lines"):
        run_search(SPACE, "evolution", likeness, 50, seed=1, folder=tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_stepped_from_outside_it_is_the_same_search(name):
    """Values given batch by batch; only what is new is asked for, each trial once."""
    whole = run_search(SPACE, name, Epochs(), 100, seed=2)
    search, valued = Search(SearchProblem(SPACE, (), (12, 200)), name, 100, seed=2), []
    while search.trials:
        valued += [trial.key for trial in search.trials]
        search.tell([Epochs().value(trial) for trial in search.trials])
    assert search.result == whole
    assert len(valued) == len(set(valued)) and set(valued) == {each.trial.key for each in whole.trajectory}


def test_what_is_valued_one_by_one_is_kept_one_by_one(tmp_path):
    """An objective that fails in the middle of a batch costs nothing that was valued before."""
    search = Search(SearchProblem(SPACE), "random", 64, seed=0).resume(tmp_path / "trajectory.csv")

    def values():
        yield from (Value(likeness(trial.arch)) for trial in search.trials[:10])
        raise MemoryError

    with pytest.raises(MemoryError):
        search.tell(values())
    again = Search(SearchProblem(SPACE), "random", 64, seed=0).resume(tmp_path / "trajectory.csv")
    assert len(again.trajectory) == 10 and len(again.trials) == 54
    assert asked(again.run(as_objective(likeness))) == asked(run_search(SPACE, "random", likeness, 64, seed=0))


@pytest.mark.parametrize("name", NAMES)
def test_evaluations_may_arrive_in_any_order(name):
    problem = SearchProblem(SPACE, (), (12, 200))
    straight, mixed = (make_strategy(name, problem, 4) for _ in range(2))
    shuffle = random.Random(0)
    for _ in range(30):
        batches = [asker.ask() for asker in (straight, mixed)]
        assert batches[0] == batches[1]
        evaluations = [Evaluation(trial, likeness(trial.arch)) for trial in batches[0]]
        for evaluation in evaluations:
            straight.tell(evaluation)
        for evaluation in shuffle.sample(evaluations, len(evaluations)):
            mixed.tell(evaluation)
    assert straight.evaluations == mixed.evaluations
    with pytest.raises(UsageError, match="has not asked"):
        straight.tell(Evaluation(Trial("no such trial"), 1.0))


@pytest.mark.parametrize("name", NAMES)
def test_constraints_hold_for_every_trial(name):
    constraints = [max_flops(SPACE, 50e6), max_params(SPACE, 0.4e6)]
    result = run_search(SPACE, name, likeness, 150, constraints=constraints, seed=0)
    assert result.evaluations == 150
    assert all(SPACE.flops(a.trial.arch) <= 50e6 for a in result.trajectory)
    assert all(SPACE.params(a.trial.arch) <= 0.4e6 for a in result.trajectory)


@pytest.mark.parametrize("name", NAMES)
def test_a_single_allowed_cell_is_found(name):
    only = max_flops(SPACE, SPACE.flops(Cell(("none",) * 6)))  # 3^6 cells without a convolution
    latency = {str(cell): 9.0 for cell in SPACE.all()} | {str(BEST): 1.0}
    alone = type(only)("milliseconds", 1.0, lambda cell: latency[str(cell)])
    result = run_search(SPACE, name, likeness, 5, constraints=[alone], seed=0)
    assert result.best == BEST
    assert result.stopped == ("exhausted" if name in ("random", "exhaustive") else "evaluations")
    assert len(SearchProblem(SPACE, (only,)).archs) == 3**6


def test_impossible_constraint_is_refused_before_the_search(tmp_path):
    with pytest.raises(UsageError, match=r"no architecture of nb201 .* meets flops <= 1e\+06.*7\.78304e\+06") as error:
        run_search(SPACE, "evolution", pytest.fail, 10, constraints=[max_flops(SPACE, 1e6)])
    assert error.value.exit_code == 2
    table = tmp_path / "latency.csv"
    table.write_text(f"arch,milliseconds\n{BEST},12.5\n")
    with pytest.raises(UsageError, match=r"milliseconds by latency.csv <= 10"):
        run_search(SPACE, "random", pytest.fail, 10, constraints=[max_latency(SPACE, 10, table)])
    found = run_search(SPACE, "random", likeness, 10, constraints=[max_latency(SPACE, 13, table)])
    assert found.best == BEST and found.evaluations == 1
    table.write_text("arch,ms\nx,1\n")
    with pytest.raises(DataError, match="column 'milliseconds' is missing"):
        max_latency(SPACE, 10, table)


def test_exhaustive_asks_for_each_network_once():
    result = run_search(SPACE, "exhaustive", SPACE.params, 20_000)
    assert result.stopped == "exhausted" and result.evaluations == 9_445
    assert {SPACE.canonical(a.trial.arch) for a in result.trajectory} == set(SPACE.distinct())
    assert run_search(S0, "exhaustive", S0.params, 100).best == S0.parse("777")


@pytest.mark.parametrize("name", NAMES)
def test_failures_count_and_are_never_chosen(name):
    def fails_on_convolutions(cell: Cell) -> float:
        return math.nan if cell.count("nor_conv_3x3") > 1 else likeness(cell)

    result = run_search(SPACE, name, fails_on_convolutions, 150, seed=0)
    assert result.evaluations == 150 and result.failed > 0
    assert result.best.count("nor_conv_3x3") <= 1
    assert {a.reason for a in result.trajectory} == {"", "value is nan"}
    hopeless = run_search(SPACE, name, lambda cell: math.inf, 50, seed=0)
    assert hopeless.best is None and hopeless.value is None and hopeless.failed == 50


@pytest.mark.parametrize("name", NAMES)
def test_other_spaces(name):
    result = run_search(S0, name, lambda arch: float(S0.params(arch)), 64, seed=0)
    assert result.evaluations == 64 and S0.params(result.best) > 500_000


def test_settings_and_names():
    with pytest.raises(UsageError, match="Did you mean evolution"):
        get_strategy("evoluton")
    with pytest.raises(UsageError, match="Did you mean population"):
        run_search(SPACE, "evolution", likeness, 5, settings={"poplation": 3})
    with pytest.raises(UsageError, match="population must be a int"):
        run_search(SPACE, "evolution", likeness, 5, settings={"population": "many"})
    with pytest.raises(UsageError, match="0 < ratio <= 1"):
        run_search(SPACE, "evolution", likeness, 5, settings={"ratio": 2})
    with pytest.raises(UsageError, match="must be positive"):
        run_search(SPACE, "random", likeness, 0)
    assert all(info.summary.endswith(".") and info.paper for info in all_strategies())


def test_judgement():
    truth = {str(cell): likeness(cell) for cell in SPACE.distinct()}
    ranked = sorted(truth, key=truth.__getitem__)
    best = judge(SPACE, SPACE.parse(ranked[-1]), truth)
    assert best.regret == 0 and best.best == ranked[-1] and best.percentile == pytest.approx(100 - 50 / len(truth))
    middle = judge(SPACE, SPACE.parse(ranked[len(ranked) // 2]), truth)
    assert middle.percentile == pytest.approx(50, abs=0.01)
    unpruned = next(cell for cell in SPACE.all() if cell.pruned() != cell)
    assert judge(SPACE, unpruned, truth).accuracy == truth[str(unpruned.pruned())]
    assert judge(SPACE, None, truth).accuracy is None
    limit = max_params(SPACE, 0.2e6)
    small = judge(SPACE, SPACE.parse(ranked[0]), truth, [limit])
    assert SPACE.params(SPACE.parse(small.best)) <= 0.2e6 and small.known < len(truth)


class TestSpacesTooLargeToList:
    """Evolution and random search go through a space of a thousand million; what lists says so."""

    @pytest.mark.parametrize("strategy", ["random", "evolution", "evolution-aging"])
    def test_strategies_find_within_the_constraint(self, strategy: str) -> None:
        space = get_space("autoformer")
        limit = max_params(space, 8e6)
        one, again = (run_search(space, strategy, space.params, 90, constraints=[limit], seed=3) for _ in range(2))
        drawn = [point.trial.arch for point in one.trajectory]
        assert drawn == [point.trial.arch for point in again.trajectory] and len(drawn) == 90
        assert all(space.params(arch) <= 8e6 for arch in drawn)
        assert space.params(one.best) > 7.6e6 and (strategy != "random" or len(set(drawn)) == 90)

    @pytest.mark.parametrize("strategy", ["exhaustive", "bohb", "reinforce"])
    def test_what_lists_is_refused(self, strategy: str) -> None:
        space = get_space("autoformer")
        with pytest.raises(UsageError, match=r"1,056,964,608 architectures, too many to list.*evolution"):
            run_search(space, strategy, space.params, 10)

    def test_no_architecture_within_the_limit(self) -> None:
        space = get_space("autoformer")
        with pytest.raises(UsageError, match=r"none of 10,000 random architectures of autoformer .* params <= 1e"):
            SearchProblem(space, (max_params(space, 1e6),))
        with pytest.raises(UsageError, match="too many to list"):
            feasible(space, ())
