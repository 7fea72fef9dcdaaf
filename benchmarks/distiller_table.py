"""DisWOT as a distiller: Table 9's comparison on small images, over seeds: `python -m benchmarks.distiller_table`."""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import shell
from diswot_errors import UsageError
from reports.published import SEARCHED_CELLS, published

if TYPE_CHECKING:
    from benchmarks.distill.jobs import Histories, Plan
    from benchmarks.distill.protocols import Protocol
    from reports.printed import Number
    from reports.schema import Claim, Estimate, Section, Verdict

DISTILLERS = "ce,kd,eskd,atkd,one,dml,crd,review,ofd,diswot,diswot+"
STUDENTS = ("resnet20", SEARCHED_CELLS["diswot"])
CALLED = {f"nb201:{cell}": f"the cell of the authors' search ({name})" for name, cell in SEARCHED_CELLS.items()}
CLAIMANTS = ("diswot", "diswot+")
TEACHERS = ("resnet34", "resnet50")  # of the published table
SHARED = ("teacher-*", "early-*", "assistant-*")


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser(
        "distiller_table",
        "KD against DisWOT, DisWOT+ and the other distillers of the paper's Table 9, on the same students, under the "
        "longest protocol that fits into the time given; resumable.",
    )
    parser.add_argument(
        "--student", action="append", metavar="NETWORK", help="repeatable (resnet20 and the cell of DisWOT's search)"
    )
    parser.add_argument("--distiller", default=DISTILLERS, help="a comma list; python -m benchmarks.distill --list")
    parser.add_argument(
        "--protocol", help="by name instead of by time: repdistiller, full12, short, lite, small, glance"
    )
    parser.add_argument("--minutes", type=shell.positive, default=20, help="that all runs may take, about")
    parser.add_argument("--images", default="embedded", help="embedded (no download), cifar100, cifar10")
    parser.add_argument("--teacher", help="a CIFAR ResNet (default: the protocol's)")
    parser.add_argument("--teacher-weights", type=Path, help="its file (default: the data folder's, else trained here)")
    parser.add_argument("--epochs", type=shell.positive, help="another length than the protocol's")
    parser.add_argument("--seeds", type=shell.positive, default=3, help="repetitions of each distiller")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--workers", type=shell.positive, help="runs at a time (default: cores on a CPU, 1 on a GPU)")
    parser.add_argument("--out", type=Path, default=Path("runs/distiller-table"), metavar="DIR", help="run folder")
    parser.add_argument("--dry-run", action="store_true", help="say what would be trained and how long, and stop")
    options = parser.parse_args(argv)
    command = ["python", "-m", "benchmarks.distiller_table", *(sys.argv[1:] if argv is None else argv)]
    device = str(shell.choose_device(options.device))
    workers = options.workers or shell.default_workers(device)
    plans, said = choose(options, device, workers)
    print(said, flush=True)
    if options.dry_run:
        return 0
    shell.prepare_output(options.out)
    if not options.protocol:  # that the command repeats the run on a faster machine too
        command += ["--protocol", plans[0].protocol.name]
    print(run(plans, workers, options.out, command, said))
    return 0


def choose(options: argparse.Namespace, device: str, workers: int) -> tuple[list[Plan], str]:
    """The plans, one for each student, under the protocol asked for or the longest that fits; and why that one.

    A folder that holds runs keeps its protocol: what was begun goes on, whatever the machine is doing now.
    """
    from benchmarks.distill import budget

    named = options.protocol or _begun(options.out)
    ladder = [each for each in budget.LADDER if named in (None, each.name)]
    if not ladder:
        raise UsageError(f"unknown --protocol {named!r}: expected {', '.join(each.name for each in budget.LADDER)}")
    for protocol in ladder:
        plans = _plans(options, protocol, device)
        if named:
            return plans, f"Protocol {named}: {protocol.note}."
        minutes = budget.seconds(plans, workers) / 60
        if minutes <= options.minutes or protocol is ladder[-1]:
            break
    asked = f"--minutes {options.minutes}"
    fits = f"the longest that fits into {asked}" if minutes <= options.minutes else f"the shortest, though over {asked}"
    return plans, f"Protocol {protocol.name}, {fits} (about {max(1, round(minutes))} min): {protocol.note}."


