"""Search for a student: strategies that ask and are told, objectives, constraints. No torch here.

>>> from benchmarks.search import max_flops, run_search
>>> from nb201_data.spaces import get_space
>>> space = get_space("nb201")
>>> found = run_search(space, "evolution", space.params, 200, constraints=[max_flops(space, 60e6)], seed=0)
>>> found.evaluations, space.flops(found.best) <= 60e6
(200, True)
"""

from benchmarks.search.constraints import Constraint, max_flops, max_latency, max_params
from benchmarks.search.driver import Search, SearchResult, run_search
from benchmarks.search.objective import EachByItself, Objective, as_objective, on_workers
from benchmarks.search.problem import SearchProblem
from benchmarks.search.protocol import FULL, Evaluation, Strategy, Trial, Value
from benchmarks.search.registry import StrategyInfo, all_strategies, get_strategy, make_strategy, strategy

__all__ = [
    "FULL",
    "Constraint",
    "EachByItself",
    "Evaluation",
    "Objective",
    "Search",
    "SearchProblem",
    "SearchResult",
    "Strategy",
    "StrategyInfo",
    "Trial",
    "Value",
    "all_strategies",
    "as_objective",
    "get_strategy",
    "make_strategy",
    "max_flops",
    "max_latency",
    "max_params",
    "on_workers",
    "run_search",
    "strategy",
]
