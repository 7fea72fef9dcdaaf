"""How a run is published: records, tables and figures on disk, the page, and what the terminal shows."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.engines import provenance
from benchmarks.scoring.columns import parts_of
from benchmarks.scoring.measured import Measured, distinct_records, failures, origins
from benchmarks.statistics.formula import Formula as Joined
from benchmarks.statistics.paired import RESAMPLES
from diswot_errors import DataError, UsageError
from diswot_registry import HOME
from nb201_data.truth.benchmark import official_index
from nb201_data.truth.measured import card_of
from proxies.registry import AGGREGATES, PROXIES
from reports import html
from reports.cells import short_name
from reports.headline import headline
from reports.records import Page, Run, write_run
from reports.schema import ArchName, Correlation, Formula, Manifest, Note, ScoreRow, Section, Table, TruthRow
from reports.tables import as_text, correlation_table

if TYPE_CHECKING:
    from proxies.registry import ProxyInfo

HIDDEN = frozenset(
    {
        *("rank", "spearman_minus_flops", "partial_spearman", "precision_top5", "setting", "expected"),
        *("score", "flops_per_image", "seconds"),
    }
)
"""Columns that a terminal has no room for: they are on the page."""

LONG, FIRST = 100, 20  # rows of a section's table that a terminal shows whole, and of a longer one


@dataclass(frozen=True)
class Content:
    """What a command has to say: words, sections, and what its numbers rest on."""

    title: str
    lead: Sequence[str] = ()
    sections: Sequence[Section] = ()
    notes: Sequence[Note] = ()
    correlations: Sequence[Correlation] = ()
    scores: Sequence[ScoreRow] = ()
    truth: Sequence[TruthRow] = ()
    formulas: Sequence[Formula] = ()
    card: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    seeds: Sequence[int] = ()
    ground_truth: str = ""
    ground_truth_note: str = ""
    images: str = ""
    skeleton: str = ""
    space: str = ""


def publish(out: Path, command: Sequence[str], content: Content) -> str:
    """Write the run and its page; the text to print, which ends with the page's path."""
    run = run_of(command, content)
    write_run(out, run)
    path = html.render(out)
    answer = headline(run) if run.correlations else ()
    parts = ["\n".join([*answer, *content.lead]), "\n".join(note.text for note in content.notes)]
    if content.correlations:
        parts.append(in_terminal(correlation_table(content.correlations), HIDDEN))
    parts += [f"{each.title}\n\n{_begun(each.name, each.table)}" for each in content.sections if each.table]
    return "\n\n".join([part for part in parts if part] + [str(path)])


def run_of(command: Sequence[str], content: Content) -> Run:
    """The records of a run that ends now."""
    manifest = Manifest(
        command=list(command),
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        config=dict(content.config),
        versions=provenance.versions(),
        device=provenance.device_name(content.device),
        seeds=list(content.seeds),
        ground_truth=content.ground_truth,
        ground_truth_note=content.ground_truth_note,
        images=content.images,
        skeleton=content.skeleton,
        space=content.space,
        commit=provenance.commit(),
        notes=list(content.notes),
    )
    has_page = bool(content.sections or content.lead or not content.correlations)
    page = Page(content.title, tuple(content.lead), tuple(content.sections)) if has_page else None
    tables = (tuple(content.scores), tuple(content.truth), tuple(content.correlations))
    names = [ArchName(row.arch, name) for row in content.truth if (name := benchmark_name(row.arch))]
    return Run(manifest, *tables, page, tuple(names), tuple(content.formulas), content.card)


def _begun(name: str, table: Table) -> str:
    """A section's table in the terminal; of one that is longer than what anybody reads there its first rows."""
    if len(table.rows) <= LONG:
        return in_terminal(table, HIDDEN)
    shown = in_terminal(replace(table, rows=table.rows[:FIRST]), HIDDEN)
    return f"{shown}\n... {len(table.rows) - FIRST:,} more rows: on the page and in {name}.csv"


