"""Hostile run folders: every wrong value is one message with exit code 1 or 2, and nothing of it acts on the page."""

import base64
import csv
import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from files_support import rows_of
from hypothesis import example, given
from hypothesis import strategies as st
from test_reports_page import measured_run
from test_reports_records import SCORE, run_with_everything

from diswot_errors import DataError
from reports import figures, texts
from reports.__main__ import main
from reports.csv_files import read_records, read_table, write_records, write_table
from reports.html import render
from reports.records import Page, Run, read_run, write_run
from reports.schema import Column, Estimate, Figure, ScoreRow, Section, Table, TruthRow, Verdict, VerdictKind
from reports.svg import COLOURS, SvgError, tidy

Change = Callable[[Any], Any]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every kind of file."""
    folder = tmp_path_factory.mktemp("sound") / "run"
    write_run(folder, replace(measured_run(cells=12), page=run_with_everything().page))
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "run"))


def refusal(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that the command says when it refuses a folder."""
    code = main([str(folder)])
    said = capsys.readouterr()
    assert code in (1, 2) and said.out == "" and said.err.startswith("error: ") and said.err.count("\n") == 1, said
    assert len(said.err) < 1500 and said.err.isprintable() is False and said.err[:-1].isprintable()
    return said.err


def put(*path: str | int, value: Any) -> Change:
    """A change of parsed JSON: another value at a place."""

    def change(content: Any) -> Any:
        place = content
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return content

    return change


LEVEL = "2 tabindex=0 autofocus onfocus=alert(document.domain)"
MISTYPED: list[tuple[str, Change, str]] = [
    ("manifest.json", put("command", value="python"), "manifest.json, command: 'python', expected a list"),
    ("manifest.json", put("command", value=[1]), r"command\[0\]: 1, expected a text"),
    ("manifest.json", put("date", value=None), "date: None, expected a text"),
    ("manifest.json", put("config", value=[]), r"config: \[\], expected an object"),
    ("manifest.json", put("versions", value={"torch": 2}), "versions, 'torch': 2, expected a text"),
    ("manifest.json", put("seeds", value=[0, True]), r"seeds\[1\]: True, expected an integer"),
    ("manifest.json", put("seeds", value=3), "seeds: 3, expected a list"),
    ("manifest.json", put("commit", value=7), "commit: 7, expected a text"),
    ("manifest.json", put("notes", value=["a note"]), r"notes\[0\]: 'a note' does not describe a note"),
    ("manifest.json", put("notes", value=[{"topic": "x", "text": "t"}]), r"topic: 'x', expected truth or images"),
    ("manifest.json", lambda _: [], "does not describe a manifest"),
    ("manifest.json", lambda _: "manifest", "does not describe a manifest"),
    ("manifest.json", lambda _: None, "does not describe a manifest"),
    ("manifest.json", put("extra", value=1), r"unknown \['extra'\]"),
    ("sections.json", lambda _: [], "does not describe a page"),
    ("sections.json", put("title", value=["t"]), "title: .*, expected a text"),
    ("sections.json", put("lead", value="words"), "lead: 'words', expected a list"),
    ("sections.json", put("sections", value={}), r"sections: {}, expected a list"),
    ("sections.json", put("sections", 0, value="x"), "does not describe a section"),
    ("sections.json", put("sections", 0, "level", value=LEVEL), r"sections\[0\], level: '2 tab.*, expected 2 or 3"),
    ("sections.json", put("sections", 0, "level", value=2.0), "level: 2.0, expected 2 or 3"),
    ("sections.json", put("sections", 0, "level", value=True), "level: True, expected 2 or 3"),
    ("sections.json", put("sections", 0, "level", value="2"), "level: '2', expected 2 or 3"),
    ("sections.json", put("sections", 0, "name", value='x" onload="1'), "name: .*, expected a name"),
    ("sections.json", put("sections", 0, "name", value="../run"), "name: .*, expected a name"),
    ("sections.json", put("sections", 0, "name", value="truth"), "'truth' cannot name a file of a run"),
    ("sections.json", put("sections", 0, "name", value="plain"), "two sections have the name 'plain'"),
    ("sections.json", put("sections", 0, "name", value="missing"), r"missing.csv cannot be read: No such file"),
    ("sections.json", put("sections", 0, "intro", value=[None]), r"intro\[0\]: None, expected a text"),
    ("sections.json", put("sections", 0, "table", value=5), "table: 5, expected a list"),
    ("sections.json", put("sections", 0, "table", 0, "kind", value="script"), "kind: 'script', expected text or int"),
    ("sections.json", put("sections", 0, "table", 0, "kind", value=[]), r"kind: \[\], expected text or"),
    ("sections.json", put("sections", 0, "table", 2, "digits", value=10**9), "digits: 1000000000, expected a number"),
    ("sections.json", put("sections", 0, "table", 2, "digits", value=-1), "digits: -1, expected a number from 0"),
    ("sections.json", put("sections", 0, "table", 2, "digits", value="3"), "digits: '3', expected an integer"),
    ("sections.json", put("sections", 0, "table", 0, "name", value="seeds"), "two columns .* have the name 'seeds'"),
    ("sections.json", put("sections", 0, "table", 0, "name", value="measured_low"), "two columns"),
    ("sections.json", put("sections", 0, "figures", 0, "width", value="1"), "width: '1', expected small or medium"),
    ("sections.json", put("sections", 0, "figures", 0, "name", value="../x"), "name: '../x', expected a name"),
    ("sections.json", put("sections", 0, "figures", value=None), "figures: None, expected a list"),
    ("sections.json", put("sections", 0, "claims", 0, "verdict", "kind", value="good"), "'good', expected within or"),
    ("sections.json", put("sections", 0, "claims", 0, "verdict", value="holds"), "does not describe a verdict"),
    ("sections.json", put("sections", 0, "code", value={}), "code: {}, expected a text"),
    ("sections.json", put("title", value="\ud800"), r"title: the character U\+D800"),
    ("sections.json", put("title", value="a\x00b"), r"title: the character U\+0000"),
    ("sections.json", put("title", value="x" * 200_000), "title: 200,000 characters, expected at most 20,000"),
    ("manifest.json", put("config", value={"\udcff": 1}), r"config: the character U\+DCFF"),
    ("manifest.json", put("config", value={"a": ["\u202egnp.exe"]}), r"config, 'a': the character U\+202E"),
]


