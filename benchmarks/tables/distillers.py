"""Table 9 on students that train quickly: every distiller beside KD, the published gains, DisWOT's claims."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.command.publish import Content
from benchmarks.distill.beside import Teachers
from benchmarks.distill.jobs import Distillation, Histories, student_of
from benchmarks.distill.page import BEST, TEACHER, best_top1, configuration, over_seeds, starved
from benchmarks.scoring.resolve import painted
from benchmarks.statistics.runs import mean_of_runs
from proxies.distillation import losses
from reports import verdicts
from reports.printed import Number
from reports.published import SEARCHED_CELLS, published
from reports.schema import Cell, Claim, Column, Estimate, Note, Section, Table, Topic, Verdict, VerdictKind
from reports.tables import format_count, format_estimate

CALLED = {f"nb201:{cell}": f"the cell of the authors' search ({name})" for name, cell in SEARCHED_CELLS.items()}
CLAIMANTS = ("diswot", "diswot+")
TEACHERS = ("resnet34", "resnet50")  # of the published table
PAPER = (
    "The paper's Table 9 is ImageNet with students of 11 million parameters, its DisWOT row has another student than "
    "the others, and its training recipe is unknown: no number of it can be confirmed here, only the order."
)


def content(
    plans: Sequence[Distillation], histories: Sequence[Histories], teachers: Teachers, out: Path, said: str
) -> Content:
    """A section for each student; `teachers`: what those of each distiller reach; `said`: why this protocol."""
    first, protocol = plans[0], plans[0].protocol
    sections = [
        student_section(plan, found, teachers, place)
        for place, (plan, found) in enumerate(zip(plans, histories, strict=True), 1)
    ]
    kinds = [claim.verdict.kind for section in sections for claim in section.claims]
    asked = (VerdictKind.BETTER, VerdictKind.WORSE, VerdictKind.OPEN)
    counts = ", ".join(f"{kinds.count(kind)} {kind.label}" for kind in asked)
    lead = (
        f"DisWOT and DisWOT+ against every other distiller on {format_count(len(plans), 'student')}: {counts} "
        f"of {len(kinds)} comparisons, paired over seeds.",
        f"{said} Images {protocol.images}, {protocol.epochs} epochs, teacher {protocol.teacher}, {first.seeds} seeds.",
    )
    config = {**configuration(first), "student": [plan.student for plan in plans], "out": str(out)}
    return Content(
        "DisWOT as a distiller",
        lead,
        sections,
        notes=_notes(first),
        config=config,
        device=first.device,
        seeds=range(first.seeds),
        images=protocol.images,
    )


def _notes(plan: Distillation) -> list[Note]:
    """What a reader must know of the recipe."""
    notes = [Note(Topic.PROTOCOL, PAPER)]
    own = [name for name in plan.distillers if losses.get(name).teaching in ("early", "assistant", "peer")]
    if own:
        taught = (
            f"The teachers of {', '.join(own)} (an early checkpoint, an assistant, a peer) are trained here under this "
            "protocol; one that comes from a file was trained for longer."
        )
        notes.append(Note(Topic.PROTOCOL, taught))
    real = "With real images: `python -m nb201_data fetch cifar100`, then --images cifar100."
    return [*notes, *painted(plan.protocol.images, real)]


def student_section(plan: Distillation, histories: Histories, teachers: Teachers, place: int) -> Section:
    """One student: top-1 of every distiller, its gain over KD, the published gain, and the claims."""
    weak = {name: why for name, runs in histories.items() if (why := starved(teachers.get(name), runs))}
    top1 = {name: [run[-1].top1 for run in runs] for name, runs in histories.items()}
    rows: list[tuple[Cell, ...]] = []
    for name, values in top1.items():
        gain = paired(values, top1["kd"]) if "kd" in top1 and name != "kd" else None
        numbers = [published_gain(teacher, name) for teacher in TEACHERS]
        number = next((number for number in numbers if number is not None), None)
        said: Verdict | None = None
        if gain and number:
            differs = (weak[name],) if name in weak else ()
            found = verdicts.Counterpart(gain, 1, len(values), student_of(plan).name, differs=differs)
            said = verdicts.compare(number, found)
        shown = [number.value if number else None for number in numbers]
        seconds = statistics.fmean(sum(result.seconds for result in run) for run in histories[name])
        start = name, len(values), over_seeds(values), over_seeds(best_top1(histories[name])), teachers.get(name)
        rows.append((*start, gain, *shown, said, seconds))
    columns = (
        Column("distiller"),
        Column("seeds", "integer"),
        Column("top1", "estimate", 2, "top-1 %", "test accuracy after the last epoch; mean and sd over seeds"),
        Column("best_top1", "estimate", 2, "best top-1 %", BEST),
        Column("teacher_top1", "number", 2, "teacher top-1 %", TEACHER),
        Column("gain", "estimate", 2, "gain over KD", "paired by seed, 95 % t interval"),
        *(
            Column(f"published_{teacher}", "number", 2, f"published gain, {teacher}", "over KD, ImageNet")
            for teacher in TEACHERS
        ),
        Column("verdict", "verdict", note=f"of the gain with {TEACHERS[0]}, or {TEACHERS[1]} where that has none"),
        Column("seconds", "number", 1, "s / run"),
    )
    network = student_of(plan).name
    made = claims(CALLED.get(network, network), top1, weak)
    called = CALLED.get(network, network)
    return Section(
        f"student-{place}",
        f"Student: {called}",
        (f"{network}.",) if called != network else (),
        table=Table(columns, tuple(rows)),
        claims=tuple(made),
        note="Every distiller starts from the same weights of a seed and sees the same images in the same order. "
        f"Intervals are t intervals over seeds, 95 % each, and nothing accounts for their number: of {len(made)} "
        f"comparisons without any difference about {0.05 * len(made):.1g} would come out as one.",
    )


def paired(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Mean of first - second by seed, its 95 % t interval and standard deviation; no interval from one seed."""
    return mean_of_runs([a - b for a, b in zip(first, second, strict=True)])


def published_gain(teacher: str, distiller: str) -> Number | None:
    """Published top-1 minus that of KD, with the precision of both; None for KD and what is not printed."""
    table = published(f"distillers-{teacher}")
    own, base = table.number(distiller, "top1"), table.number("kd", "top1")
    if own is None or base is None or distiller == "kd":
        return None
    value = own.value - base.value
    return replace(own, value=value, step=own.step + base.step, printed=f"{value:+.2f}", column="gain over KD")


def claims(student: str, top1: Mapping[str, Sequence[float]], weak: Mapping[str, str] | None = None) -> list[Claim]:
    """DisWOT and DisWOT+ against every other distiller; `weak`: what speaks against the teacher of one.

    Where a teacher is worse than its student there is no answer, whatever the interval.
    """
    made = []
    for own in CLAIMANTS:
        for other in top1:
            if own in top1 and other not in CLAIMANTS:
                gap = paired(top1[own], top1[other])
                points = f"{format_estimate(gap, 2)} points"
                doubts = [f"{name}: {weak[name]}" for name in (own, other) if weak and name in weak]
                verdict = Verdict(gap.told, points)
                if doubts:
                    verdict = Verdict(VerdictKind.OPEN, "; ".join((*doubts, points)))
                elif not gap.separated:
                    verdict = Verdict(VerdictKind.OPEN, f"not told apart, {points}")
                made.append(Claim(f"{student}: {own} against {other}", verdict))
    return made
