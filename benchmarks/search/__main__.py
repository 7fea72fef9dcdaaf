"""Search for a student: `python -m benchmarks.search --strategy evolution --score diswot --teacher resnet56`."""

import argparse
import math
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import shell
from benchmarks.options import INITS
from benchmarks.search import StrategyInfo, all_strategies, get_strategy, max_flops, max_latency, max_params, run_search
from benchmarks.search.choices import (
    is_scored,
    is_table,
    objective_for,
    parse_settings,
    scorer_for,
    space_for,
    truth_for,
)
from benchmarks.search.constraints import Constraint
from benchmarks.search.page import Found, write_page
from benchmarks.search.protocol import Answer
from benchmarks.search.weight_sharing import Epoch, SharedTask, search_shared
from benchmarks.settings import resolve_images
from benchmarks.store import default_store
from diswot_errors import UsageError
from nb201_data.spaces import SPACES, SearchSpace


@dataclass(frozen=True)
class Plan:
    """A command, every name resolved."""

    options: argparse.Namespace
    info: StrategyInfo
    settings: dict[str, Any]
    space: SearchSpace
    constraints: list[Constraint]
    device: str
    out: Path


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    options = _parser().parse_args(argv)
    if options.list:
        return _list()
    info = get_strategy(options.strategy)
    settings = info.resolve(parse_settings(options.set, info.settings, info.name))
    truth = truth_for(options.ground_truth, options.space, options.score, options.images)
    space = space_for(options.space, truth, options.images, options.skeleton)
    score = options.score if info.kind == "ask-tell" else "shared"
    name = re.sub(r"[^A-Za-z0-9_.+-]+", "-", f"search-{info.name}-{score}-seed{options.seed}")
    out = shell.prepare_output(options.out or Path("runs") / name)
    looked_up = info.kind == "ask-tell" and is_table(options.score)  # nothing is computed, torch stays out
    device = "cpu" if looked_up else str(shell.choose_device(options.device))
    plan = Plan(options, info, settings, space, _constraints(space, options), device, out)
    begin = time.perf_counter()
    found, described = (_evaluate if info.kind == "ask-tell" else _share)(plan)
    elapsed = time.perf_counter() - begin
    command = ["python", "-m", "benchmarks.search", *(sys.argv[1:] if argv is None else argv)]
    config = {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()}
    text, page = write_page(out, command, config, space, found, described, plan.constraints, truth, elapsed, device)
    print(f"\n{text}\n\n{page}")
    return 0


def _evaluate(plan: Plan) -> tuple[Found, str]:
    """Search by evaluations; also what was maximised, in words."""
    options, device = plan.options, plan.device
    scorer = None
    if is_scored(options.score):
        scorer = scorer_for(
            plan.space,
            options.images,
            teacher=options.teacher,
            teacher_weights=options.teacher_weights,
            batch_size=options.batch_size,
            init=options.init,
            seed=options.seed,
            device=device,
            store=options.store or default_store(),
        )
    objective = objective_for(plan.space, options.score, scorer, options.images, options.seed, device)
    print(f"{plan.info.name} in {plan.space.name} ({plan.space.skeleton}) by {objective.name}", flush=True)
    result = run_search(
        plan.space,
        plan.info.name,
        objective,
        options.budget,
        constraints=plan.constraints,
        seed=options.seed,
        settings=plan.settings,
        max_seconds=options.max_seconds or math.inf,
        workers=options.workers,
        folder=plan.out,
        resume=options.resume,
        progress=_Progress(options.budget),
    )
    return result, objective.name


