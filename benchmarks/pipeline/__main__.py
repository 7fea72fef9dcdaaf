"""Teacher, search, distillation, comparison, report: `python -m benchmarks.pipeline`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import shell
from benchmarks.distill.protocols import PROTOCOLS
from nb201_data.spaces import SPACES

if TYPE_CHECKING:
    from benchmarks.pipeline.plan import Plan

HIDDEN = ("flops", "score", "seconds")  # in a terminal


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    options = _parser().parse_args(argv)
    command = ["python", "-m", "benchmarks.pipeline", *(sys.argv[1:] if argv is None else argv)]

    from benchmarks.pipeline.plan import claim, resolve

    plan = resolve(options)
    if options.dry_run:
        from benchmarks.pipeline.estimate import estimate
        from reports.tables import as_text

        print(f"{as_text(estimate(plan))}\n\n{plan.workers} workers; the folder would be {plan.out}")
        return 0
    claim(plan)
    print(run(plan, command))
    return 0


def run(plan: Plan, command: Sequence[str]) -> str:
    """All stages, or what is left of them; the text to print."""
    from benchmarks.pipeline import stages
    from benchmarks.pipeline.outcome import Outcome
    from benchmarks.pipeline.page import students_section, write_page
    from benchmarks.pipeline.students import choose
    from benchmarks.pipeline.words import lead
    from benchmarks.results import in_terminal
    from benchmarks.search.choices import is_scored

    begin = time.perf_counter()
    _say(1, f"teacher: {plan.protocol.teacher} on {plan.whole_images}")
    teacher = stages.teach(plan)
    objective = stages.objective_of(plan, teacher.file if plan.scoring_teacher == "trained" else None)
    _say(2, f"search: {plan.budget} evaluations by {plan.strategy} of {objective.name}")
    result = stages.search(plan, objective)
    choice = choose(plan, result.best)
    _say(3, f"distillation: {len(choice.roles)} students, {plan.seeds} seeds each, protocol {plan.protocol.name}")
    for sentence in choice.repeated:
        print(f"  {sentence}: trained once", flush=True)
    trained = stages.distil(plan, teacher, choice.roles, choice.found)
    known = {str(answer.question.arch): answer.value for answer in result.trajectory}
    values = {
        arch: objective(arch, objective.fidelities[-1]).value if is_scored(plan.score) else known.get(str(arch))
        for arch in choice.roles
    }
    outcome = Outcome(plan, teacher, result, choice, values, trained, time.perf_counter() - begin)
    _say(4, "report")
    page = write_page(outcome, command)
    table = students_section(outcome).table
    assert table is not None
    return "\n".join(["", in_terminal(table, HIDDEN), "", *lead(outcome), "", str(page)])


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser(
        "pipeline",
        "Train a teacher, search a student for it by a score, distil the student, and hold it against random "
        "students, the one with most parameters and, where a table has it, the best there is. Without options: on "
        "painted images, within ten minutes on two cores. The same command goes on where it stopped.",
    )
    parser.add_argument("--protocol", default="small", help=", ".join(PROTOCOLS))
    parser.add_argument("--images", help="embedded (no download), cifar100, cifar10 (default: the protocol's)")
    parser.add_argument("--teacher", help="a CIFAR ResNet (default: the protocol's)")
    parser.add_argument("--teacher-weights", type=Path, help="its file (default: the data folder's, else trained here)")
    parser.add_argument("--space", default="nb201", choices=list(SPACES))
    parser.add_argument("--score", default="diswot", help="a proxy, or several by their mean standing: diswot,synflow")
    parser.add_argument(
        "--scoring-teacher",
        choices=("random", "trained"),
        default="random",
        help="what a score that compares with a teacher sees: its architecture with random weights, or the trained one",
    )
    parser.add_argument("--strategy", default="evolution", help="see python -m benchmarks.search --list")
    parser.add_argument("--budget", type=shell.positive, default=200, help="evaluations of the search")
    parser.add_argument("--max-params", type=_number, metavar="N", help="of all students, as 0.5e6")
    parser.add_argument("--max-flops", type=_number, metavar="N", help="of all students, as 100e6")
    parser.add_argument("--distiller", default="kd", help="one of python -m benchmarks.distill --list")
    parser.add_argument(
        "--alone", action=argparse.BooleanOptionalAction, default=True, help="train the found student alone as well"
    )
    parser.add_argument("--students", type=shell.positive, default=9, help="random students to compare with")
    parser.add_argument("--seeds", type=shell.positive, default=2, help="trainings of each student")
    parser.add_argument("--seed", type=int, default=0, help="of the search and of the random students")
    parser.add_argument("--ground-truth", help="a table that knows the best, or none (default: one that fits)")
    parser.add_argument("--store", type=Path, metavar="FILE", help="where scores are kept (default: the cache folder)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--workers", type=shell.positive, help="processes (default: cores on a CPU, 1 on a GPU)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="run folder (default: runs/pipeline-...)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done and how long, and stop")
    return parser


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def _say(stage: int, text: str) -> None:
    print(f"{stage}/4 {text}", flush=True)


if __name__ == "__main__":
    shell.run(main)