def _begun(out: Path) -> str | None:
    file = out / "protocol.txt"
    return file.read_text(encoding="utf-8").strip() if file.is_file() else None


def _plans(options: argparse.Namespace, protocol: Protocol, device: str) -> list[Plan]:
    from benchmarks.distill import budget, jobs

    protocol = budget.on_images(protocol, options.images)
    changes = {"epochs": options.epochs, "teacher": options.teacher}
    protocol = replace(protocol, **{key: value for key, value in changes.items() if value is not None})
    made = []
    for student in options.student or STUDENTS:
        plan = jobs.plan(student, options.distiller, options.seeds, options.teacher_weights, protocol, device)
        made.append(replace(plan, out=options.out / jobs.student_of(plan).slug))
    return made


def run(plans: Sequence[Plan], workers: int, out: Path, command: Sequence[str], said: str) -> str:
    """Train what is not on disk yet, write the page; the text to print."""
    from benchmarks import provenance
    from benchmarks.distill import jobs
    from proxies.distillation import losses
    from reports import html
    from reports.csv_files import write_text
    from reports.records import Page, Run, write_run
    from reports.schema import Note, Topic, VerdictKind
    from reports.tables import as_text

    protocol = plans[0].protocol
    write_text(out / "protocol.txt", f"{protocol.name}\n")
    sections: list[Section] = []
    made: list[Claim] = []
    for plan in plans:
        if plan is not plans[0]:
            _share_teachers(plans[0].out, plan.out)
        histories = jobs.run(plan, workers)
        section = student_section(plan, histories, len(sections) + 1)
        sections.append(section)
        made += section.claims
    kinds = [each.verdict.kind for each in made]
    asked = (VerdictKind.BETTER, VerdictKind.WORSE, VerdictKind.OPEN)
    counts = ", ".join(f"{kinds.count(kind)} {kind.label}" for kind in asked)
    lead = (
        f"DisWOT and DisWOT+ against every other distiller on {len(plans)} student{'s' * (len(plans) > 1)}: {counts} "
        f"of {len(made)} comparisons, paired over seeds.",
        f"{said} Images {protocol.images}, {protocol.epochs} epochs, teacher {protocol.teacher}, "
        f"{plans[0].seeds} seeds.",
    )
    paper = (
        "The paper's Table 9 is ImageNet with students of 11 million parameters, its DisWOT row has another student "
        "than the others, and its training recipe is unknown: no number of it can be confirmed here, only the order."
    )
    notes = [Note(Topic.PROTOCOL, paper)]
    own = [name for name in plans[0].distillers if losses.get(name).teaching in ("early", "assistant", "peer")]
    if own:
        taught = (
            f"The teachers of {', '.join(own)} (an early checkpoint, an assistant, a peer) are trained here under this "
            "protocol; one that comes from a file was trained for longer."
        )
        notes.append(Note(Topic.PROTOCOL, taught))
    if protocol.images.startswith("embedded"):
        painted = (
            f"Images: {protocol.images}, painted by this program, not photographs, so that nothing needs to be "
            "downloaded. With real images: `python -m nb201_data fetch cifar100`, then --images cifar100."
        )
        notes.append(Note(Topic.IMAGES, painted))
    config = {**asdict(plans[0]), "student": [plan.student for plan in plans], "protocol": asdict(protocol)}
    config |= {"out": str(out), "teacher_weights": str(plans[0].teacher_weights or "")}
    manifest = provenance.manifest(
        command, config, plans[0].device, range(plans[0].seeds), images=protocol.images, notes=notes
    )
    title = "DisWOT as a distiller"
    write_run(out, Run(manifest, page=Page(title, lead, tuple(sections))))
    tables = [f"{each.title}\n\n{as_text(each.table, interval=False, detail=False)}" for each in sections if each.table]
    return "\n\n".join([*tables, "\n".join(lead), str(html.render(out))])


