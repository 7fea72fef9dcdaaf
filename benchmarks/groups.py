"""Tables whose rows were made under different settings: groups of proxies, and one run folder for all of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import options as shared
from benchmarks import shell
from benchmarks.ablation import Measured, measure
from reports import verdicts

if TYPE_CHECKING:
    from benchmarks.options import Study
    from benchmarks.runner import Runner
    from nb201_data.ground_truth import GroundTruth
    from reports.schema import Correlation, Note, Section

TENSORWATCH = "flops_tensorwatch"
"""FLOPs as the authors counted them: multiply-adds, 2 for each output of a batch norm, 1 for each of a ReLU module."""


@dataclass(frozen=True)
class Group:
    """Proxies that the authors measured under one setting."""

    proxies: tuple[str, ...]
    batch_size: int
    split: str
    init: str = "gaussian"
    repeats: int = 10  # that the published number is the mean of


def add_options(parser: argparse.ArgumentParser, out: str, seeds: int) -> None:
    """The common options; what a group fixes is left to it unless given."""
    shared.add_scoring(parser, seeds=seeds)
    parser.add_argument("--out", type=Path, default=Path(out), metavar="DIR", help="folder of the results")
    parser.set_defaults(batch_size=None, split=None, precision="fp32")


def study_of(options: argparse.Namespace, space: str | None, truth: str, group: Group) -> Study:
    """The question of one group: its own setting where the user gave none."""
    own = argparse.Namespace(**vars(options))
    own.batch_size = options.batch_size or group.batch_size
    own.split = options.split or group.split
    return shared.study(own, space, truth, group.init)


def measure_group(
    runner: Runner, options: argparse.Namespace, space: str | None, truth: str, group: Group, label: str
) -> Measured:
    """Scores and statistics of a group, params and FLOPs among them."""
    from proxies.registry import get

    infos = shared.with_baselines([get(name) for name in group.proxies])
    return measure(runner, study_of(options, space, truth, group), infos, label)


def closed_form(study: Study) -> dict[str, Correlation]:
    """Rows that need no network: params, and FLOPs by the authors' count."""
    from benchmarks.results import RESAMPLES
    from benchmarks.statistics import correlate
    from nb201_data.spaces import get_space

    space = get_space(study.setting.space).with_skeleton(study.setting.skeleton)
    archs = [space.parse(arch) for arch in study.archs]
    scores = {"params": [space.params(a) for a in archs], TENSORWATCH: [space.flops(a) for a in archs]}
    rows = correlate(
        study.accuracies, scores, dict.fromkeys(scores, "higher"), baselines=("params",), resamples=RESAMPLES
    )
    return {row.proxy: row for row in rows}


def on_same_networks(row: Correlation, coefficient: str, group: Group, setting: str) -> verdicts.Counterpart:
    """A coefficient against a published number that was made on the very same networks, times 100."""
    from benchmarks.statistics.runs import repetition

    estimate = verdicts.hundredths(getattr(row, coefficient))
    expected = repetition(estimate, row.seeds, group.repeats)
    return verdicts.Counterpart(estimate, row.scored, row.seeds, setting, expected)


def exact(row: Correlation, coefficient: str, setting: str, differs: tuple[str, ...] = ()) -> verdicts.Counterpart:
    """A coefficient without any chance in it, times 100: it must be what is printed."""
    estimate = verdicts.hundredths(getattr(row, coefficient))
    sure = replace(estimate, low=estimate.value, high=estimate.value)
    return verdicts.Counterpart(estimate, row.scored, row.seeds, setting, sure, differs)


def describe(study: Study, proxies: Sequence[str]) -> str:
    """The setting of rows in a few words; the teacher where one of the proxies looks at it."""
    from proxies.registry import get

    s = study.setting
    teacher = f", teacher {s.teacher}" if any(get(name).teacher for name in proxies) else ""
    return f"{s.space}, {s.init}, {s.batch_size} {s.split} images of {s.images}{teacher}"


def write(
    options: argparse.Namespace,
    command: Sequence[str],
    title: str,
    lead: Iterable[str],
    sections: Sequence[Section],
    measured: Sequence[Measured],
    config: dict[str, Any],
    notes: Sequence[Note],
    truths: Sequence[GroundTruth] = (),
) -> str:
    """Write the run and its page; the text to print."""
    from benchmarks import provenance, results
    from reports import html
    from reports.records import Page, Run, write_run

    out = shell.prepare_output(options.out)
    studies = [one.study for one in measured]
    firsts = {(study.truth.name, study.setting.space): study for study in reversed(studies)}
    own = [note for study in reversed(firsts.values()) for note in study.notes()]
    own += [note for one in measured for note in results.memory_notes(one.answers)]
    notes = list(dict.fromkeys([*notes, *own]))
    known = list(dict.fromkeys([*truths, *(study.truth for study in studies)]))
    manifest = provenance.manifest(
        command,
        config
        | {"groups": [{"truth": study.truth.name, "space": study.setting.space} | study.config() for study in studies]}
        | {"proxies": {i.name: f"version {i.version}, {i.origin}" for one in measured for i in one.infos}}
        | {"resamples": results.RESAMPLES},
        studies[0].setting.device if studies else "cpu",
        studies[0].seeds if studies else [],
        ground_truth=", ".join(truth.name for truth in known),
        ground_truth_note="; ".join(truth.note for truth in known),
        images=", ".join(dict.fromkeys(study.setting.images for study in studies)),
        skeleton=", ".join(dict.fromkeys(str(study.setting.skeleton) for study in studies)),
        space=", ".join(dict.fromkeys(study.setting.space for study in studies)),
        notes=notes,
    )
    scores = {
        (r.space, r.arch, r.proxy, r.init, r.seed, r.images, r.batch_size, r.teacher): r
        for one in measured
        for r in one.records()
    }
    write_run(out, Run(manifest, tuple(scores.values()), page=Page(title, tuple(lead), tuple(sections))))
    path = html.render(out)
    hidden = {"setting", "expected", "left_out", "spearman_minus_flops", "partial_spearman", "precision_top5"}
    tables = [f"{s.title}\n\n{results.in_terminal(s.table, hidden)}" for s in sections if s.table]
    return "\n".join([*(note.text for note in notes), "", *lead]) + "\n\n" + "\n\n".join(tables) + f"\n\n{path}"
