"""How a search command runs: by evaluations, or by one shared network."""

import argparse
import contextlib
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.command.opened import opened
from benchmarks.command.unused import refuse_unused
from benchmarks.engines.device import choose_device
from benchmarks.engines.progress import Progress
from benchmarks.engines.registry import Engine
from benchmarks.scoring.resolve import resolve_images
from benchmarks.search import trajectory
from benchmarks.search.choices import is_scored, is_table, objective_for, setting_for, space_for, truth_for
from benchmarks.search.constraints import Constraint
from benchmarks.search.driver import Search, SearchResult, watched
from benchmarks.search.objective import Objective, on_workers
from benchmarks.search.options import BUDGET, budget_of, constraints_of, parser
from benchmarks.search.problem import SearchProblem
from benchmarks.search.registry import get_strategy
from benchmarks.search.trained import TrainedObjective
from benchmarks.search.weight_sharing import SharedEpoch, SharedResult, SharedTask, identity, search_shared
from nb201_data.ground_truth import GroundTruth
from nb201_data.spaces import SearchSpace
from reports.tables import format_duration

PROBED = 9  # networks, of which a probe takes some from light to heavy


@dataclass(frozen=True)
class Course:
    """A resolved search command, ready to run."""

    truth: GroundTruth | None
    space: SearchSpace
    constraints: tuple[Constraint, ...]
    objective: str
    device: str
    identity: dict[str, Any]
    words: tuple[str, ...]  # that name its folder
    cost: Callable[[], tuple[float, str]]  # seconds of the whole search by a probe, and what of
    run: Callable[[Path], SearchResult | SharedResult]

    def estimate(self) -> str:
        """For a dry run."""
        seconds, what = self.cost()
        where = f"{self.space.name} ({self.space.skeleton})"
        return f"{what}, by {self.objective}, in {where}: about {format_duration(seconds)} of one worker."


@contextlib.contextmanager
def course_of(options: argparse.Namespace) -> Iterator[Course]:
    """What the options ask for; what does not fit is refused here."""
    info = get_strategy(options.strategy)
    _refuse_unused(options, info.kind)
    settings = info.resolve(dict(options.set))
    truth = truth_for(options.ground_truth, options.space, options.score, options.images)
    space = space_for(options.space, truth, options.images, options.skeleton)
    constraints = constraints_of(space, options)
    with ExitStack() as stack:
        by = _evaluating if info.kind == "ask-tell" else _sharing
        yield by(options, truth, space, constraints, settings, stack)


SHARED_ONLY = ("epochs", "max_images")
EVALUATING_ONLY = ("score", "budget", "max_seconds", "teacher", "teacher_weights", "init")
SCORED_ONLY = ("init", "batch_size")


def _refuse_unused(options: argparse.Namespace, kind: str) -> None:
    """What the search that is asked for does not read."""
    if kind != "ask-tell":
        why = f"is for searches by evaluations, and {options.strategy} trains one shared network: take another strategy"
        refuse_unused(options, parser(), EVALUATING_ONLY, why)
        return
    shared = f"is of the network that rsps, darts and gdas share, and {options.strategy} has none: take one of these"
    refuse_unused(options, parser(), SHARED_ONLY, shared)
    if not is_scored(options.score):
        unread = ("teacher", "teacher_weights") if is_table(options.score) else ()
        why = f"is for scores of untrained networks, and {options.score} is none: take a score"
        refuse_unused(options, parser(), (*SCORED_ONLY, *unread), why)


def _evaluating(
    options: argparse.Namespace,
    truth: GroundTruth | None,
    space: SearchSpace,
    constraints: tuple[Constraint, ...],
    settings: dict[str, Any],
    stack: ExitStack,
) -> Course:
    runner, setting, device = None, None, "cpu"
    if not is_table(options.score):  # a table computes nothing, torch stays out
        runner, device = stack.enter_context(opened(options, progress=False)), str(choose_device(options.device))
        setting = setting_for(
            space,
            options.images,
            own_images=truth.images if truth is not None else "",
            teacher=options.teacher,
            teacher_weights=options.teacher_weights,
            batch_size=options.batch_size or space.batch_size,
            init=options.init,
            device=device,
        )
    objective = objective_for(space, options.score, options.seed, runner, setting)
    problem = SearchProblem(space, constraints, objective.fidelities)
    limit, budget = options.max_seconds or math.inf, budget_of(options, BUDGET, lambda: len(problem.archs))
    search = Search(problem, options.strategy, budget, seed=options.seed, settings=settings, max_seconds=limit)

    def run(out: Path) -> SearchResult:
        with (
            Progress(budget, "evaluation") as shown,
            at_work(objective, runner.engine if runner else None) as working,
        ):
            search.watch = watched(shown)
            return search.resume(out / trajectory.NAME).run(working)

    def cost() -> tuple[float, str]:
        one = objective.probe(problem.shuffled(Random(options.seed))[:PROBED])
        return min(budget * one, limit), f"{budget:,} evaluations by {options.strategy}"

    words = options.strategy, options.score
    return Course(truth, space, constraints, objective.name, device, search.identity(objective), words, cost, run)


def _sharing(
    options: argparse.Namespace,
    truth: GroundTruth | None,
    space: SearchSpace,
    constraints: tuple[Constraint, ...],
    settings: dict[str, Any],
    stack: ExitStack,
) -> Course:
    from nb201_data.images import load_images

    images = load_images(resolve_images(options.images, space.skeleton))
    task = SharedTask(
        space=space,
        images=images,
        epochs=options.epochs,
        seed=options.seed,
        batch_size=options.batch_size or space.batch_size,
        max_images=options.max_images,
        constraints=constraints,
        device=str(choose_device(options.device)),
    )

    def run(out: Path) -> SharedResult:
        with Progress(options.epochs, "epoch") as shown:
            own = replace(task, folder=out / "shared", watch=lambda epoch: shown.advance(note=_said(epoch)))
            return search_shared(options.strategy, own, settings)

    def cost() -> tuple[float, str]:
        return shared_seconds(options.strategy, task, settings), f"{options.epochs:,} epochs of {options.strategy}"

    words = (options.strategy, images.name)
    what = f"accuracy under shared weights on {images.name}"
    own = identity(options.strategy, task, settings)
    return Course(truth, space, constraints, what, task.device, own, words, cost, run)


def _said(epoch: SharedEpoch) -> str:
    return f"loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.1f} %"


@contextlib.contextmanager
def at_work(objective: Objective, engine: Engine | None) -> Iterator[Objective]:
    """Trainings go to workers; scores have those of their runner, tables need none."""
    if engine is None or not isinstance(objective, TrainedObjective):
        yield objective
    else:
        with engine.team(engine.workers) as team:
            yield on_workers(objective, team)


def shared_seconds(strategy: str, task: SharedTask, settings: dict[str, Any]) -> float:
    """Of the training of a shared network, by one epoch of a few steps."""
    images = min(len(task.images.train), task.max_images or len(task.images.train))
    few = min(images, 8 * task.batch_size)
    if "images" in get_strategy(strategy).settings:
        settings = {**settings, "images": 1}  # that cells are compared on afterwards: no part of what is timed
    (epoch,) = search_shared(strategy, replace(task, epochs=1, max_images=few, folder=None), settings).epochs
    return task.epochs * epoch.seconds * images / few
