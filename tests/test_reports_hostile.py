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

import pytest
from files_support import rows_of
from reports_support import measured_run
from test_reports_records import run_with_everything

from diswot_ending import code_of
from reports.__main__ import main
from reports.html import render
from reports.records import write_run

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
    code = code_of(main, [str(folder)])
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
        code = code_of(main, arguments)
        said = capsys.readouterr()
        assert code in (0, 1, 2) and (code == 0) == (said.err == "") and said.err.count("\n") <= 1


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
