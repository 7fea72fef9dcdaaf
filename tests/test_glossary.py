"""Every word of a page that a reader may not know is explained on it."""

import re
from dataclasses import replace

import pytest
from reports_support import measured_run

from reports.glossary import TERMS, in_words, used
from reports.pages import page_of
from reports.schema import Note, Topic
from reports.tables import COLUMNS

WORDS = ("regret", "partial rank correlation", "top 5 %", "skeleton", "embedded", "lite", "Spearman ρ", "Kendall τ-b",
         "Pearson r", "bootstrap interval", "paired difference", "better, worse, not told apart", "seed", "n, left out",
         "ground truth", "proxy", "params, FLOPs", "cell", "initialisation")  # fmt: skip


@pytest.mark.parametrize("column", COLUMNS[1:], ids=lambda column: column.name)
def test_every_head_of_the_ranked_table_is_a_term(column: object) -> None:
    if column.name != "rank":
        assert used([column.label or column.name])


def test_the_page_of_a_run_explains_what_it_says() -> None:
    run = measured_run()
    notes = [Note(Topic.TRUTH, "protocol lite, c16n1k100r16, cells")]
    made = page_of(replace(run, manifest=replace(run.manifest, notes=notes)))
    (words,) = (section for section in made.sections if section.name == "glossary")
    assert words.table is not None
    explained = {row[0] for row in words.table.rows}
    assert set(WORDS) - explained <= {"skeleton"} and "skeleton" in explained
    assert "trained alone" not in explained  # the page does not say it


def test_terms_are_found_by_their_own_names() -> None:
    assert len({term.name for term in TERMS}) == len(TERMS)
    for term in TERMS:
        assert any(re.search(term.pattern, part) for part in (term.name, term.name.lower())), term.name


@pytest.mark.parametrize(
    ("skeleton", "words"),
    [
        ("c16n1k100r16", "16 channels, 1 cell a stage, 100 classes, 16 × 16 pixels"),
        ("c4n5k10r32", "4 channels, 5 cells a stage, 10 classes, 32 × 32 pixels"),
        ("c16n0k100r224", "100 classes, 224 × 224 pixels"),
        ("16-32-64", ""),
        ("<b>", ""),
    ],
)
def test_a_skeleton_in_words(skeleton: str, words: str) -> None:
    assert in_words(skeleton) == words
