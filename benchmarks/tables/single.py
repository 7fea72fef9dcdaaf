"""The page of one network: its scores, where each stands among released ones of its size, and what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from benchmarks.scoring.peers import BAND, LEAST, NEAREST, peers, percentile
from benchmarks.scoring.released import ScoreTable
from benchmarks.scoring.runner import Answers
from benchmarks.scoring.setting import Setting
from reports.schema import Column, Note, Section, Table, Topic

if TYPE_CHECKING:
    from proxies.registry import ProxyInfo

NAMED = 3  # scores of a list


@dataclass(frozen=True)
class Row:
    """One score of the network: its values by seed, its mean percentile over the seeds that have one, of how many."""

    proxy: str
    direction: str
    values: tuple[float, ...]
    percentile: float | None
    networks: int | None
    status: str
    reason: str
    alone: str  # why there is no percentile

    @property
    def shown(self) -> str:
        """The mean over seeds, and how far it spreads."""
        if not self.values:
            return ""
        spread = f" ±{stdev(self.values):.2g}" if len(self.values) > 1 else ""
        return f"{fmean(self.values):.5g}{spread}".replace("-", "−")


def row_of(info: ProxyInfo, setting: Setting, answers: Answers, tables: Sequence[ScoreTable], params: int) -> Row:
    """One score. It has a value where it has one for every seed."""
    by_seed = {seed: next(iter(found.values())) for (name, seed), found in answers.items() if name == info.name}
    failed = next((answer for answer in by_seed.values() if answer.status != "ok"), None)
    if failed is not None:
        return Row(info.name, info.direction, (), None, None, failed.status, failed.reason, "")
    values = {seed: answer.value for seed, answer in by_seed.items() if answer.value is not None}
    found = {seed: peers(tables, setting.question(info, seed), params) for seed in values}
    among = {seed: one.values for seed, one in found.items() if one.values}
    place = fmean(percentile(values[seed], each, info.direction) for seed, each in among.items()) if among else None
    networks, why = (min(map(len, among.values())), "") if among else (None, found[min(found)].why)
    return Row(info.name, info.direction, tuple(values.values()), place, networks, "ok", "", why)


def lead(setting: Setting, params: int, rows: Sequence[Row]) -> list[str]:
    """What was scored, and how much of it has a number."""
    classes, side = setting.skeleton.classes, setting.skeleton.resolution
    valued, placed = (sum(each) for each in zip(*((bool(r.values), r.networks is not None) for r in rows), strict=True))
    return [
        f"{setting.space}: {params:,} trainable parameters, images of {side} x {side}, {classes} classes. "
        f"{valued} of {len(rows)} scores have a value, {placed} of them a percentile."
    ]


def notes(setting: Setting) -> list[Note]:
    """Under which conditions."""
    trained = f"weights of {setting.teacher_weights}" if setting.teacher_weights else f"{setting.init} weights"
    said = [
        Note(
            Topic.NETWORKS,
            f"Scored with {setting.init} weights on {setting.batch_size} images of {setting.images} ({setting.split}); "
            f"teacher {setting.teacher}, {trained}.",
        )
    ]
    if setting.images.startswith("embedded"):
        painted = "The images are painted by this program, no photographs: other images may give other scores."
        said.append(Note(Topic.IMAGES, painted))
    return said


def sections(rows: Sequence[Row]) -> list[Section]:
    """The scores, and what is missing for which reason."""
    columns = (
        *(Column("proxy"), Column("direction", label="better", note="which end predicts the better network")),
        Column("value", note="the mean over seeds ± their standard deviation; scores.csv holds all digits"),
        Column("percentile", "number", 0, note="share of the released networks of the same size that score worse"),
        Column("networks", "integer", label="n", note="released networks of the same size"),
        Column("status"),
    )
    cells = tuple((r.proxy, r.direction, r.shown, r.percentile, r.networks, r.status) for r in rows)
    note = (
        f"Percentile: among the {NEAREST} nearest released networks, and those as near as the last, that have at most "
        f"{BAND} times more or fewer parameters and were asked the same (images, weights, batch, teacher, seed), "
        f"{LEAST} or more; the mean over the seeds that are released. A high one is the better end."
    )
    lacking = _lacking(rows)
    return [
        Section("scores-of-one", "Its scores", table=Table(columns, cells), note=note),
        *([Section("missing", "What is missing, and why", table=lacking)] if lacking.rows else []),
    ]


def _lacking(rows: Sequence[Row]) -> Table:
    """One row a reason: scores first."""
    found = defaultdict[tuple[str, str, str], list[str]](list)
    for row in rows:
        if row.status != "ok":
            found["score", row.status, row.reason].append(row.proxy)
    for row in rows:
        if row.alone:
            found["percentile", "not comparable", row.alone].append(row.proxy)
    columns = (Column("lacking"), Column("status"), Column("count", "integer"), Column("proxies"), Column("reason"))
    cells = tuple((what, status, len(names), _few(names), why) for (what, status, why), names in found.items())
    return Table(columns, cells)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED + 1 else ""
    return ", ".join(names[:NAMED] if more else names) + more
