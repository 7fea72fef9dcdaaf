"""What was found, for a reader of five minutes: sentences made of measurements, each with where its numbers stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

import numpy as np

from benchmarks.command.publish import run_of
from benchmarks.scoring import ranked
from benchmarks.scoring.authors import COMMON
from benchmarks.scoring.measured import Measured
from benchmarks.scoring.recorded import recorded
from benchmarks.scoring.released import Released
from benchmarks.tables import best_student, chosen, released, with_params
from nb201_data.ground_truth import GroundTruth
from nb201_data.truth.measured import FAMILY, card_of
from reports import figures, front, markdown
from reports.card import sections_of
from reports.exports import in_both_lights
from reports.headline import SUBJECT, conditions, headline
from reports.schema import COUNTS, Cell, Column, Correlation, Table
from reports.summary import printed_checks
from reports.tables import STANDINGS, best_of, by_rank, format_count, format_estimate, format_number, standings

BEST = 3  # proxies that a table shows before those of the paper
PAPER = ("diswot", "diswot_readme", "m_s", "m_r")
OURS = "spread_size"  # the score of this bench
PICTURED = (OURS, "params", SUBJECT)
EACH = "authors' settings"
WHOLE = 10_000  # networks, from which on a truth is a whole space rather than a sample
IN_A_LINE = "vit:*"
"""Truths that are a row of the first table alone, since there are many of one kind; each is a page of the site."""


@dataclass(frozen=True)
class Finding:
    """A heading, what was found, a short table, and the command or file (as Markdown) that holds every number of it."""

    title: str
    sentences: Sequence[str]
    source: str
    table: Table | None = None

    def text(self) -> str:
        """As Markdown."""
        table = [markdown.as_table(self.table)] if self.table else []
        parts = [f"## {markdown.escaped(self.title)}", *map(markdown.escaped, self.sentences), *table]
        return "\n\n".join([*parts, f"All numbers: {self.source}."])


def findings(truths: Sequence[GroundTruth], book: Released) -> Iterator[Finding]:
    """Everything that is found without scoring or training anything."""
    measured = {truth.name: recorded(book, truth) for truth in truths}
    yield at_a_glance([one for each in measured.values() for one in _widest(each)])
    for truth in truths:
        if measured[truth.name] and not fnmatch(truth.name, IN_A_LINE):
            yield on(truth, measured[truth.name], book)
    if whole := [truth for truth in truths if len(truth) >= WHOLE]:
        yield counted(whole)
    for truth in truths:
        if truth.name.startswith(FAMILY) and truth.name.endswith(":distilled") and (card := card_of(truth.name)):
            yield from students(truth, book)
            yield from of_card(truth, card)
    yield swapped()
    yield Finding("Do the printed numbers agree?", [printed_checks()], _command("all_tables"))


def on(truth: GroundTruth, measured: Sequence[Measured], book: Released) -> Finding:
    """Who ranks the networks of a truth best under each setting; under the first also what is left beside params.

    Of the scores that stand only in a further measurement of a setting, on fewer networks, the best is told.
    """
    told: dict[str, set[str]] = {}
    said, seen = [], []
    for one in measured:
        setting, place = _setting(one), f"{_setting(one)}, {len(one.study.archs):,} networks"
        if setting in told:
            said.append(f"{place}, {further([row for row in one.rows if row.proxy not in told[setting]])}")
        else:
            run = run_of([], released.of_setting(one, book))
            known = beyond_params(one.rows) if one is measured[0] else ""
            beside = with_params.sentence(with_params.mean_ranks(one)) if known and "params" in one.by_proxy else ""
            answer = headline(run, mind=one is measured[0])
            said.append(" ".join([f"{place}.", *answer, *filter(None, (known, beside))]))
            seen.append(conditions(run))
        told.setdefault(setting, set()).update(one.by_proxy)
    own = f", on [its table](../nb201_data/tables/{_file(truth)})" if truth.name.startswith(FAMILY) else ""
    asked = _command(f"correlation --ground-truth {truth.name} --stored")
    source = f"{asked} with {', with '.join(map(_options, measured))}{own}"
    return Finding(f"On {truth.name}", [*said, seen[0]], source, _side_by_side(_widest(measured)))


def _widest(measured: Sequence[Measured]) -> list[Measured]:
    """Of each setting the first, that of most networks: what was asked on fewer of them is no further case."""
    found: dict[str, Measured] = {}
    for one in measured:
        found.setdefault(_setting(one), one)
    return list(found.values())


def further(rows: Sequence[Correlation]) -> str:
    """What the scores are worth that no wider measurement of the same setting has."""
    better, alike, worse = (standings(rows).count(kind) for kind in STANDINGS)
    best = best_of(rows)
    named = f" The best of them is {best.proxy}, {format_estimate(best.spearman)}." if best else ""
    scores = format_count(len(rows), "score")
    none = len(rows) - better - alike - worse
    silent = f", {none} without a ranking" if none else ""
    return f"{scores} more: {better} better than params, {worse} worse, {alike} not told apart{silent}.{named}"


def _options(one: Measured) -> str:
    """What makes `correlation` print a measurement."""
    setting = one.study.setting
    how = f"--init {setting.init}" if one.study.kind == COMMON else f"--setting {one.study.kind}"
    seeds = f" --seeds {len(one.study.seeds)}" if len(one.study.seeds) > 1 else ""
    return f"`--sample {len(one.study.archs)} --images {setting.images} {how}{seeds}`"


def _setting(one: Measured) -> str:
    """Images and weights, in a few words."""
    setting = one.study.setting
    return f"{setting.images}, {setting.init if one.study.kind == COMMON else EACH}"


def at_a_glance(measured: Sequence[Measured]) -> Finding:
    """One row for each truth and setting: what counting reaches, which score is best, ours, DisWOT's."""
    told = {name: front.beside_params(_cases(measured, name), name) for name in (OURS, SUBJECT)}
    columns = (
        Column("truth"),
        Column("scored", label="scored with"),
        Column("networks", "integer", label="n"),
        Column("params", "number"),
        Column("best", label="best score"),
        Column("best_minus_params", "estimate", label="its ρ − params", digits=2),
        *(Column(f"{name}_minus_params", "estimate", label=f"{name} ρ − params", digits=2) for name in (OURS, SUBJECT)),
        Column("standing", label="better / not told apart / worse"),
    )
    said = [f"{name} is {where}." for name, where in told.items() if where]
    table = Table(columns, tuple(map(_line, measured)))
    return Finding("Every truth in a line", said, _command("site DIR"), table)