def _share(plan: Plan) -> tuple[Found, str]:
    """Search by a shared network; also what was maximised, in words."""
    from nb201_data.images import load_images

    options = plan.options
    images = load_images(resolve_images(options.images, plan.space.skeleton))
    print(f"{plan.info.name} in {plan.space.name} ({plan.space.skeleton}) on {images.name}", flush=True)
    task = SharedTask(
        space=plan.space,
        images=images,
        epochs=options.epochs,
        seed=options.seed,
        batch_size=options.batch_size,
        max_images=options.max_images,
        constraints=plan.constraints,
        device=plan.device,
        folder=plan.out,
        resume=options.resume,
        progress=_tell_epoch,
    )
    return search_shared(plan.info.name, task, plan.settings), f"accuracy under shared weights on {images.name}"


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser("search", "Search for the network that a score, or an accuracy, calls best; resumable.")
    parser.add_argument("--strategy", default="evolution", help="see --list")
    parser.add_argument(
        "--score",
        default="diswot",
        help="one proxy; several, by their mean standing; nb201:DATASET:valid[:12|200]; trained:PROTOCOL[:LOSS]",
    )
    parser.add_argument("--budget", type=shell.positive, default=1000, help="evaluations")
    parser.add_argument("--max-seconds", type=_number, help="stop where the cost would exceed this")
    parser.add_argument("--space", default="nb201", choices=list(SPACES))
    parser.add_argument("--skeleton", help="as c16n5k10r32 (default: the ground truth's)")
    parser.add_argument("--ground-truth", help="judges what was found, afterwards; 'none' (default: what is on disk)")
    parser.add_argument("--teacher", help="a CIFAR ResNet or a cell, untrained (default: resnet56)")
    parser.add_argument("--teacher-weights", type=Path, help="trained weights for it")
    parser.add_argument("--images", default="embedded", help="cifar10, cifar100, imagenet16-120, embedded")
    parser.add_argument("--batch-size", type=shell.positive, default=64)
    parser.add_argument("--init", choices=INITS, default="gaussian", help="initialisation of all networks")
    parser.add_argument("--max-params", type=_number, metavar="N", help="as 0.5e6")
    parser.add_argument("--max-flops", type=_number, metavar="N", help="as 100e6")
    parser.add_argument("--max-latency", type=_number, metavar="MS", help="milliseconds, by --latency-table")
    parser.add_argument("--latency-table", type=Path, help="a CSV with columns arch, milliseconds")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the strategy")
    parser.add_argument("--epochs", type=shell.positive, default=10, help="of the shared network (rsps, darts, gdas)")
    parser.add_argument("--max-images", type=shell.positive, help="at most so many of the training split (these three)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", type=Path, metavar="FILE", help="where scores are kept (default: the cache folder)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument(
        "--workers", type=shell.positive, default=1, help="processes; the trajectory does not depend on them"
    )
    parser.add_argument("--out", type=Path, help="run folder (default: runs/search-...)")
    parser.add_argument("--resume", action="store_true", help="go on where the run folder ends")
    parser.add_argument("--list", action="store_true", help="list the strategies and stop")
    return parser


def _constraints(space: SearchSpace, options: argparse.Namespace) -> list[Constraint]:
    if (options.max_latency is None) != (options.latency_table is None):
        raise UsageError("--max-latency and --latency-table go together")
    constraints = []
    if options.max_params is not None:
        constraints.append(max_params(space, options.max_params))
    if options.max_flops is not None:
        constraints.append(max_flops(space, options.max_flops))
    if options.max_latency is not None:
        constraints.append(max_latency(space, options.max_latency, options.latency_table))
    return constraints


def _list() -> int:
    for info in all_strategies():
        settings = ", ".join(
            f"{key}={value:.3g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in info.settings.items()
        )
        print(f"{info.name:16} {info.summary}\n{'':16} {info.paper}" + (f"; {settings}" if settings else ""))
    return 0


def _number(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


class _Progress:
    """A line now and then: how far, the best so far."""

    def __init__(self, budget: int) -> None:
        self.budget, self.best, self.shown = budget, -math.inf, 0.0

    def __call__(self, answer: Answer, count: int) -> None:
        self.best = max(self.best, answer.rank_value)
        if time.monotonic() - self.shown > 5:
            self.shown = time.monotonic()
            print(f"  {count}/{self.budget} evaluations, best so far {self.best:.6g}", file=sys.stderr, flush=True)


def _tell_epoch(epoch: Epoch) -> None:
    print(
        f"  epoch {epoch.index + 1}: loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.1f} %, {epoch.seconds:.1f} s  "
        f"{epoch.cell}",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    shell.run(main)
