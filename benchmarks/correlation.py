"""How well training-free scores rank networks by their true accuracy: `python -m benchmarks.correlation`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import options as shared
from benchmarks import shell

if TYPE_CHECKING:
    from benchmarks.options import Study
    from benchmarks.runner import Answers, Job, Runner
    from proxies.registry import ProxyInfo
    from reports.schema import Correlation, Section

PRECISION_NETWORKS = 30  # scored in fp32 too when another precision is asked for
PROBED = 3  # networks that a dry run times
_HIDDEN = {"spearman_minus_flops", "partial_spearman", "precision_top5"}  # in the terminal: they are on the page


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser(
        "correlation",
        "Score networks without training them and correlate the scores with their true accuracies. Without options: "
        "every proxy, on this project's own distilled accuracies and on images that need no download.",
    )
    parser.add_argument("--proxies", default="all", metavar="NAMES", help="names or globs: m_s,az_nas_*,...; or all")
    parser.add_argument("--space", metavar="NAME", help="nb201, s0, s0-plain (default: that of the ground truth)")
    parser.add_argument("--ground-truth", metavar="NAME|FILE", help="`python -m nb201_data list` names them (kd-nb201)")
    parser.add_argument("--init", choices=shared.INITS, default="gaussian", help="initialisation of all networks")
    shared.add_scoring(parser)
    parser.add_argument("--precision", choices=shared.PRECISIONS, default="fp32", help="bf16 also measures its effect")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/correlation"), metavar="DIR", help="folder of the results"
    )
    parser.add_argument("--list", action="store_true", help="list the proxies and stop")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be scored and how long it takes, and stop"
    )
    options = parser.parse_args(argv)
    if options.list:
        print(proxy_table())
        return 0
    command = ["python", "-m", "benchmarks.correlation", *(sys.argv[1:] if argv is None else argv)]
    return _run(options, command)


def _run(options: argparse.Namespace, command: Sequence[str]) -> int:
    from benchmarks.runner import GPU_TOGETHER, Runner
    from benchmarks.store import Store, default_store
    from proxies.registry import select

    infos = shared.with_baselines(select(options.proxies))
    study = shared.study(options, options.space, options.ground_truth, options.init)
    on_gpu = study.setting.device != "cpu"
    workers = options.workers or shell.default_workers(study.setting.device)
    together = options.together or (GPU_TOGETHER if on_gpu else 1)
    with Store(options.store or default_store()) as store, Runner(store, workers, together, progress=True) as runner:
        if options.dry_run:
            print(dry_run(runner, study, infos))
            return 0
        out = shell.prepare_output(options.out)
        answers = runner.scores(study.setting, infos, study.archs, study.seeds)
        sections = [compare_precision(runner, study, infos, answers)] if options.precision != "fp32" else []
    report(out, command, study, infos, answers, sections, {"workers": workers, "together": together})
    return 0


def report(
    out: Path,
    command: Sequence[str],
    study: Study,
    infos: Sequence[ProxyInfo],
    answers: Answers,
    sections: Sequence[Section],
    effort: dict[str, int],
) -> None:
    """Statistics, the run folder, its page, and the table in the terminal."""
    from benchmarks import provenance, results
    from benchmarks.s0_table import published_section
    from reports import html
    from reports.records import Page, Run, write_run
    from reports.schema import TruthRow

    rows = results.correlations(study, infos, answers)
    if published := published_section(study, rows):
        sections = [published, *sections]
    notes = study.notes() + results.memory_notes(answers)
    proxies = {info.name: f"version {info.version}, {info.origin}" for info in infos}
    manifest = provenance.manifest(
        command,
        study.config() | {"proxies": proxies, "resamples": results.RESAMPLES} | effort,
        study.setting.device,
        study.seeds,
        ground_truth=study.truth.name,
        ground_truth_note=study.truth.note,
        images=study.setting.images,
        skeleton=str(study.setting.skeleton),
        space=study.setting.space,
        notes=notes,
    )
    truth = tuple(TruthRow(arch, study.truth.values[arch]) for arch in study.archs)
    scores = tuple(results.score_records(study.setting, infos, answers))
    title = f"Which proxy ranks {study.setting.space} best?"
    page = Page(title, sections=tuple(sections)) if sections else None
    write_run(out, Run(manifest, scores, truth, tuple(rows), page))
    path = html.render(out)
    print("\n".join(note.text for note in notes) + f"\n\n{terminal_table(rows)}\n\n{path}")


def compare_precision(runner: Runner, study: Study, infos: Sequence[ProxyInfo], answers: Answers) -> Section:
    """The first networks of the sample once more in fp32, and how far the orders agree."""
    from dataclasses import replace

    from benchmarks.results import precision_section

    setting, archs = study.setting, study.archs[:PRECISION_NETWORKS]
    full = runner.scores(replace(setting, precision="fp32"), infos, archs, study.seeds, label="fp32")
    return precision_section(infos, answers, full, archs, study.seeds, setting.precision)


def dry_run(runner: Runner, study: Study, infos: Sequence[ProxyInfo]) -> str:
    """What would be scored, and how long it would take by a probe of some networks from light to heavy."""
    setting = study.setting
    _, jobs = runner.plan(setting, infos, study.archs, study.seeds)
    missing = sum(len(job.proxies) * len(job.archs) for job in jobs)
    total = len(infos) * len(study.archs) * len(study.seeds)
    lines = [
        *(note.text for note in study.notes()),
        f"Proxies: {', '.join(info.name for info in infos)}.",
        f"{len(study.archs):,} networks of {setting.space} ({setting.skeleton}) x {len(infos)} proxies x "
        f"{len(study.seeds)} seed{'s' if len(study.seeds) > 1 else ''} = {total:,} scores on {setting.batch_size} "
        f"images of {setting.images}, teacher {setting.teacher}.",
        f"{total - missing:,} of them are in {runner.store.path}, {missing:,} are to be computed.",
    ]
    if jobs:
        each = probe(study, jobs)
        networks = sum(len(job.archs) for job in jobs)
        seconds = each * networks / max(1, min(runner.workers, len(jobs)))
        lines.append(
            f"About {duration(seconds)} with {runner.workers} worker{'s' if runner.workers > 1 else ''} on "
            f"{setting.device}: {networks:,} networks to look at, {each:.2f} s each by a probe of {PROBED}."
        )
    return "\n".join(lines)


def probe(study: Study, jobs: Sequence[Job]) -> float:
    """Seconds for one network, the mean of some from light to heavy; nothing is stored."""
    from benchmarks.scorer import Scorer

    shell.one_thread()
    scorer, job = Scorer(study.setting), jobs[0]
    archs = sorted(
        {arch for job in jobs for arch in job.archs}, key=lambda a: scorer.space.flops(scorer.space.parse(a))
    )
    chosen = [archs[(2 * i + 1) * len(archs) // (2 * PROBED)] for i in range(PROBED)]
    scorer.scores(chosen[:1], job.proxies, job.seed)  # warm: batch, teacher, first kernels
    begin = time.perf_counter()
    scorer.scores(chosen, job.proxies, job.seed)
    return (time.perf_counter() - begin) / len(chosen)


def duration(seconds: float) -> str:
    """'40 s', '12 min', '3.5 h'."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def terminal_table(rows: Sequence[Correlation]) -> str:
    """The main columns, with intervals where the terminal is wide enough."""
    from benchmarks.results import in_terminal
    from reports.tables import correlation_table

    hidden = _HIDDEN if any(row.left_out for row in rows) else {*_HIDDEN, "left_out"}
    return in_terminal(correlation_table(rows), hidden)


def proxy_table() -> str:
    """The registry: what there is, which end of its scale is better, who looks at a teacher, where it comes from."""
    from proxies.registry import all_proxies
    from reports.schema import Column, Table
    from reports.tables import as_text

    columns = tuple(Column(name) for name in ("proxy", "better", "teacher", "paper", "origin", "formula"))
    rows = tuple(
        (info.name, info.direction, "yes" if info.teacher else "", info.paper, info.origin, _cut(info.summary))
        for info in all_proxies()
    )
    return as_text(Table(columns, rows))


def _cut(text: str, width: int = 90) -> str:
    return text if len(text) <= width else text[: width - 3].rstrip() + "..."


if __name__ == "__main__":
    shell.run(main)
