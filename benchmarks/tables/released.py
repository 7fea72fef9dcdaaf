"""What the site says of a ground truth and of the distillers: contents of runs, made of what is released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.command.publish import Content, measured_content
from benchmarks.scoring import ranked
from benchmarks.scoring.measured import Measured
from benchmarks.scoring.population import populations
from benchmarks.scoring.released import Released
from benchmarks.tables import chosen, leaderboard, search_scores
from benchmarks.tables.settings import of_authors
from nb201_data.ground_truth import GroundTruth
from nb201_data.truth.measured import card_of
from reports.card import sections_of
from reports.schema import Column, Note, Section, Table, Topic

DOCS = Path(__file__).parents[2] / "docs"
MEASURED = DOCS / "distillers.md"
CHOSEN = DOCS / "score.md"


def of_truth(truth: GroundTruth, released: Released, measured: Sequence[Measured]) -> list[Content]:
    """One content for each setting that has scores; else one of the closed forms alone."""
    scores = [*ranked.closed_forms(truth), *ranked.released_scores([released], truth)]
    beside = [
        replace(
            leaderboard.section(number, truth, one, ranked.placed(truth, one.archs, scores)),
            title=f"Beside closed forms and print: {one.name}",
        )
        for number, one in enumerate(populations(truth), 1)
    ]
    lead = [
        f"No score of these networks is released: what counts their size or operations is all there is. {truth.note}."
    ]
    alone = Content(
        truth.name, lead, beside, card=card_of(truth.name), ground_truth=truth.name, ground_truth_note=truth.note
    )
    return [of_setting(one, released, beside) for one in measured] or [alone]


def of_setting(one: Measured, released: Released, beside: Sequence[Section] = ()) -> Content:
    """What released scores say of a truth under one setting, or each under that of its authors."""
    made = sorted({(table.card.machine, *table.card.reproduces) for table in released.tables})
    origin = Note(Topic.ORIGIN, f"Every score is from the released tables ({'; '.join(map(', torch '.join, made))}).")
    config = {"tables": {table.path.stem: table.card.sha256 for table in released.tables}}
    sections = [*of_authors(one), *beside]
    content = Content(one.study.truth.name, sections=sections, notes=[origin], correlations=one.rows, config=config)
    return measured_content([one], content)


def distillers() -> Content:
    """Every distillation loss with its formula and paper, then what was measured of them where docs/ is there."""
    from proxies.distillation.registry import DISTILLERS

    columns = (
        Column("distiller"),
        Column("teacher"),
        Column("term", label="weights of CE, KD, own"),
        Column("formula"),
    )
    rows = [
        (loss.name, loss.teaching, f"{loss.ce:g}, {loss.kd:g}, {loss.weight:g}", loss.formula, loss.paper)
        for loss in DISTILLERS.values()
    ]
    table = Table((*columns, Column("paper")), tuple(rows))
    sections = [Section("distillers", "Every distiller", table=table)]
    if MEASURED.is_file():
        first, *rest = sections_of(MEASURED.read_text(encoding="utf-8"), "What was measured")
        sections += [first, *(replace(section, level=3) for section in rest)]
    return Content(
        "Distillers", ["The losses that a student can be trained with, and what was measured of them."], sections
    )


def score() -> list[Content]:
    """The page on the score of this bench, where docs/ is there."""
    if not CHOSEN.is_file():
        return []
    text = CHOSEN.read_text(encoding="utf-8")
    return [
        Content(
            "The score of this bench",
            ["How it was chosen, what was confirmed of it, what was not."],
            sections_of(text, "In short"),
        )
    ]


def students(truths: Sequence[GroundTruth], book: Released) -> list[Content]:
    """The students that scores choose among all networks, of each truth beside which those were trained."""
    return [chosen.content(found) for found in chosen.beside(truths, book)]


def searches(truths: Sequence[GroundTruth], book: Released) -> list[Content]:
    """What a search by each released score finds, by budget, on the benchmark's own accuracies."""
    lead: list[str] = []
    sections: list[Section] = []
    for truth in truths:
        if truth.name.startswith("nb201:"):
            scores = [*ranked.closed_forms(truth), *ranked.released_scores([book], truth)]
            if found := search_scores.searchers(list(truth.values), scores):
                lead.append(search_scores.sentence(truth, found))
                sections.append(search_scores.section(len(sections) + 1, truth, found))
    return [Content("What a search by a score finds, by budget", lead, sections)] if sections else []