@pytest.mark.parametrize(("file", "change", "message"), MISTYPED)
def test_a_mistyped_field_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], file: str, change: Change, message: str
) -> None:
    path = folder / file
    path.write_text(json.dumps(change(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    said = refusal(folder, capsys)
    assert re.search(message, said), said
    assert str(folder) in said


DEEP = 100_000
BYTES = {
    "empty": b"",
    "not text": b"\xff\xfe\x00\x01" * 10,
    "nul": b"\x00" * 50,
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "somewhat deep": b"[" * 200 + b"]" * 200,
    "long integer": b"9" * 10_000,
    "huge number": b"[1e999]",
    "no number": b"[NaN, -Infinity]",
    "surrogate": b'["\\ud800"]',
    "cut": b'{"command": ["pyth',
    "other": b"PK\x03\x04 this is an archive",
    "long field": b"a," * 3 + b'"' + b"x" * 200_000 + b'"\n',
}


@pytest.mark.parametrize("content", BYTES.values(), ids=BYTES)
@pytest.mark.parametrize(
    "file", ["manifest.json", "sections.json", "scores.csv", "truth.csv", "correlations.csv", "published.csv"]
)
def test_other_bytes_are_refused(folder: Path, capsys: pytest.CaptureFixture[str], file: str, content: bytes) -> None:
    (folder / file).write_bytes(content)
    assert file in refusal(folder, capsys)


@pytest.mark.parametrize("content", [*BYTES.values(), b"<svg>" * DEEP + b"</svg>" * DEEP, b"<html/>"])
def test_a_figure_that_is_none_is_refused(folder: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    (folder / "published.one.svg").write_bytes(content)
    assert "published.one.svg" in refusal(folder, capsys)


def test_what_cannot_be_opened_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in ("published.csv", "published.one.svg"):
        path, kept = folder / file, (folder / file).read_bytes()
        path.unlink()
        path.mkdir()
        assert re.search(rf"{file} cannot be read: Is a directory", refusal(folder, capsys))
        path.rmdir()
        path.write_bytes(kept)
    assert main([str(folder)]) == 0


CELLS = {
    "scores.csv": [
        ("seed", "-1"), ("seed", "1" * 5000), ("seed", "1_0"), ("value", "1e999"), ("value", "nan"), ("value", "1_0"),
        ("value", " 1"), ("value", "٣"), ("status", "<b>"), ("seconds", "-1"), ("seconds", "1e300"), ("arch", "a\x00b"),
        ("reason", "x" * 20_001), ("batch_size", "2.5"),
    ],
    "correlations.csv": [("direction", "up"), ("status", "fine"), ("kendall", "high"), ("scored", "-3")],
    "published.csv": [("verdict", "good"), ("seeds", "three"), ("verdict_detail", "\x1b[2J")],
}  # fmt: skip


@pytest.mark.parametrize(("file", "column", "text"), [(f, *cell) for f, cells in CELLS.items() for cell in cells])
def test_a_wrong_cell_is_named_with_line_and_column(
    folder: Path, capsys: pytest.CaptureFixture[str], file: str, column: str, text: str
) -> None:
    rows = rows_of(folder / file)
    with open(folder / file, "w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows([rows[0] | {column: text}, *rows[1:]])
    assert f"line 2, column '{column}'" in refusal(folder, capsys)


@pytest.mark.parametrize("seed", range(200))
def test_flipped_and_cut_files_never_end_in_a_traceback(
    folder: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    rng = random.Random(seed)
    path = rng.choice(sorted(folder.iterdir()))
    content = bytearray(path.read_bytes())
    if seed % 4 == 0:
        content = content[: rng.randrange(len(content))]
    else:
        for _ in range(rng.choice((1, 1, 3, 20))):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    for arguments in ([str(folder)], [str(folder), "--markdown", str(folder / "page.md")]):
        code = main(arguments)
        said = capsys.readouterr()
        assert code in (0, 1, 2) and (code == 0) == (said.err == "") and said.err.count("\n") <= 1


HOSTILE_SVG = {
    "script": "<svg><script>alert(1)</script></svg>",
    "handler": '<svg onload="alert(1)"><path onclick="x" d="M0 0"/></svg>',
    "fixed": '<svg style="position:fixed;inset:0;z-index:9"><rect style="fill: #040404; position: absolute"/></svg>',
    "image-set": "<svg><rect style=\"background:image-set('http://evil/x' 1x);fill:red\"/></svg>",
    "address in fill": '<svg><rect fill="url(http://evil/x)" style="fill:url(//evil/x)"/></svg>',
    "local file": '<svg><rect style="stroke: url(page.svg#a)"/></svg>',
    "image": '<svg xmlns:x="http://www.w3.org/1999/xlink"><image x:href="http://evil/x"/><use x:href="http://e#a"/></svg>',
    "foreign": '<svg><foreignObject><iframe src="x"/></foreignObject></svg>',
    "link": '<svg><a href="javascript:alert(1)"><text>here</text></a></svg>',
    "animation": '<svg><rect><animate attributeName="href" to="javascript:alert(1)"/><set/></rect></svg>',
    "style element": "<svg><style>@import 'http://evil/x'; body{display:none}</style></svg>",
    "escapes": '<svg><rect style="fi\\6cl: \\75rl(http://evil/x); color: expression(alert(1))"/></svg>',
    "class and data": '<svg class="badge good" data-x="1" tabindex="0" autofocus=""><text class="x">t</text></svg>',
    "custom property": '<svg style="--accent: url(http://evil/x)"><rect fill="var(--accent, url(http://evil/x))"/></svg>',
    "filter": '<svg><rect filter="url(#f)" mask="url(http://evil/#m)" style="filter:url(http://evil/f)"/></svg>',
    "entity": '<!DOCTYPE svg [<!ENTITY a "javascript:alert(1)">]><svg><use href="&a;"/></svg>',
    "digits": f'<svg><path d="M{"1" * 200_000}x"/><rect x="{"1" * 200_000}!" transform="scale({"1" * 90_000}"/></svg>',
}
OWN = re.compile(rf"var\(--(?:{'|'.join(COLOURS)}), #[0-9a-f]{{6}}\)")


@pytest.mark.parametrize("drawing", HOSTILE_SVG.values(), ids=HOSTILE_SVG)
def test_only_drawing_is_left_of_a_figure(drawing: str) -> None:
    made = tidy(drawing)
    assert len(made) < 200 or "1111" in made
    assert not re.search(
        r"evil|alert|script|import|url\(|position|background|class|data-|tabindex|animate|expression|//|@", made
    )
    root = ElementTree.fromstring(made)
    assert not any(name.startswith("on") for each in root.iter() for name in each.attrib)
    assert tidy(made) == made


def test_copies_of_copies_are_not_drawn() -> None:
    levels = "".join(f'<g id="a{i}"><use href="#a{i - 1}"/><use href="#a{i - 1}"/></g>' for i in range(1, 40))
    made = tidy(f'<svg><defs><g id="a0"><path d="M0 0"/></g>{levels}</defs><use href="#a39"/></svg>')
    assert made.count('href="#a0"') == 2 and made.count("href") == 2


def test_entities_that_multiply_are_refused() -> None:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    with pytest.raises(SvgError):
        tidy(f'<!DOCTYPE svg [<!ENTITY e0 "ha">{entities}]><svg><text>&e11;</text></svg>')


def test_our_own_drawings_pass_unharmed() -> None:
    points = {"a": [(0.0, Estimate(1.0, 0.5, 2.0)), (1.0, Estimate(2.0))], "b": [(0.0, Estimate(1.0))]}
    for made in (
        figures.lines(points, title="t", x_label="x", styles={"b": "dots"}),
        figures.scatter([1.0, 2.0], [1.0, 2.0], title="t", highlight=True),
        figures.heat_map(["a", "b"], [[1.0, None], [-0.5, 1.0]], title="t"),
        figures.dots(["a"], [450.0], x_label="ms"),
        figures.intervals(["a"], [Estimate(0.5, 0.4, 0.6)], title="t"),
    ):
        assert tidy(made) == made and OWN.search(made) and "<text" in made


def test_the_page_forbids_what_it_does_not_need(folder: Path) -> None:
    text = render(folder).read_text(encoding="utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    script = text.rpartition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'" and len(script) > 1000  # this script and no other
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert text.index("Content-Security-Policy") < text.index("<style") < text.index("<body")


TEXTS = st.text(st.sampled_from("'=+-@\t\r\n\"|, a;\uff1d") | st.characters(), max_size=12)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
@example([("=HYPERLINK(1)", "'=1"), ("''=1", "'"), ("-1+cmd|' /C calc'!A0", "\u202e")])
def test_no_text_is_a_formula_and_every_clean_text_comes_back(tmp_path_factory: Any, pairs: list[Any]) -> None:
    path = tmp_path_factory.mktemp("cells") / "t.csv"
    columns = (Column("=a"), Column("n", "number"), Column("v", "verdict"))
    rows = tuple((text, -1.5, Verdict(VerdictKind.OPEN, detail)) for text, detail in pairs)
    write_table(path, Table(columns, rows))
    clean = tuple((texts.cleaned(a), -1.5, Verdict(VerdictKind.OPEN, texts.cleaned(b))) for a, b in pairs)
    assert read_table(path, columns).rows == clean
    with open(path, encoding="utf-8", newline="") as file:
        cells = list(csv.reader(file))
    texts_in_it = [cell for row in cells for cell in (row[0], row[3])]
    number = re.compile("[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?")  # as harmless as it looks
    assert not any(cell.startswith(FORMULA) and not number.fullmatch(cell) for cell in texts_in_it)
    assert all(row[1] == "-1.5" for row in cells[1:])  # a number is no text


def test_scores_are_defused_and_what_cannot_be_written_is_cleaned(tmp_path: Path) -> None:
    hostile = replace(SCORE, arch="=cmd", teacher="@SUM(A1)", reason="\ud800 \x00 \x1b[2J " + "x" * 200_000)
    write_records(tmp_path / "s.csv", ScoreRow, [hostile])
    text = (tmp_path / "s.csv").read_text(encoding="utf-8")
    assert ",'=cmd," in text and ",'@SUM(A1)," in text and len(text) < texts.LONGEST + 500
    (row,) = read_records(tmp_path / "s.csv", ScoreRow)
    assert (row.arch, row.teacher) == ("=cmd", "@SUM(A1)") and row.value == SCORE.value
    assert row.reason.startswith("\ufffd \ufffd \ufffd[2J xxx") and row.reason.endswith("(200,009 characters)")


def test_a_run_with_texts_that_no_file_holds_can_be_read_again(tmp_path: Path) -> None:
    bad = "\udcff" + "long " * 10_000
    run = measured_run(cells=8, hostile="\x07\ud800")
    page = Page(bad, (bad,), (Section("own", bad, code=bad),))
    write_run(tmp_path, replace(run, manifest=replace(run.manifest, command=[bad], config={bad: [bad]}), page=page))
    assert main([str(tmp_path)]) == 0 and main([str(tmp_path), "--markdown", str(tmp_path / "p.md")]) == 0


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, 5e-324])
def test_numbers_at_the_edge_of_floats_are_drawn(tmp_path: Path, value: float) -> None:
    run = measured_run(cells=8)
    scores = tuple(replace(row, value=value * (1 - 0.001 * place)) for place, row in enumerate(run.scores))
    rows = tuple(replace(row, spearman=Estimate(value, -value, value, abs(value))) for row in run.correlations)
    truth = tuple(TruthRow(row.arch, value / (1 + place)) for place, row in enumerate(run.truth))
    write_run(tmp_path, replace(run, scores=scores, correlations=rows, truth=truth))
    assert main([str(tmp_path)]) == 0
    assert "nan" not in re.sub(r"<text.*?</text>|<title.*", "", (tmp_path / "report.html").read_text()).split("<svg")[1]


@pytest.mark.parametrize("seconds", [0.0, 1e12])
def test_any_seconds_are_drawn(tmp_path: Path, seconds: float) -> None:
    run = measured_run(cells=8)
    write_run(tmp_path, replace(run, scores=tuple(replace(row, seconds=seconds) for row in run.scores)))
    assert main([str(tmp_path)]) == 0


def test_a_status_ok_without_a_value_is_no_score(tmp_path: Path) -> None:
    """Whatever the columns say of each other, the page is made or the file refused."""
    run = measured_run(cells=8)
    write_run(tmp_path, replace(run, scores=tuple(replace(row, value=None) for row in run.scores)))
    assert main([str(tmp_path)]) in (0, 1)


def test_figures_are_checked_when_they_are_written(tmp_path: Path) -> None:
    section = Section("own", "t", figures=(Figure("f", "<svg><script>alert(1)</script></svg>"),))
    write_run(tmp_path, Run(measured_run(cells=8).manifest, page=Page("t", sections=(section,))))
    assert "script" not in (tmp_path / "own.f.svg").read_text()
    none = replace(section, figures=(Figure("f", "x"),))
    with pytest.raises(DataError, match="not an SVG"):
        write_run(tmp_path, Run(read_run(tmp_path).manifest, page=Page("t", sections=(none,))))
