"""Under which setting each proxy was asked, where each has that of its authors."""

from __future__ import annotations

from benchmarks.scoring.authors import AUTHORS, COMMON
from benchmarks.scoring.measured import Measured
from reports.schema import Column, Section, Table

COLUMNS = (
    *(Column("proxy"), Column("whose", label="setting"), Column("init", label="initialisation"), Column("images")),
    *(Column("batch_size", "integer", label="batch"), Column("source"), Column("remark", label="not met here")),
)


def of_authors(one: Measured) -> list[Section]:
    """A row for each proxy; no section where one setting holds for all."""
    if one.study.kind == COMMON:
        return []
    rows = []
    for info in sorted(one.infos, key=lambda info: info.name):
        setting, known = one.settings[info.name], info.authors
        whose = (AUTHORS, known.source, known.note) if known else (COMMON, "", "")
        rows.append((info.name, whose[0], setting.init, setting.images, setting.batch_size, *whose[1:]))
    intro = (
        "authors: weights, images and batch size are those of the score's own paper, its real images those of this "
        "page's data set. common: what its authors look at is not known, or does not matter.",
    )
    return [Section("settings", "Under which setting each proxy was asked", intro, Table(COLUMNS, tuple(rows)))]
