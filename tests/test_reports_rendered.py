"""Markdown is tested by rendering it: whatever a record says, the reader sees these characters and nothing acts."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from reports_support import MANIFEST

from reports.markdown import escaped, render
from reports.records import Page, Run, write_run
from reports.schema import Claim, Column, Note, Section, Table, Topic, Verdict, VerdictKind

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PLAIN = {"text", "code_inline", "text_special", "softbreak"}
TEXTS = st.text(
    st.sampled_from("`*_[]()<>|\\#~!&$-+=.:/ \n\t1aé@") | st.characters(exclude_categories=("C", "Z")), max_size=40
)
ATTACKS = [
    "``<img src=x onerror=alert(1)>``",
    "`a``<b>`",
    "` `` <script>alert(1)</script> ` `",
    "```\n<script>alert(1)</script>",
    "![x](http://evil.example/x.png) [y](javascript:alert(1)) <http://evil.example>",
    "http://evil.example www.evil.example",
    "[x]: http://evil.example",
    "# heading | `a|b` \\| `c\\|d`",
    "- item\n1. item\n> quote\n---\n===",
    "<!-- comment --> &lt;b&gt; <b onclick=x>",
    "\\`<b>\\`",
    "~~~\n~~x~~ **x** __x__ $x$",
]


def shown(tokens: list[Token]) -> str:
    """What a reader sees of one block."""
    children = [child for token in tokens for child in token.children or ()]
    return "".join(" " if child.type == "softbreak" else child.content for child in children)


def visible(text: str) -> str:
    """The text on one line, without white space and the backticks around code."""
    return re.sub(r"\s", "", re.sub(r"(?<!`)`([^`]+)`(?!`)", r"\1", " ".join(text.split())))


@given(TEXTS)
@example("``<b>``")
@example("`a`` `<b>`")
def test_a_paragraph_shows_the_text_and_is_nothing_else(text: str) -> None:
    tokens = RENDERER.parse(f"before\n\n{escaped(text)}\n\nafter")
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    assert {child.type for token in tokens for child in token.children or ()} <= PLAIN
    assert re.sub(r"\s", "", shown(tokens)) == f"before{visible(text)}after"


@pytest.mark.parametrize("text", ATTACKS)
def test_attacks_show_themselves(text: str) -> None:
    test_a_paragraph_shows_the_text_and_is_nothing_else.hypothesis.inner_test(text)  # type: ignore[attr-defined]
    assert not re.search(r"https?://|www\.", escaped(text))  # nor does a renderer that makes links of bare addresses


def run_that_says(text: str) -> Run:
    table = Table(
        (Column("a", label=text), Column("v", "verdict")), ((text, Verdict(VerdictKind.OPEN, text)), ("b", None))
    )
    claims = (Claim(text, Verdict(VerdictKind.OPEN, text)),)
    section = Section("own", text, (text,), table, claims=claims, code=f"{text}\n```\n</code><b>", note=text)
    alone = Section("alone", text, claims=claims, code=f"<b>{text}")
    manifest = MANIFEST.__class__(**(vars(MANIFEST) | {"notes": [Note(Topic.IMAGES, text)], "command": [text]}))
    return Run(manifest, page=Page(text, (text,), (section, alone)))


@pytest.mark.parametrize("text", ATTACKS)
def test_a_whole_page_holds_only_what_it_is_made_of(tmp_path: Path, text: str) -> None:
    write_run(tmp_path, run_that_says(text))
    tokens = RENDERER.parse(render(tmp_path, tmp_path / "page.md").read_text(encoding="utf-8"))
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in tokens}
    assert kinds <= {
        *("heading", "paragraph", "blockquote", "inline", "bullet_list", "list_item", "fence"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    inner = {child.type for token in tokens for child in token.children or ()}
    assert inner <= PLAIN | {"strong_open", "strong_close"}
    assert [token.tag for token in tokens if token.type == "heading_open"] == [
        "h1",
        *["h2"] * 5,
    ]  # two of its own, conditions, words, how to repeat it
    rows = [place for place, token in enumerate(tokens) if token.type == "tr_open"]
    cells = [sum(t.type in ("td_open", "th_open") for t in tokens[place : place + 8]) for place in rows[:3]]
    assert cells == [2, 2, 2]
    cell = next(place for place, token in enumerate(tokens) if token.type == "td_open")
    assert re.sub(r"\s", "", shown(tokens[cell : cell + 2])) == visible(text)