def _cases(measured: Sequence[Measured], name: str) -> list[list[Correlation]]:
    """The rows of each measurement that is a case of its own for a score: one and the same answer, as where the setting
    of its authors is the common one, counts once, and a truth whose name goes on another's is a part of that one."""
    truths = {one.study.truth.name for one in measured}
    found: dict[object, list[Correlation]] = {}
    for one in measured:
        own = one.study.truth.name
        if name in one.by_proxy and not any(own.startswith(f"{other}-") for other in truths):
            found.setdefault((own, len(one.study.archs), one.by_proxy[name].spearman), one.rows)
    return list(found.values())


def _line(one: Measured) -> tuple[Cell, ...]:
    scores = [row for row in one.rows if row.proxy not in COUNTS]
    best, kinds = best_of(scores), standings(scores)
    beside = [one.by_proxy[name].spearman_minus_params if name in one.by_proxy else None for name in (OURS, SUBJECT)]
    return (
        one.study.truth.name,
        _setting(one),
        len(one.study.archs),
        one.by_proxy["params"].spearman.value if "params" in one.by_proxy else None,
        best.proxy if best else "",
        best.spearman_minus_params if best else None,
        *beside,
        " / ".join(str(kinds.count(kind)) for kind in STANDINGS),
    )


def beyond_params(rows: Sequence[Correlation]) -> str:
    """How many proxies know something of the accuracy that params do not, and which of them most."""
    known = [row for row in rows if row.partial_spearman.value is not None and row.proxy not in COUNTS]
    adds = [row for row in by_rank(known, "partial_spearman") if row.partial_spearman.separated > 0]
    if not known:
        return ""
    most = "; ".join(f"{row.proxy} {format_estimate(row.partial_spearman, 2)}" for row in adds[:BEST])
    named = f", most of all {most}" if adds else ""
    return f"{len(adds)} of {len(known)} know something that params do not (partial Spearman above zero){named}."


