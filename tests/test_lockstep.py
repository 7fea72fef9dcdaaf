"""Inquiries side by side: everything at once, and each finds what it finds alone."""

from tables_support import table_8

from benchmarks.scoring.lockstep import SIDE_BY_SIDE, lockstep
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.store import Store
from benchmarks.search import run_search
from benchmarks.search.choices import setting_for
from benchmarks.search.scored import scored_objective
from benchmarks.tables.search_rows import CONTENDERS
from nb201_data.spaces import get_space


def test_side_by_side_a_search_finds_what_it_finds_alone(made_benchmark):
    """Searches of three seeds and two scores in lockstep, against each by itself through `run_search`."""
    asked = ["--compute", "--batch-size", "4", "--rows", "nwot,m_r"]
    runs = table_8(made_benchmark, "together", *asked, "--seeds", "3", "--budget", "5", "--workers", "2")
    space = get_space("nb201")
    found = {}
    with Store(made_benchmark / "alone.sqlite") as store, Runner(store) as runner:
        setting = setting_for(space, "embedded", batch_size=4)
        for row in runs:
            strategy = {"nwot": "random", "m_r": "evolution"}[row["strategy"]]
            objective = scored_objective(runner, setting, int(row["seed"]), [row["strategy"]])
            settings = dict(CONTENDERS[row["strategy"]].settings)
            result = run_search(space, strategy, objective, 5, seed=int(row["seed"]), settings=settings)
            found[row["strategy"], row["seed"]] = str(result.best), str(result.evaluations)
    assert {(row["strategy"], row["seed"]): (row["arch"], row["evaluations"]) for row in runs} == found


def test_lockstep_asks_for_everything_at_once():
    """Three inquiries of different length: each step is one call, and each gets the answers to its own request."""
    asked = []

    class Echo:
        def answer(self, requests):
            asked.append(requests)
            return [request * 10 for request in requests]

    def inquiry(first: int, steps: int):
        total = 0
        for step in range(steps):
            total += yield first + step
        return total

    found = list(lockstep(Echo(), [inquiry(1, 1), inquiry(5, 3), inquiry(9, 0)]))
    assert sorted(found) == [0, 10, 180] and asked == [[1, 5], [6], [7]]
    many = [inquiry(i, 1 + i % 3) for i in range(40)]
    asked.clear()
    assert len(list(lockstep(Echo(), many))) == 40 and max(map(len, asked)) == SIDE_BY_SIDE
    assert sum(map(len, asked)) == sum(1 + i % 3 for i in range(40))
