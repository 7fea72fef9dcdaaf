"""The stages one after the other, or what is left of them: teacher, search, distillation."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.engines.progress import Progress
from benchmarks.engines.registry import Engine
from benchmarks.pipeline.plan import PipelinePlan
from benchmarks.pipeline.result import PipelineResult
from benchmarks.pipeline.students import choose
from benchmarks.pipeline.training import distil, teach
from benchmarks.scoring.runner import Runner
from benchmarks.search import SearchResult, Trial, run_search
from benchmarks.search.choices import is_scored, is_table, is_trained, objective_for, setting_for
from benchmarks.search.courses import at_work
from benchmarks.search.driver import watched
from benchmarks.search.scored import ScoredObjective
from benchmarks.search.tabular import TabularObjective
from benchmarks.search.trained import TrainedObjective


def run(plan: PipelinePlan, runner: Runner, out: Path) -> PipelineResult:
    """Each stage keeps what it has done under `out`."""
    begin = time.perf_counter()
    _say(1, f"teacher: {plan.protocol.teacher} on {plan.whole_images}")
    teacher = teach(plan, out / "teacher")
    seen = plan.scoring_teacher == "trained" or is_trained(plan.score)
    objective = objective_of(plan, runner, teacher.file if seen else None)
    _say(2, f"search: {plan.budget} evaluations by {plan.strategy} of {objective.name}")
    search = _search(plan, objective, runner.engine, out / "search")
    choice = choose(plan, search.best)
    _say(3, f"distillation: {len(choice.roles)} students, {plan.seeds} seeds each, protocol {plan.protocol.name}")
    for sentence in choice.repeated:
        print(f"  {sentence}: trained once", flush=True)
    trained = distil(plan, teacher, choice.roles, choice.found, out, runner.engine)
    values = {str(evaluation.trial.arch): evaluation.value for evaluation in search.trajectory}
    if is_scored(plan.score):  # what the search would have said of the others costs little
        scored = objective.values([Trial(arch) for arch in choice.roles])
        values |= {str(arch): value.number for arch, value in zip(choice.roles, scored, strict=True)}
    known = {arch: values.get(str(arch)) for arch in choice.roles}
    elapsed = time.perf_counter() - begin
    _say(4, "report")
    return PipelineResult(plan, teacher, search, choice, known, trained, elapsed, runner.workers)


def objective_of(
    plan: PipelinePlan, runner: Runner, weights: Path | None = None
) -> ScoredObjective | TabularObjective | TrainedObjective:
    """What the search maximises; `weights`: of a trained teacher, for scores that compare with one."""
    if is_table(plan.score):
        return objective_for(plan.space, plan.score)
    teacher = plan.protocol.teacher
    images = plan.protocol.images
    setting = setting_for(plan.space, images, teacher=teacher, teacher_weights=weights, device=plan.device)
    return objective_for(plan.space, plan.score, plan.seed, runner, setting)


def _search(
    plan: PipelinePlan, objective: ScoredObjective | TabularObjective | TrainedObjective, engine: Engine, folder: Path
) -> SearchResult:
    with Progress(plan.budget, "evaluation", "search") as shown, at_work(objective, engine) as working:
        return run_search(
            plan.space,
            plan.strategy,
            working,
            plan.budget,
            constraints=plan.constraints,
            seed=plan.seed,
            folder=folder,
            watch=watched(shown),
        )


def _say(stage: int, text: str) -> None:
    print(f"{stage}/4 {text}", flush=True)
