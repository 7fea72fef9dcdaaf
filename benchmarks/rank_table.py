"""The rank table of NAS-Bench-201, as published and as it should be: `python -m benchmarks.rank_table`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks import groups, shell
from benchmarks.groups import Group
from diswot_errors import DataError
from reports import verdicts
from reports.schema import Note, Topic

if TYPE_CHECKING:
    from benchmarks.ablation import Measured
    from benchmarks.runner import Runner
    from benchmarks.statistics.small_samples import SmallSamples
    from reports.schema import Section

TRUTH = "nb201:cifar10:test:200"  # that of the paper, as far as its values tell
OWN = "kd-nb201"
CLASSIC = Group(
    ("l2_norm", "grad_norm", "snip", "fisher", "nwot", "synflow", "jacob", "zen"), batch_size=192, split="train"
)
_WITH_TEACHER = ("kd", "fitnet", "sp", "rkd", "pkt", "cc", "nst")
TEACHER = Group(
    (*_WITH_TEACHER, "kd_released", "fitnet_released", "sp_released", "pkt_released", "nst_released"),
    batch_size=64,
    split="train",
    init="default",
)
DISWOT = Group(("diswot_released", "diswot", "diswot_readme", "m_s", "m_r"), batch_size=64, split="train", repeats=5)
GROUPS = (CLASSIC, TEACHER, DISWOT)
RELEASED = {row: f"{row}_released" for row in ("kd", "fitnet", "sp", "pkt", "nst", "diswot")}
"""Published rows that the released scripts made with another formula than the plain one of that name."""

PLAIN = {f"plain {row}": row for row in RELEASED}
FORMS = PLAIN | {"diswot_readme": "diswot"}
CELLS, TABLES = 50, 1000
LARGE = 300  # cells of a truth that has more
TITLE = "Rank table of NAS-Bench-201"


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser(
        "rank_table",
        f"The paper's rank table: what 10 repeats on 50 cells can show, from a larger sample of cells ({LARGE}); then "
        "what that sample itself says, with intervals, against accuracies of cells trained alone and distilled. "
        "Unless --batch-size is given: 192 images for the classic proxies, 64 for those with a teacher.",
    )
    groups.add_options(parser, "runs/rank-table", seeds=1)
    parser.set_defaults(sample=LARGE)
    options = parser.parse_args(argv)
    command = ["python", "-m", "benchmarks.rank_table", *(sys.argv[1:] if argv is None else argv)]
    shell.prepare_output(options.out)
    print(run(options, command))
    return 0


def run(options: argparse.Namespace, command: Sequence[str]) -> str:
    """Measure on every ground truth at hand, write the page; the text to print."""
    from benchmarks.runner import GPU_TOGETHER, Runner
    from benchmarks.store import Store, default_store
    from reports.published import published

    names, lacking = _truths()
    paper = published("rank")
    config = {"cells": CELLS, "tables": TABLES}
    if not names:
        section = verdicts.section("published", paper, verdicts.comparison(paper, {}, "; ".join(lacking.values())))
        why = f"Nothing was measured: {'; '.join(lacking.values())}."
        return groups.write(options, command, TITLE, [why], [section], [], config, [Note(Topic.LEFT_OUT, why)])
    device = shell.choose_device(options.device)
    workers = options.workers or shell.default_workers(str(device))
    together = options.together or (1 if device.type == "cpu" else GPU_TOGETHER)
    with Store(options.store or default_store()) as store, Runner(store, workers, together, progress=True) as runner:
        found = {name: _measure(runner, options, name) for name in names}
    own = _own(found[TRUTH]) if TRUTH in found else {}
    compared = verdicts.comparison(paper, own, lacking.get(TRUTH, ""), FORMS)
    sections = [
        verdicts.section("published", paper, compared, _NOTE),
        _spreads(found.get(TRUTH), lacking.get(TRUTH, "")),
        *(_table(place, name, parts) for place, (name, parts) in enumerate(found.items(), 1)),
    ]
    tally = verdicts.tally(compared)
    lead = [*(_lead(name, parts) for name, parts in found.items()), f"Published beside measured: {tally}."]
    notes = [Note(Topic.LEFT_OUT, f"Left out: {why}.") for why in lacking.values()]
    measured = [one for parts in found.values() for one in parts]
    return groups.write(options, command, TITLE, lead, sections, measured, config, notes)


_NOTE = (
    f"The paper's protocol draws {CELLS} cells with replacement for each of 10 repeats (DisWOT 5) and prints the mean. "
    f"Here this is done {TABLES:,} times with the cells that were scored, which are resampled first; 'measured' is the "
    "mean of all and 'expected' holds 95 % of such tables. The authors take the accuracy of one random training run, "
    "here it is the mean of the benchmark's runs, which correlates slightly higher. Where the released scripts compute "
    "another formula than the plain one of that name, the row is theirs, and the plain formula follows below."
)


def _truths() -> tuple[list[str], dict[str, str]]:
    """Names of the ground truths at hand, and why others are not: the paper's, this project's distilled and alone."""
    from benchmarks.options import FEWEST
    from nb201_data.ground_truth import load_ground_truth

    names, lacking = [], {}
    try:
        names.append(load_ground_truth(TRUTH).name)
    except DataError as error:
        lacking[TRUTH] = str(error)
    try:
        own = load_ground_truth(OWN)
        names += [own.name, own.name.replace(":distilled", ":vanilla")]
        if len(own) < FEWEST:
            names, lacking[OWN] = names[:-2], f"{own.name} covers {len(own)} cells so far"
    except DataError as error:
        lacking[OWN] = str(error)
    return names, lacking


def _measure(runner: Runner, options: argparse.Namespace, truth: str) -> list[Measured]:
    """All groups on one ground truth, on the sample asked for or, where that is smaller, on the whole truth."""
    from nb201_data.ground_truth import load_ground_truth

    own = argparse.Namespace(**vars(options))
    if isinstance(own.sample, int) and own.sample > len(load_ground_truth(truth)):
        own.sample = "all"
    return [groups.measure_group(runner, own, None, truth, group, f"{truth}, {group.init}") for group in GROUPS]


def _drawn(parts: Sequence[Measured]) -> dict[str, SmallSamples]:
    """Every proxy in the paper's protocol, from the first seed's scores, higher predicting better."""
    from benchmarks.ablation import oriented
    from benchmarks.statistics.small_samples import small_samples

    made: dict[str, SmallSamples] = {}
    for one, group in zip(parts, GROUPS, strict=True):
        scores = {info.name: oriented(one, info.name)[0] for info in one.infos}
        made = small_samples(one.study.accuracies, scores, cells=CELLS, repeats=group.repeats, tables=TABLES) | made
    return made


def _own(parts: Sequence[Measured]) -> dict[tuple[str, str], verdicts.Counterpart]:
    """(row, 'spearman') -> what the protocol shows on our scores; other forms and further proxies after those."""
    drawn, plain = _drawn(parts), {row: name for name, row in PLAIN.items()}
    made: dict[tuple[str, str], verdicts.Counterpart] = {}
    for one, group in zip(parts, GROUPS, strict=True):
        for info in one.infos:
            expected = verdicts.hundredths(drawn[info.name].mean)
            row = info.name.removesuffix("_released") if info.name.endswith("_released") else plain.get(info.name)
            setting = f"{info.name}: {groups.describe(one.study, [info.name])}"
            differs = _differences(one, group, info.name)
            found = verdicts.Counterpart(expected, one.by_proxy[info.name].scored, 1, setting, expected, differs)
            made.setdefault((row or info.name, "spearman"), found)
    return made


def _differences(one: Measured, group: Group, proxy: str) -> tuple[str, ...]:
    setting, found = one.study.setting, []
    if proxy == "flops":
        return ("multiply-adds alone, the authors also count batch norm, ReLU and pooling",)
    if setting.images.partition("@")[0] != "cifar10":
        found.append(f"images {setting.images}")
    if setting.batch_size != group.batch_size:
        found.append(f"{setting.batch_size} images instead of {group.batch_size}")
    return tuple(found)


def _spreads(parts: Sequence[Measured] | None, lacking: str) -> Section:
    """The printed ± beside the standard deviation that 50 cells must have."""
    from reports.published import published
    from reports.schema import Cell, Column, Estimate, Section, Table, Verdict, VerdictKind

    drawn = _drawn(parts) if parts else {}
    paper = published("rank")
    rows: list[tuple[Cell, ...]] = []
    for number in paper.numbers:
        found = drawn.get(RELEASED.get(number.row, number.row))
        expected = found.spread if found else Estimate()
        verdict = Verdict(VerdictKind.NOT_MEASURED, "" if found else lacking)
        if found and number.spread is not None and expected.low is not None and expected.high is not None:
            inside = expected.low - number.step <= number.spread <= expected.high + number.step
            verdict = Verdict(VerdictKind.WITHIN if inside else VerdictKind.OUTSIDE)
        repeats = DISWOT.repeats if number.row == "diswot" else 10
        rows.append((paper.labels[number.row], number.spread, repeats, expected, verdict))
    columns = (
        Column("row"),
        Column("printed", "number", 2, "printed ±", "taken as a fraction: .11 is 11 points"),
        Column("repeats", "integer"),
        Column(
            "sampling", "estimate", 3, "± of the protocol", "standard deviation over the repeats; 95 % of such tables"
        ),
        Column("verdict", "verdict"),
    )
    return Section(
        "spreads",
        "Can the printed ± be that of 50 cells?",
        ("The standard deviation of Spearman over repeats is fixed by the number of cells: it cannot be chosen.",),
        table=Table(columns, tuple(rows)),
        note="The unit of ± is not printed; as points, all would be a hundred times too small.",
    )


def _table(place: int, name: str, parts: Sequence[Measured]) -> Section:
    """What the whole sample says, with intervals."""
    from reports.schema import Section
    from reports.tables import correlation_table

    rows = list({row.proxy: row for one in parts for row in one.rows}.values())
    study = parts[0].study
    settings = " ".join(
        f"{', '.join(g.proxies)}: {groups.describe(one.study, g.proxies)}."
        for one, g in zip(parts, GROUPS, strict=True)
    )
    return Section(
        f"truth-{place}",
        f"What it should have been: {len(study.archs):,} cells against {name}",
        (f"{study.truth.note}.",),
        table=correlation_table(rows),
        note=f"{settings} 95 % bootstrap intervals over cells.",
    )


def _lead(name: str, parts: Sequence[Measured]) -> str:
    """Best first, and who is told apart from params."""
    from reports.tables import by_rank, format_estimate

    rows = by_rank({row.proxy: row for one in parts for row in one.rows}.values())
    shown = [row for row in rows if row.spearman.value is not None]
    best = ", ".join(f"{row.proxy} {format_estimate(row.spearman, 2)}" for row in shown[:3])
    diswot = next(row for row in rows if row.proxy == "diswot")
    better = [row.proxy for row in shown if row.spearman_minus_params.separated > 0]
    worse = sum(row.spearman_minus_params.separated < 0 for row in shown)
    told = f"better than params: {', '.join(better) or 'none'}; worse: {worse} of {len(shown)}"
    return (
        f"On {name} ({len(parts[0].study.archs):,} cells): highest Spearman {best}; DisWOT "
        f"{format_estimate(diswot.spearman, 2)}; {told}."
    )


if __name__ == "__main__":
    shell.run(main)