def _share_teachers(source: Path, target: Path) -> None:
    """Teachers do not depend on the student: a folder that lacks them gets those of the first."""
    for pattern in SHARED:
        for folder in source.glob(pattern):
            if not (target / folder.name).exists():
                shutil.copytree(folder, target / folder.name)


def student_section(plan: Plan, histories: Histories, place: int) -> Section:
    """One student: top-1 of every distiller, its gain over KD, the published gain, and the claims."""
    from benchmarks.distill.jobs import student_of
    from benchmarks.distill.page import over_seeds
    from reports import verdicts
    from reports.schema import Cell, Column, Section, Table

    top1 = {name: [run[-1].top1 for run in runs] for name, runs in histories.items()}
    rows: list[tuple[Cell, ...]] = []
    for name, values in top1.items():
        gain = paired(values, top1["kd"]) if "kd" in top1 and name != "kd" else None
        numbers = [published_gain(teacher, name) for teacher in TEACHERS]
        number = next((number for number in numbers if number is not None), None)
        said: Verdict | None = None
        if gain and number:
            found = verdicts.Counterpart(gain, 1, len(values), student_of(plan).name)
            said = verdicts.compare(number, found)
        shown = [number.value if number else None for number in numbers]
        seconds = statistics.fmean(sum(result.seconds for result in run) for run in histories[name])
        rows.append((name, len(values), over_seeds(values), gain, *shown, said, seconds))
    columns = (
        Column("distiller"),
        Column("seeds", "integer"),
        Column("top1", "estimate", 2, "top-1 %", "test accuracy after the last epoch; mean and sd over seeds"),
        Column("gain", "estimate", 2, "gain over KD", "paired by seed, 95 % t interval"),
        *(
            Column(f"published_{teacher}", "number", 2, f"published gain, {teacher}", "over KD, ImageNet")
            for teacher in TEACHERS
        ),
        Column("verdict", "verdict", note=f"of the gain with {TEACHERS[0]}, or {TEACHERS[1]} where that has none"),
        Column("seconds", "number", 1, "s / run"),
    )
    network = student_of(plan).name
    called = CALLED.get(network, network)
    return Section(
        f"student-{place}",
        f"Student: {called}",
        (f"{network}.",) if called != network else (),
        table=Table(columns, tuple(rows)),
        claims=tuple(claims(called, top1)),
        note="Every distiller starts from the same weights of a seed and sees the same images in the same order.",
    )


def paired(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Mean of first - second by seed, its 95 % t interval and standard deviation; no interval from one seed."""
    from benchmarks.statistics.runs import mean_of_runs

    return mean_of_runs([a - b for a, b in zip(first, second, strict=True)])


def published_gain(teacher: str, distiller: str) -> Number | None:
    """Published top-1 minus that of KD, with the precision of both; None for KD and what is not printed."""
    table = published(f"distillers-{teacher}")
    own, base = table.number(distiller, "top1"), table.number("kd", "top1")
    if own is None or base is None or distiller == "kd":
        return None
    value = own.value - base.value
    return replace(own, value=value, step=own.step + base.step, printed=f"{value:+.2f}", column="gain over KD")


def claims(student: str, top1: dict[str, list[float]]) -> list[Claim]:
    """DisWOT and DisWOT+ against every other distiller."""
    from reports.schema import Claim, Verdict, VerdictKind
    from reports.tables import format_estimate

    made = []
    for own in CLAIMANTS:
        for other in top1:
            if own in top1 and other not in CLAIMANTS:
                gap = paired(top1[own], top1[other])
                points = f"{format_estimate(gap, 2)} points"
                verdict = {
                    1: Verdict(VerdictKind.BETTER, points),
                    -1: Verdict(VerdictKind.WORSE, points),
                    0: Verdict(VerdictKind.OPEN, f"not told apart, {points}"),
                }[gap.separated]
                made.append(Claim(f"{student}: {own} against {other}", verdict))
    return made


if __name__ == "__main__":
    shell.run(main)
