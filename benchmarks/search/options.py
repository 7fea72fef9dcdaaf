"""The options of the search command, and those that it shares with others."""

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.search.constraints import Constraint, max_flops, max_latency, max_params
from diswot_errors import Parser, UsageError
from nb201_data.spaces import SPACES, SearchSpace

BUDGET, EXHAUSTIVE = 1000, "exhaustive"


def parser() -> argparse.ArgumentParser:
    """Of `python -m benchmarks.search`."""
    parents = [searching(f"{BUDGET:,}; exhaustive: every network"), limits(), shared.shown(teacher="resnet56")]
    parents += [shared.init(), shared.truth(), shared.machine(), shared.store(), shared.output(what="searched")]
    made = shared.parser("search", "Search for the network that a score, or an accuracy, calls best.", parents)
    made.add_argument("--skeleton", help="as c16n5k10r32 (default: the ground truth's)")
    made.add_argument("--max-seconds", type=numbers.above_zero, help="stop where the cost would exceed this")
    made.add_argument("--set", type=_pair, action="append", default=[], metavar="KEY=VALUE", help="of the strategy")
    made.add_argument("--epochs", type=numbers.positive, default=10, help="of the shared network (rsps, darts, gdas)")
    made.add_argument("--max-images", type=numbers.positive, help="at most so many of the training split (these three)")
    made.add_argument("--list", action="store_true", help="list the strategies and stop")
    return made


def searching(budget: str) -> argparse.ArgumentParser:
    """Which search. `budget`: what is told of it where nobody says."""
    group = Parser(add_help=False)
    group.add_argument("--space", default="nb201", choices=list(SPACES))
    group.add_argument("--strategy", default="evolution", help="see python -m benchmarks.search --list")
    group.add_argument(
        "--score",
        default="diswot",
        help="one proxy; several, by their mean standing; nb201:DATASET:valid[:12|200], or FILE.csv of accuracies "
        "with a column split, valid; trained:PROTOCOL[:LOSS]",
    )
    group.add_argument("--budget", type=numbers.positive, help=f"evaluations of the search ({budget})")
    group.add_argument("--seed", type=numbers.seed, default=0, help="of the search and of what is scored")
    return group


def budget_of(options: argparse.Namespace, usual: int, pool: Callable[[], int]) -> int:
    """How many evaluations: as said, else the usual number; an exhaustive search looks at the whole pool."""
    asked: int | None = options.budget
    return asked or (pool() if options.strategy == EXHAUSTIVE else usual)


def limits() -> argparse.ArgumentParser:
    """What the networks may cost."""
    group = Parser(add_help=False)
    group.add_argument("--max-params", type=numbers.above_zero, metavar="N", help="as 0.5e6")
    group.add_argument("--max-flops", type=numbers.above_zero, metavar="N", help="as 100e6")
    group.add_argument("--max-latency", type=numbers.above_zero, metavar="MS", help="milliseconds, by --latency-table")
    group.add_argument("--latency-table", type=Path, help="a CSV with columns arch, milliseconds")
    return group


def constraints_of(space: SearchSpace, options: argparse.Namespace) -> tuple[Constraint, ...]:
    """What `limits` asks for."""
    if (options.max_latency is None) != (options.latency_table is None):
        raise UsageError("--max-latency and --latency-table go together")
    constraints = []
    if options.max_params is not None:
        constraints.append(max_params(space, options.max_params))
    if options.max_flops is not None:
        constraints.append(max_flops(space, options.max_flops))
    if options.max_latency is not None:
        constraints.append(max_latency(space, options.max_latency, options.latency_table))
    return tuple(constraints)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    return key, value
