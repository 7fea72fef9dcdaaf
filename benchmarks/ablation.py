"""What the two ablations share: the ground truths that are at hand, scores of all settings, and long tables of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks import options as shared
from benchmarks import shell
from diswot_errors import DataError

if TYPE_CHECKING:
    from benchmarks.options import Study
    from benchmarks.runner import Answers, Runner
    from proxies.registry import ProxyInfo
    from reports.schema import Correlation, Estimate, Note, ScoreRow, Section

TRUTHS = "kd-nb201,s0:kd"
SEEDS = 5
_HIDDEN = {"left_out", "seeds", "spearman_minus_flops", "partial_spearman", "precision_top5", "regret_top1"}
Array = NDArray[np.float64]


def add_options(parser: argparse.ArgumentParser, out: str) -> None:
    """The options of both ablations."""
    parser.add_argument(
        "--ground-truth", metavar="NAMES", help=f"names or files, by commas (those on disk of {TRUTHS})"
    )
    shared.add_scoring(parser, seeds=SEEDS)
    parser.add_argument("--out", type=Path, default=Path(out), metavar="DIR", help="folder of the results")
    parser.set_defaults(precision="fp32")


@dataclass(frozen=True)
class Measured:
    """One study with what came out of it."""

    study: Study
    infos: Sequence[ProxyInfo]
    answers: Answers
    rows: Sequence[Correlation]

    @property
    def by_proxy(self) -> dict[str, Correlation]:
        """The statistics of each proxy."""
        return {row.proxy: row for row in self.rows}

    def records(self) -> list[ScoreRow]:
        """All scores, as a run writes them."""
        from benchmarks.results import score_records

        return score_records(self.study.setting, self.infos, self.answers)


def studies(options: argparse.Namespace, init: str) -> tuple[list[Study], list[Note]]:
    """One study for each ground truth, and a note on each of the usual ones that is not on disk.

    What was asked for by name must be there.
    """
    from reports.schema import Note, Topic

    if options.ground_truth:
        names = [name for part in options.ground_truth.split(",") if (name := part.strip())]
        return [shared.study(options, None, name, init) for name in names], []
    found, notes, missing = [], [], DataError("no ground truth is on disk")
    for name in TRUTHS.split(","):
        try:
            found.append(shared.study(options, None, name, init))
        except DataError as error:
            missing = error
            notes.append(Note(Topic.LEFT_OUT, f"Left out, because it is not on disk: {error}."))
    if not found:
        raise missing
    return found, notes


def measure(runner: Runner, study: Study, infos: Sequence[ProxyInfo], label: str) -> Measured:
    """Scores of a study and their statistics."""
    from benchmarks.results import correlations

    answers = runner.scores(study.setting, infos, study.archs, study.seeds, label)
    return Measured(study, infos, answers, correlations(study, infos, answers))


def oriented(one: Measured, name: str) -> Array:
    """(seeds, n) scores of a proxy, turned so that higher predicts better; NaN where there is none."""
    from benchmarks.results import values

    sign = -1 if one.by_proxy[name].direction == "lower" else 1
    return sign * values(one.answers, name, one.study.archs, one.study.seeds)


def mean_scores(one: Measured, name: str) -> Array:
    """(n,) the mean over seeds of a proxy's scores, higher predicting better."""
    return np.asarray(oriented(one, name).mean(axis=0))


def with_init(study: Study, init: str) -> Study:
    """The same study under another initialisation."""
    return replace(study, setting=replace(study.setting, init=init))


def difference(first: Measured, second: Measured, proxy: str) -> Estimate:
    """Spearman of a proxy under the first setting minus that under the second: the same networks, the same resamples.

    Networks that lack a score in either, for any seed, are left out; empty where nothing is left or all is constant.
    """
    from benchmarks.results import RESAMPLES
    from benchmarks.statistics.resamples import draw_weights, interval
    from benchmarks.statistics.weighted import Target, coefficients
    from reports.schema import Estimate

    study = first.study
    tables = [oriented(one, proxy) for one in (first, second)]
    both = np.isfinite(np.concatenate(tables)).all(axis=0)
    target = np.array(study.accuracies)[both]
    if len(target) < 3 or not all(np.ptp(row) for row in (target, *(t[both] for table in tables for t in table))):
        return Estimate()
    context = Target(target, draw_weights(len(study.archs), RESAMPLES, 0)[both])
    with np.errstate(invalid="ignore", divide="ignore"):
        of = [np.stack([coefficients(context, row[both]).spearman for row in table]) for table in tables]
    gap = of[0] - of[1]
    low, high = interval(gap.mean(axis=0)[1:])
    spread = float(gap[:, 0].std(ddof=1)) if len(gap) > 1 else None
    return Estimate(float(gap[:, 0].mean()), low, high, spread)


