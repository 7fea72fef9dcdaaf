"""From answers to records: what a run writes down, and the statistics of it. No torch."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.runner import Answers
from benchmarks.settings import Setting, device_kind
from benchmarks.statistics import Correlation, correlate
from diswot_errors import UsageError
from reports.schema import Column, Note, ScoreRow, Section, Table, Topic
from reports.tables import as_text

if TYPE_CHECKING:
    from benchmarks.options import Study
    from proxies.registry import ProxyInfo

RESAMPLES = 1000
Array = NDArray[np.float64]


def score_records(setting: Setting, infos: Iterable[ProxyInfo], answers: Answers) -> list[ScoreRow]:
    """One record per question and architecture, failures included."""
    by_name = {info.name: info for info in infos}
    return [
        ScoreRow(
            space=setting.space,
            arch=arch,
            proxy=name,
            proxy_version=by_name[name].version,
            init=setting.init,
            seed=seed,
            images=setting.images,
            batch_size=setting.batch_size,
            teacher=setting.teacher if by_name[name].teacher else "",
            device=device_kind(setting.device),
            precision=setting.precision,
            value=answer.value,
            status=answer.status,
            reason=answer.reason,
            seconds=answer.seconds,
        )
        for (name, seed), found in answers.items()
        for arch, answer in found.items()
    ]


def values(answers: Answers, name: str, archs: Sequence[str], seeds: Sequence[int]) -> Array:
    """(seeds, n) scores of a proxy, NaN where there is none."""
    rows = [[answers[name, seed][arch].value for arch in archs] for seed in seeds]
    return np.array([[np.nan if value is None else value for value in row] for row in rows])


def reasons(answers: Answers, name: str, archs: Sequence[str], seeds: Sequence[int]) -> list[str]:
    """(n,) the first status of each architecture that is not 'ok', or ''."""
    statuses = ([answers[name, seed][arch].status for seed in seeds] for arch in archs)
    return [next((status for status in found if status != "ok"), "") for found in statuses]


def correlations(study: Study, infos: Sequence[ProxyInfo], answers: Answers, seed: int = 0) -> list[Correlation]:
    """The statistics of every proxy against the study's truth."""
    archs, seeds = study.archs, study.seeds
    return correlate(
        study.accuracies,
        {info.name: values(answers, info.name, archs, seeds) for info in infos},
        {info.name: info.direction for info in infos},
        resamples=RESAMPLES,
        seed=seed,
        reasons={info.name: reasons(answers, info.name, archs, seeds) for info in infos},
    )


def in_terminal(table: Table, hidden: Collection[str] = ()) -> str:
    """A table without some columns; its intervals are shown where the terminal is wide enough."""
    places = [place for place, column in enumerate(table.columns) if column.name not in hidden]
    columns = tuple(table.columns[place] for place in places)
    shown = Table(columns, tuple(tuple(row[place] for place in places) for row in table.rows))
    text = as_text(shown, detail=False)
    width = shutil.get_terminal_size((160, 24)).columns
    return text if max(map(len, text.splitlines())) <= width else as_text(shown, interval=False, detail=False)


def memory_notes(answers: Answers) -> list[Note]:
    """What a reader must know about scores that did not fit into memory."""
    short: Counter[str] = Counter()
    split = 0
    for (name, _), found in answers.items():
        short[name] += sum(answer.status == "out-of-memory" for answer in found.values())
        split += sum(answer.status == "ok" and "out of memory" in answer.reason for answer in found.values())
    notes = []
    if lacking := +short:
        listed = ", ".join(f"{name} {count}" for name, count in sorted(lacking.items()))
        left_out = f"Out of memory, and therefore left out: {listed} scores. A smaller --batch-size needs less."
        notes.append(Note(Topic.MEMORY, left_out))
    if split:
        in_parts = f"Out of memory on the whole batch, and therefore computed in parts: {split} scores."
        notes.append(Note(Topic.MEMORY, in_parts))
    return notes


def precision_section(
    infos: Sequence[ProxyInfo], low: Answers, full: Answers, archs: Sequence[str], seeds: Sequence[int], precision: str
) -> Section:
    """How far a lower precision keeps the order of the architectures, proxy by proxy."""
    found = {
        info.name: agreement(*(values(answers, info.name, archs, seeds) for answers in (low, full))) for info in infos
    }
    ordered = sorted(found.items(), key=lambda item: -2.0 if item[1].spearman.value is None else item[1].spearman.value)
    rows = [(name, row.scored, row.spearman, row.kendall) for name, row in ordered]
    columns = (
        Column("proxy"),
        Column("networks", "integer"),
        Column("spearman", "estimate", label="Spearman ρ"),
        Column("kendall", "estimate", label="Kendall τ-b"),
    )
    return Section(
        "precision",
        f"What {precision} changes",
        (f"The same {len(archs)} networks, scored in {precision} and in fp32: 1 means that both give the same order.",),
        table=Table(columns, tuple(rows)),
        note="Least agreement first, with 95 % bootstrap intervals over networks. A proxy whose order depends on the "
        "precision is not measured by its row in this run.",
    )


def agreement(low: Array, full: Array) -> Correlation:
    """The correlation of two sets of scores (seeds, n), both averaged over seeds; empty where one says nothing."""
    first, second = low.mean(axis=0), full.mean(axis=0)
    both = np.isfinite(first) & np.isfinite(second)
    try:
        (row,) = correlate(second[both], {"low": first[both]}, {"low": "higher"}, baselines=(), resamples=RESAMPLES)
    except UsageError:
        return Correlation("low", "higher", "constant", int(both.sum()), int((~both).sum()), "", 1, 0)
    return row
