"""What a pipeline would do and about how long each stage would take: for `--dry-run`."""

from __future__ import annotations

from random import Random

from benchmarks.distill import budget
from benchmarks.pipeline.plan import PipelinePlan
from benchmarks.pipeline.run import objective_of
from benchmarks.pipeline.students import choose
from benchmarks.pipeline.training import distillations
from benchmarks.scoring.runner import Runner
from benchmarks.search.courses import PROBED
from proxies.distillation.names import ALONE
from reports.tables import format_duration


def estimate(plan: PipelinePlan, runner: Runner) -> str:
    """A line for each stage, as if nothing were done yet; the student that will be found counts as the largest."""
    rng = Random(plan.seed)
    each = objective_of(plan, runner).probe([plan.space.draw(rng) for _ in range(PROBED)])
    search = format_duration(plan.budget * each)
    choice = choose(plan, plan.space.distinct()[0])
    students = distillations(plan, choice.roles, choice.largest, plan.teacher_file)
    training = format_duration(budget.seconds(list(students.values()), runner.workers))
    names = ", ".join(" = ".join(roles) for roles in choice.roles.values())
    alone = f", the found one also by {ALONE}" if plan.alone else ""
    teacher = "with its file" if plan.teacher_file else f"train {plan.protocol.teacher} first"
    return "\n".join(
        [
            f"search: {plan.budget} evaluations by {plan.strategy} of {plan.score}, about {search} of one worker",
            f"distillation by protocol {plan.protocol.name} on {plan.protocol.images}: {teacher}, then {names}, "
            f"{plan.seeds} seeds each by {plan.distiller}{alone}, about {training} with {runner.workers} "
            "workers",
        ]
    )