def run(
    options: argparse.Namespace,
    command: Sequence[str],
    title: str,
    make: Callable[[Runner, list[Study]], tuple[list[Measured], list[Section], list[str]]],
    init: str = "gaussian",
) -> str:
    """Measure, write the run and its page; the text to print. `make` gives measurements, sections and first words."""
    from benchmarks import provenance, results
    from benchmarks.runner import GPU_TOGETHER, Runner
    from benchmarks.store import Store, default_store
    from reports import html
    from reports.records import Page, Run, write_run
    from reports.schema import TruthRow

    found, notes = studies(options, init)
    device = found[0].setting.device
    out = shell.prepare_output(options.out)
    workers = options.workers or shell.default_workers(device)
    together = options.together or (1 if device == "cpu" else GPU_TOGETHER)
    with Store(options.store or default_store()) as store, Runner(store, workers, together, progress=True) as runner:
        measured, sections, lead = make(runner, found)
    notes = [note for study in found for note in study.notes()] + notes
    for one in measured:
        notes += results.memory_notes(one.answers)
    notes = list(dict.fromkeys(notes))
    manifest = provenance.manifest(
        command,
        {study.truth.name: study.config() for study in found}
        | {"proxies": {i.name: f"version {i.version}, {i.origin}" for one in measured for i in one.infos}}
        | {"resamples": results.RESAMPLES, "workers": workers, "together": together},
        device,
        found[0].seeds,
        ground_truth=", ".join(study.truth.name for study in found),
        ground_truth_note="; ".join(study.truth.note for study in found),
        images=", ".join(dict.fromkeys(study.setting.images for study in found)),
        skeleton=", ".join(dict.fromkeys(str(study.setting.skeleton) for study in found)),
        space=", ".join(dict.fromkeys(study.setting.space for study in found)),
        notes=notes,
    )
    truth = [TruthRow(arch, study.truth.values[arch]) for study in found for arch in study.archs]
    if len({row.arch for row in truth}) < len(truth):
        truth = []  # two ground truths of one space: no table of one accuracy per architecture
    scores = tuple(record for one in measured for record in one.records())
    write_run(out, Run(manifest, scores, tuple(truth), page=Page(title, tuple(lead), tuple(sections))))
    path = html.render(out)
    tables = [
        f"{section.title}\n\n{results.in_terminal(section.table, _HIDDEN)}" for section in sections if section.table
    ]
    return "\n".join(note.text for note in notes) + "\n\n" + "\n\n".join(tables) + f"\n\n{path}"


@dataclass(frozen=True)
class PublishedCell:
    """A cell of a published table and the measurement that stands against it."""

    row: str
    column: str
    proxy: str
    measured: Measured


def published_section(name: str, cells: Sequence[PublishedCell], note: str) -> Section:
    """Every number of the published table `name` beside each of its measurements, with verdicts."""
    from reports import verdicts
    from reports.published import published
    from reports.schema import Column, Section, Table

    table = published(name)
    rows = []
    for cell in cells:
        number = table.by_place[cell.row, cell.column]
        row, study = cell.measured.by_proxy[cell.proxy], cell.measured.study
        estimate = verdicts.hundredths(row.spearman)
        found = verdicts.Counterpart(estimate, row.scored, row.seeds, study.truth.name)
        verdict = verdicts.compare(number, found, f"no score: {row.reasons}")
        where = (study.truth.name, study.setting.init, row.scored, row.seeds)
        rows.append((table.labels[cell.row], cell.proxy, *where, number.printed, estimate, verdict))
    columns = (
        Column("metric", note="the paper's name"),
        Column("proxy", note="which form of the formula"),
        Column("ground_truth", label="ground truth"),
        Column("init", label="initialisation"),
        Column("networks", "integer", label="n"),
        Column("seeds", "integer"),
        Column("published", note="as printed, times 100"),
        Column("measured", "estimate", 2, "measured ρ", "Spearman times 100, 95 % bootstrap interval over networks"),
        Column("verdict", "verdict"),
    )
    about = f"{table.title} ({table.source}). Published setting: {table.setting}."
    if table.unknown:
        about += f" Unknown: {table.unknown}."
    return Section("published", "Published beside measured", (about,), table=Table(columns, tuple(rows)), note=note)
