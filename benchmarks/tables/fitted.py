"""Forests fitted on accuracies of the search half, tested on the other: a block of their own beside what needs none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log2

from benchmarks.scoring.labelled import BESIDE, BOTH, GRAF, SCORES, Ground
from benchmarks.statistics.repeated import Repeated, repeated
from benchmarks.statistics.resamples import Array
from benchmarks.tables.vkdnw import FITTED, IMAGES, printed
from reports import figures
from reports.schema import Cell, Column, Estimate, Figure, Section, Table, Verdict

LABELS = (8, 16, 32, 64, 128, 256, 512, 1024)
PUBLISHED_BESIDE = {"GRAF": GRAF, "VKDNW+ZCS_m": SCORES, "VKDNW+ZCS+GRAF_m": BOTH}
"""Printed row -> ours that comes nearest to it."""
RULE = (
    "A forest knows accuracies, a score none: this is what labels buy, and no row of a ranking of scores. Nothing is "
    "chosen on the confirmation half: features, model, numbers of labels and the scores beside were fixed beforehand, "
    "every row is shown, and no look is logged. Whoever changes features or model after reading this page has made a "
    "choice on that half, and may call no later number of it confirmed."
)


@dataclass(frozen=True)
class Row:
    """A model with so many labels, or a training-free score (0 labels); differences are to the row held against."""

    name: str
    labels: int
    found: Repeated


@dataclass(frozen=True)
class Fitted:
    """A ground and all that was found on its confirmation half."""

    ground: Ground
    against: str  # training-free, that all others are held against
    rows: tuple[Row, ...]

    def of(self, name: str) -> list[Row]:
        """The rows of a model, by labels."""
        return sorted((row for row in self.rows if row.name == name), key=lambda row: row.labels)

    def better_from(self, name: str) -> int | None:
        """The least number of labels from which on the model is better by its interval with every number of them."""
        rows = self.of(name)
        worse = [row.labels for row in rows if row.found.difference.separated < 1]
        better = [row.labels for row in rows if row.labels > max(worse, default=0)]
        return min(better, default=None)


def within(ground: Ground, labels: Sequence[int]) -> list[int]:
    """Those of the numbers of labels that the search half has."""
    return [number for number in labels if number <= len(ground.search.archs)]


def fitted(ground: Ground, labels: Sequence[int], draws: int, done: Callable[[], None] = lambda: None) -> Fitted:
    """Every model with every number of labels, and the training-free; `done` is called after each."""
    lines = ground.confirmation.lines
    base = next(name for name in (*BESIDE, "params") if name in lines)
    tables: dict[tuple[str, int], Array] = {(name, 0): values for name, values in lines.items()}
    for model in ground.models:
        for number in within(ground, labels):
            tables[model, number] = ground.foretold(model, number, draws)
            done()
    measured = repeated(ground.confirmation.accuracies, tables, (base, 0))
    return Fitted(ground, base, tuple(Row(*key, one) for key, one in measured.items()))


def section(number: int, found: Fitted) -> Section:
    """One ground: training-free first, best first; then every model by its labels."""
    ground = found.ground
    free = sorted((row for row in found.rows if not row.labels), key=lambda row: -(row.found.kendall.value or -1))
    rows: list[tuple[Cell, ...]] = []
    for row in [*free, *(row for model in ground.models for row in found.of(model))]:
        one = row.found
        verdict = Verdict(one.difference.told) if one.difference.value is not None else None
        rows.append((row.name, row.labels or None, one.draws, one.kendall, one.spearman, one.difference, verdict))
    columns = (
        *(Column("model"), Column("labels", "integer", note="accuracies it was fitted on; none: training-free")),
        Column("draws", "integer", note="of labels and trees; of a score its seeds"),
        Column("kendall", "estimate", label="τ", note="mean over draws, 95 % bootstrap interval over networks"),
        Column("spearman", "estimate", label="ρ"),
        Column("difference", "estimate", label=f"τ − {found.against}", note="same networks, same resamples"),
        Column("verdict", "verdict", label=f"than {found.against}"),
    )
    seen = f" {len(ground.scores)} scores: {', '.join(ground.scores)}." if ground.scores else ""
    intro = (
        f"{ground.truth.note}. Population: {ground.population}. Labels from {len(ground.search.archs):,} networks of "
        f"the search half, tested on {len(ground.confirmation.archs):,} of the confirmation half.{seen}",
    )
    drawn = Figure("labels", _drawn(found))
    note = "Intervals of 95 %, each row alone: among many rows some look better by chance."
    return Section(f"fitted-{number}", ground.title, intro, Table(columns, tuple(rows)), figures=(drawn,), note=note)


def _drawn(found: Fitted) -> str:
    """Kendall over the labels, one line a model, and training-free scores as horizontal ones."""
    points = {
        model: [(log2(row.labels), row.found.kendall) for row in found.of(model)] for model in found.ground.models
    }
    ends = [x for line in points.values() for x, _ in line]
    shown = [row for row in found.rows if row.name in ("params", *BESIDE)]
    flat = {row.name: [(x, Estimate(row.found.kendall.value)) for x in (min(ends), max(ends))] for row in shown if ends}
    return figures.lines(
        {**points, **flat}, title=found.ground.truth.name, x_label="log2 of the labels", y_label="Kendall's tau"
    )


def sentence(found: Fitted) -> str:
    """How many labels each model needs to be better than the training-free row, and what it reaches."""
    parts = []
    for model in found.ground.models:
        rows, least = found.of(model), found.better_from(model)
        when = f"better from {least:,} labels on" if least else "nowhere better"
        if rows:
            parts.append(f"{model} {when} (τ {_tau(rows[-1])} with {rows[-1].labels:,})")
    (base,) = found.of(found.against)
    return f"{found.ground.title}: than {found.against} (τ {_tau(base)}) {'; '.join(parts) or 'nothing was fitted'}."


def _tau(row: Row) -> str:
    value = row.found.kendall.value
    return "–" if value is None else f"{value:.3f}"


def published_section(all_found: Sequence[Fitted]) -> Section | None:
    """The forests of VKDNW's Table 1, each beside ours that comes nearest, with the most labels."""
    rows: list[tuple[Cell, ...]] = []
    asked = {found.ground.truth.name for found in all_found}
    there = [name for images in IMAGES if (name := f"nb201:{images}:test:200") in asked]
    for truth in there:
        for name in FITTED:
            kendall, spearman, _ = printed(name, truth)
            ours = _nearest(all_found, truth, PUBLISHED_BESIDE.get(name, ""))
            rows += [(truth, name, kendall, spearman, *row) for row in ours]
    if not rows:
        return None
    columns = (
        *(Column("truth"), Column("row", label="as printed"), Column("printed_kendall", "number", label="τ printed")),
        *(Column("printed_spearman", "number", label="ρ printed"), Column("model", label="ours")),
        *(Column("labels", "integer"), Column("networks", "integer", label="n")),
        *(Column("kendall", "estimate", label="τ here"), Column("spearman", "estimate", label="ρ here")),
    )
    intro = (
        "Printed: VKDNW (CVPR 2025), Table 1, random forests, mean of five runs on the 9,445 networks without dead "
        "branches; a summary of the paper says 1,024 labels. Its ZCS are the 13 scores of NAS-Bench-Suite-Zero.",
    )
    own = {name for found in all_found if found.ground.truth.name in there for name in found.ground.scores}
    note = (
        "What differs here: labels come from the search half alone and the test is the confirmation half; 'scores' are "
        f"all released ones, VKDNW {'' if 'vkdnw' in own else 'not '}among them, for fewer networks and so with fewer "
        "labels. VKDNW_m alone has no counterpart. No verdict: the settings are not the same."
    )
    return Section("printed", "Printed beside measured", intro, Table(columns, tuple(rows)), note=note)


def _nearest(all_found: Sequence[Fitted], truth: str, model: str) -> list[tuple[Cell, ...]]:
    """Ours with the most labels: model, labels, networks, τ, ρ; one row without a counterpart."""
    rows = [
        (row, len(found.ground.confirmation.archs))
        for found in all_found
        if found.ground.truth.name == truth
        for row in found.of(model)
    ]
    if not rows:
        return [(None, None, None, None, None)]
    most, networks = max(rows, key=lambda pair: pair[0].labels)
    return [(most.name, most.labels, networks, most.found.kendall, most.found.spearman)]
