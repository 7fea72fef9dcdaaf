"""ResNet-56 to ResNet-20 by RepDistiller's recipe: printed beside measured, the last and the best epoch apart."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.distill.jobs import Distillation, Histories, student_of
from benchmarks.distill.protocols import get_protocol
from benchmarks.statistics.runs import mean_of_runs
from nb201_data.datasets import unpooled
from proxies.distillation import losses
from reports import verdicts
from reports.published_distillers import RESNET56_RESNET20
from reports.schema import Section
from reports.verdicts import Counterpart

Teachers = Mapping[str, float | None]
"""Top-1 in percent of each distiller's teacher on the test images."""

RECIPE = get_protocol("repdistiller")
NOTE = (
    "The last epoch's accuracy is that of a run. The best epoch is chosen on the test images, which lifts it; the two "
    "columns are printed by different groups."
)


def beside_published(plan: Distillation, histories: Histories, teachers: Teachers) -> tuple[Section, ...]:
    """The section; none for another student, teacher, recipe or set of images."""
    asked = student_of(plan).name, plan.protocol.name, plan.protocol.teacher, unpooled(plan.protocol.images)
    if asked != ("resnet20", RECIPE.name, RECIPE.teacher, RECIPE.images):
        return ()
    measured = {}
    for name, runs in histories.items():
        tested = [[result.top1 for result in run if result.tested] for run in runs]
        for column, values in (("last", [each[-1] for each in tested]), ("best", [max(each) for each in tested])):
            differs = differences(plan, teachers.get(name))
            measured[name, column] = Counterpart(
                mean_of_runs(values), 1, len(runs), plan.protocol.note, differs=differs
            )
    for name, top1 in teachers.items():
        if top1 is not None and losses.get(name).teaching == "trained":
            measured["teacher", "last"] = Counterpart(mean_of_runs([top1]), 1, 1, "as it was read or trained")
    compared = verdicts.comparison(RESNET56_RESNET20, measured, "name it with --distiller")
    return (verdicts.section("published", RESNET56_RESNET20, compared, NOTE),)


def differences(plan: Distillation, teacher: float | None) -> tuple[str, ...]:
    """Settings of the printed numbers that this run does not have."""
    protocol, printed = plan.protocol, RESNET56_RESNET20.number("teacher", "last")
    assert printed is not None
    found = [] if protocol.epochs == RECIPE.epochs else [f"{protocol.epochs} of {RECIPE.epochs} epochs"]
    if protocol.images != RECIPE.images:
        found.append(f"images {protocol.images}")
    if protocol.precision != RECIPE.precision:
        found.append(f"precision {protocol.precision}")
    if teacher is not None and round(teacher, 2) != printed.value:
        found.append(f"teacher of {teacher:.2f} %")
    return (*found, "an epoch's last batch, which is not full, left out")
