"""The page: escaped, self-contained, deterministic, its answer before every notice."""

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from reports_support import HOSTILE, MANIFEST, measured_run

from reports import figures
from reports.html import render
from reports.records import Page, Run, write_run
from reports.schema import Claim, Column, Estimate, Figure, Note, Section, Table, Topic, Verdict, VerdictKind
from reports.tables import format_number

WITHIN, OUTSIDE = Verdict(VerdictKind.WITHIN), Verdict(VerdictKind.OUTSIDE, "published 2.00 above")


class Tags(HTMLParser):
    """Collects tags, references and visible text; checks that tags nest."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        self.references += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_of_a_run_is_self_contained_and_repeats_to_the_byte(tmp_path: Path) -> None:
    write_run(tmp_path, measured_run())
    text = render(tmp_path).read_text()
    tags = Tags(text)
    assert tags.tags.count("script") == 2 and "link" not in tags.tags and "img" not in tags.tags
    assert all(reference.startswith("#") for reference in tags.references)
    assert set(re.findall(r"\w+://[\w./]*", text)) <= {"http://www.w3.org/2000/svg"} and "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text and "width=device-width" in text
    assert tags.tags.count("svg") == 1 + 4 + 5 + 1 + 1  # answer, intervals, scatter, agreement, cost
    for words in ("good", "flat (constant)", "empty kernel", "python -m benchmarks.correlation --proxies 'nwot,m_*'"):
        assert words in tags.text
    assert render(tmp_path).read_text() == text


def test_everything_from_the_records_is_escaped(tmp_path: Path) -> None:
    run = measured_run(hostile=HOSTILE)
    texts = dict.fromkeys(("ground_truth", "ground_truth_note", "images", "skeleton", "space", "commit"), HOSTILE)
    pairs = {HOSTILE: HOSTILE}
    manifest = replace(
        MANIFEST,
        command=["python", HOSTILE],
        config=pairs,
        versions=pairs,
        notes=[Note(Topic.IMAGES, HOSTILE)],
        **texts,
    )
    table = Table(
        (Column(HOSTILE, note=HOSTILE), Column("v", "verdict", label=HOSTILE)),
        ((HOSTILE, Verdict(VerdictKind.FAILS, HOSTILE)), ("a", Verdict(VerdictKind.WITHIN))),
    )
    series = {HOSTILE: [(0, Estimate(1.0)), (1, Estimate(2.0))], "b": []}
    drawing = figures.lines(series, title=HOSTILE, x_label=HOSTILE)
    claim = Claim(HOSTILE, Verdict(VerdictKind.OPEN, HOSTILE))
    section = Section(
        "own", HOSTILE, (HOSTILE,), table, (Figure("f", drawing, HOSTILE),), (claim,), code=HOSTILE, note=HOSTILE
    )
    write_run(tmp_path, replace(run, manifest=manifest, page=Page(HOSTILE, (HOSTILE,), (section,))))
    text = render(tmp_path).read_text()
    tags = Tags(text)
    assert tags.tags.count("script") == 2 and tags.tags.count("style") == 1
    assert text.count("<script") == 2
    assert tags.text.count(HOSTILE) > 20


def test_the_answer_comes_before_every_notice_and_its_numbers_are_those_of_the_table(tmp_path: Path) -> None:
    notice = Note(Topic.IMAGES, "Painted, not photographed.")
    run = replace(measured_run(), manifest=replace(MANIFEST, notes=[notice]), card="# The card")
    write_run(tmp_path, run)
    text = render(tmp_path).read_text()
    order = ["<h1>", "The best proxy is good", "Of 3 proxies", "<svg", 'class="conditions"', 'href="card.md"']
    order += [
        'id="proxies"',
        "<table",
        'id="intervals"',
        'id="conditions"',
        notice.text,
        'id="glossary"',
        'id="repeat"',
    ]
    assert [text.index(mark) for mark in order] == sorted(text.index(mark) for mark in order)
    best = next(row for row in run.correlations if row.proxy == "good")
    value = format_number(best.spearman.value or 0)
    assert text.count(value) >= 3  # sentence, picture, table
    assert (tmp_path / "card.md").read_text() == "# The card"


def test_one_seed_has_no_deviation(tmp_path: Path) -> None:
    run = measured_run()
    one = tuple(replace(row, seeds=1) for row in run.correlations)
    for rows, there in ((run.correlations, True), (one, False)):
        write_run(tmp_path, replace(run, correlations=rows))
        note = render(tmp_path).read_text().split('id="proxies"')[1].split('class="note"')[1].split("</p>")[0]
        assert ("standard deviation" in note) == there


def test_a_page_of_sections_alone(tmp_path: Path) -> None:
    table = Table(
        (Column("init"), Column("n", "integer"), Column("rho", "estimate", 2), Column("verdict", "verdict")),
        (("kaiming", 15625, Estimate(0.829, 0.7, 0.9, 0.05), WITHIN), ("gaussian", None, Estimate(), OUTSIDE)),
    )
    sections = (
        Section("init", "Initialisation", ("Words.",), table, claims=(Claim("It holds", Verdict(VerdictKind.HOLDS)),)),
    )
    write_run(tmp_path, Run(MANIFEST, page=Page("Does it matter?", ("It does.",), sections)))
    text = render(tmp_path).read_text()
    assert "15,625" in text and '0.83 <small>±0.05</small><small class="below">[0.70, 0.90]</small>' in text
    assert (
        'badge good">within' in text
        and 'badge bad">outside' in text
        and "published 2.00 above" in text
        and "How to repeat it" in text
    )


def test_the_command_makes_the_page_and_refuses_a_wrong_folder(tmp_path: Path) -> None:
    write_run(tmp_path / "run", Run(MANIFEST, page=Page("T")))
    done = subprocess.run(
        [sys.executable, "-m", "reports", tmp_path / "run"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "run" / "report.html"))
    done = subprocess.run([sys.executable, "-m", "reports", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "holds no manifest.json" in done.stderr and "Traceback" not in done.stderr
    (tmp_path / "run" / "sections.json").write_text("[]")
    done = subprocess.run(
        [sys.executable, "-m", "reports", tmp_path / "run"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
