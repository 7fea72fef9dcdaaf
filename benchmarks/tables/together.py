"""The pages of several commands as one: their first words, their sections, the conditions of each."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from reports.records import Run
from reports.schema import Manifest, Note, Section, Topic

LONG = 200  # rows


@dataclass(frozen=True)
class TablePart:
    """One command of the page, and which of its options follow from those of all tables."""

    command: str
    title: str
    arguments: Callable[[argparse.Namespace], list[str]]

    @property
    def key(self) -> str:
        """Its name as a part of file names."""
        return self.command.replace("_", "-")


def image_notes(runs: Mapping[str, Run]) -> list[Note]:
    """Which tables were made with which images, by title."""
    titles: dict[str, list[str]] = {}
    for title, run in runs.items():
        for note in run.manifest.notes:
            if note.topic is Topic.IMAGES:
                titles.setdefault(note.text, []).append(title)
    return [Note(Topic.IMAGES, f"{', '.join(named)}. {text}") for text, named in titles.items()]


def names(lists: Iterable[str]) -> str:
    """Comma lists as one, each name once."""
    return ", ".join(dict.fromkeys(name for text in lists for name in text.split(", ") if name))


def sections_of(part: TablePart, run: Run | None, failure: str) -> list[Section]:
    """The part's first words with its conditions, then its sections below it, under names of their own."""
    if run is None:
        return [Section(part.key, part.title, (f"Not made: {failure}",))]
    assert run.page is not None
    words = dict.fromkeys((*run.page.lead, *(note.text for note in run.manifest.notes), conditions(run.manifest)))
    parts = [replace(_shortened(section, part.key), level=3) for section in run.page.sections]
    return [Section(part.key, part.title, tuple(words)), *parts]


def _shortened(section: Section, key: str) -> Section:
    """A section under a name of its own; a table too long for a page of all is left in its file."""
    own = replace(section, name=f"{key}-{section.name}")
    if section.table is None or len(section.table.rows) <= LONG:
        return own
    where = f"{len(section.table.rows):,} rows, in {key}/{section.name}.csv."
    return replace(own, table=None, note=f"{where} {section.note}".rstrip())


def conditions(manifest: Manifest) -> str:
    """Which device and versions made a part, and by which command."""
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    return f"Made on {manifest.device} with {versions}, by: {shlex.join(manifest.command)}"