def pictures(one: Measured) -> dict[str, str]:
    """Drawings by the end of their name: the intervals of the few, and those of PICTURED against the accuracies."""
    rows = [row for row in by_rank(one.rows) if row.proxy in _named(one.rows)]
    labels = [row.proxy for row in rows]
    title = f"{one.study.truth.name}, {len(one.study.archs):,} networks: Spearman, 95 % interval"
    values = [row.spearman for row in rows]
    wide = figures.intervals(labels, values, title=title, highlight=COUNTS, width=460.0, written=True)
    drawn = {"": wide}
    for name in set(PICTURED) & set(one.by_proxy):
        rho, scores = one.by_proxy[name].spearman.value, one.mean_scores(name)
        known = np.isfinite(scores)
        drawn[f"-{name}"] = figures.scatter(
            scores[known].tolist(),
            np.array(one.study.accuracies)[known].tolist(),
            title=name,
            note="" if rho is None else f"ρ {format_number(rho, 2)}",
            y_label="accuracy, %",
            highlight=name in COUNTS,
        )
    return {end: in_both_lights(each) for end, each in drawn.items()}


def students(truth: GroundTruth, book: Released) -> Iterator[Finding]:
    """Which networks scores choose among all, where those were trained."""
    for found in chosen.beside([truth], book):
        yield Finding(f"{chosen.TITLE} among all networks", chosen.lead(found), _command("chosen"))


def counted(truths: Sequence[GroundTruth]) -> Finding:
    """What counting says of whole spaces: Spearman of the closed forms."""
    found: dict[str, list[float | None]] = {}
    for truth in truths:
        for scores in ranked.closed_forms(truth):
            standing = ranked.standing_of(truth, scores)
            found.setdefault(scores.score, []).append(standing.spearman if standing else None)
    columns = (Column("form", label="closed form"), *(Column(t.name, "number") for t in truths))
    rows: list[tuple[Cell, ...]] = [(name, *values) for name, values in found.items()]
    best = max(found, key=lambda name: sum(value or 0.0 for value in found[name]))
    networks = ", ".join(dict.fromkeys(f"{len(truth):,}" for truth in truths))
    said = (
        f"Spearman with the accuracy on all {networks} networks, nothing trained or scored. The best count is {best}."
    )
    return Finding(
        "What counting alone says of a whole space", [said], _command("leaderboard"), Table(columns, tuple(rows))
    )


def of_card(truth: GroundTruth, card: str) -> Iterator[Finding]:
    """The ceiling that noise puts on any score, and what another teacher or loss changes, as the data card says it."""
    link = f"[data card](../nb201_data/tables/{_file(truth).removesuffix('.csv')}.md)"
    for section in sections_of(card):
        if section.title.startswith(("Noise", "Does the order depend on")):
            title = f"{section.title.rstrip('?')}, on {truth.name}{'?' * section.title.endswith('?')}"
            yield Finding(title, section.intro[:2], f"the {link}", section.table)


def swapped() -> Finding:
    """Whether the best network alone is the best student."""
    sections = best_student.sections_for(best_student.known_pairs(), best_student.NOISE, 10_000, 0)
    title = "Is the best network alone also the best student?"
    return Finding(title, sections[0].intro, _command("best_student"))


def _side_by_side(measured: Sequence[Measured]) -> Table:
    """The best, the counts and the paper's under every setting, in the order of the first."""
    named = set[str]().union(*(_named(one.rows) for one in measured))
    order = [row.proxy for row in by_rank(measured[0].rows) if row.proxy in named]
    order += sorted(named.difference(order))
    columns = [Column("proxy")]
    for place, one in enumerate(measured):
        columns.append(Column(f"spearman{place}", "number", label=f"ρ: {_setting(one)}"))
        columns.append(Column(f"minus{place}", "estimate", label="ρ − params"))
    rows: list[tuple[Cell, ...]] = []
    for name in order:
        cells: list[Cell] = []
        for one in measured:
            row = one.by_proxy.get(name)
            cells += [row.spearman.value, row.spearman_minus_params] if row else [None, None]
        rows.append((name, *cells))
    return Table(tuple(columns), tuple(rows))


def _named(rows: Sequence[Correlation]) -> set[str]:
    return {*[row.proxy for row in by_rank(rows) if row.proxy not in COUNTS][:BEST], *COUNTS, *PAPER}


def _command(name: str) -> str:
    return f"`python -m benchmarks.{name}`"


def _file(truth: GroundTruth) -> str:
    """The name of the table behind one of our own truths."""
    return f"{FAMILY}-{truth.name.split(':')[1]}.csv"