def in_terminal(table: Table, hidden: Collection[str] = ()) -> str:
    """A table without some columns and those that say nothing; where it is too wide for the terminal without intervals,
    and with the short names of cells."""
    places = [place for place, column in enumerate(table.columns) if column.name not in hidden and _says(table, place)]
    columns = tuple(table.columns[place] for place in places)
    shown = Table(columns, tuple(tuple(row[place] for place in places) for row in table.rows))
    text = as_text(shown, detail=False)
    width = shutil.get_terminal_size((160, 24)).columns
    if max(map(len, text.splitlines())) <= width:
        return text
    brief = tuple(tuple(short_name(cell) if isinstance(cell, str) else cell for cell in row) for row in shown.rows)
    return as_text(replace(shown, rows=brief), interval=False, detail=False)


def _says(table: Table, place: int) -> bool:
    """Whether any row of a column holds more than nothing or a count of zero."""
    return not table.rows or any(row[place] not in (None, "", 0) for row in table.rows)


def measured_content(measured: Sequence[Measured], content: Content) -> Content:
    """`content` with what the measurements bring: scores, truth, conditions and notes."""
    studies = [one.study for one in measured]
    firsts = {(study.truth.name, study.setting.space): study for study in reversed(studies)}
    notes = [note for study in reversed(firsts.values()) for note in study.notes()]
    truth = [TruthRow(arch, study.truth.values[arch]) for study in firsts.values() for arch in study.archs]
    if len({row.arch for row in truth}) < len(truth):
        truth = []  # two ground truths of one space: no table of one accuracy per architecture
    return replace(
        content,
        notes=list(dict.fromkeys([*notes, *failures(measured), *origins(measured), *content.notes])),
        scores=distinct_records([one for one in measured if not one.ask.aside]),
        truth=truth,
        formulas=[
            *{info.name: formula(info) for one in measured for info in one.infos}.values(),
            *{str(made): made_of(made) for one in measured for made in one.ask.formulas}.values(),
        ],
        card="\n\n".join(dict.fromkeys(text for study in studies if (text := card_of(study.truth.name)))),
        config={
            "studies": list({str(each): each for each in (study.config() for study in studies)}.values()),
            "proxies": versions(info for one in measured for info in one.infos),
            "resamples": RESAMPLES,
            **content.config,
        },
        device=studies[0].setting.device,
        seeds=sorted({seed for study in studies for seed in study.seeds}),
        ground_truth=_names(study.truth.name for study in studies),
        ground_truth_note="; ".join(dict.fromkeys(study.truth.note for study in studies)),
        images=_names(setting.images for one in measured for setting in one.settings.values()),
        skeleton=_names(str(study.setting.skeleton) for study in studies),
        space=_names(study.setting.space for study in studies),
    )


def versions(infos: Iterable[ProxyInfo]) -> dict[str, str]:
    """Of each proxy, as a manifest keeps them."""
    return {info.name: f"version {info.version}, {info.origin}" for info in infos}


def formula(info: ProxyInfo) -> Formula:
    """What the record of a proxy says of it."""
    teacher = "yes" if info.teacher else "no"
    return Formula(info.name, info.version, info.origin, info.summary, info.formula, info.paper, teacher)


def made_of(made: Joined) -> Formula:
    """What is to be known of a score made of scores: a registered aggregate says that itself."""
    name, parts = str(made), [part for each in made.names for part in parts_of(each)]
    teacher = "yes" if any(PROXIES[part].teacher for part in parts) else "no"
    of = f"made of {', '.join(parts)}"
    if name in AGGREGATES:
        info = AGGREGATES[name]
        return Formula(name, 0, info.origin, of, info.formula, info.paper, teacher)
    how = "'+' adds the logs of ranks within the networks scored, rank(...) ranks, '*' and '/' join values"
    return Formula(name, 0, HOME, of, how, "docs/score.md", teacher)


def benchmark_name(arch: str) -> str:
    """The number that NAS-Bench-201 gives a cell, where its table is on disk; '' for all else."""
    try:
        return str(official_index(arch))
    except (UsageError, DataError):
        return ""


def _names(names: Any) -> str:
    return ", ".join(dict.fromkeys(names))
