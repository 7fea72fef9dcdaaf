"""The page: escaped, self-contained, deterministic, and honest about what the intervals tell."""

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from reports_support import MANIFEST

from benchmarks.statistics import correlate
from reports import figures
from reports.headline import headline
from reports.html import page, render
from reports.pages import Made
from reports.records import Page, Run, write_run
from reports.schema import (
    Claim,
    Column,
    Correlation,
    Estimate,
    Figure,
    Note,
    ScoreRow,
    Section,
    Table,
    Topic,
    TruthRow,
    Verdict,
    VerdictKind,
)
from reports.tables import as_text, by_rank, correlation_table, format_estimate, format_number, left_out_table

WITHIN, OUTSIDE = Verdict(VerdictKind.WITHIN), Verdict(VerdictKind.OUTSIDE, "published 2.00 above")
HOSTILE = "<script>alert('x')</script>&\"--></style>"


def measured_run(cells: int = 40, noise: float = 1.0, hostile: str = "") -> Run:
    rng = np.random.default_rng(0)
    truth = 70 + 4 * rng.normal(size=cells)
    scores = {
        "params": np.round(truth + 4 * rng.normal(size=cells)),
        "flops": truth + 4 * rng.normal(size=cells),
        f"good{hostile}": truth + noise * rng.normal(size=(2, cells)),
        "flat": np.zeros(cells),
        "synflow": 10.0 ** (truth - 40 + 3 * rng.normal(size=cells)),
    }
    directions = dict.fromkeys(scores, "higher") | {"flops": "lower"}
    scores["flops"] = -scores["flops"]
    scores["synflow"][:3] = np.nan
    rows = correlate(truth, scores, directions, resamples=100)
    records = [
        ScoreRow("nb201", f"cell {c}{hostile}", name, 1, "gaussian", s, "embedded", 64, "none", "cpu", "fp32",
              None if np.isnan(v) else float(v), "nan" if np.isnan(v) else "ok", hostile or "empty kernel", 0.01)
        for name, values in scores.items() for s, seed in enumerate(np.atleast_2d(values)) for c, v in enumerate(seed)
    ]  # fmt: skip
    truths = tuple(TruthRow(f"cell {c}{hostile}", float(value)) for c, value in enumerate(truth))
    return Run(MANIFEST, tuple(records), truths, tuple(rows))


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


def test_a_hostile_figure_is_reduced_to_drawing(tmp_path: Path) -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" onload="alert(1)" '
        'viewBox="0 0 9 9"><script>alert(1)</script><style>*{color:red}</style><a href="javascript:alert(1)"/>'
        '<path id="unused" d="M 0.123456 1 L 2 2" style="fill: url(http://example.org/x)" onclick="alert(1)"/>'
        '<use xlink:href="http://example.org/#a"/><use xlink:href="#known"/><g id="known"/><foreignObject/></svg>'
    )
    made = Made("T", (), None, "", "", (Section("a", "A", figures=(Figure("f", svg),)),))
    out = page(made, tmp_path / "page.html")
    drawn = out.read_text().split("<figure")[1].split("</figure>")[0]
    shapes = '<path d="M 0.12 1 L 2 2" /><use /><use href="#known" /><g id="known" />'
    assert drawn.split("\n")[1] == f'<svg viewBox="0 0 9 9" role="img">{shapes}</svg>'


def estimate(value: float, margin: float) -> Estimate:
    return Estimate(value, value - margin, value + margin)


@pytest.mark.parametrize(
    ("difference", "words", "verdict"),
    [
        (estimate(0.2, 0.1), "better than params and not told apart from FLOPs", VerdictKind.BETTER),
        (estimate(0.05, 0.1), "not told apart from params and FLOPs", VerdictKind.NOT_TOLD_APART),
        (estimate(-0.2, 0.1), "not told apart from FLOPs and worse than params", VerdictKind.WORSE),
        (Estimate(0.2), "not told apart from params and FLOPs", VerdictKind.NOT_TOLD_APART),
    ],
)
def test_the_answer_follows_the_interval_of_the_paired_difference(
    difference: Estimate, words: str, verdict: VerdictKind
) -> None:
    best = Correlation("nwot", "higher", "ok", 60, 0, "", 1, 1000, spearman=estimate(0.7, 0.1))
    best = replace(best, spearman_minus_params=difference, spearman_minus_flops=estimate(0.01, 0.1))
    worse = replace(best, proxy="diswot", spearman=estimate(0.1, 0.1), spearman_minus_params=estimate(-0.6, 0.1))
    params = Correlation("params", "higher", "ok", 60, 0, "", 1, 1000, spearman=estimate(0.65, 0.1))
    rows = (worse, params, best, replace(params, proxy="flops"))
    first, subject, sure = headline(Run(MANIFEST, correlations=rows))
    assert (
        first == f"The best proxy is nwot: its Spearman correlation with the accuracy is 0.700 [0.600, 0.800], {words}."
    )
    assert subject.startswith("DisWOT is number 4 of 4 rows (FLOPs and params among them), with 0.100 [0.000, 0.200], ")
    assert f"Of 2 proxies {'1 is' if difference.separated > 0 else 'none is'} better than params" in sure
    assert f"{2 if difference.separated < 0 else 1} {'are' if difference.separated < 0 else 'is'} worse" in sure
    kinds = {row[0]: row[1].kind for row in correlation_table(rows).rows if row[1]}
    assert kinds == {"nwot": verdict, "diswot": VerdictKind.WORSE}


def test_the_answer_says_why_the_paper_s_score_has_no_rank() -> None:
    best = Correlation("nwot", "higher", "ok", 60, 0, "", 1, 1000, spearman=estimate(0.7, 0.1))
    none = Correlation("diswot", "higher", "too-few", 0, 60, "not-applicable 60", 1, 1000)
    asked = ScoreRow("s", "a", "diswot", 1, "gaussian", 0, "i", 64, "t", "cpu", "fp32", None, "not-applicable", "", 0.0)
    scores = tuple(replace(asked, arch=arch, reason=f"widths differ: {arch}") for arch in ("b", "a", "b"))
    said = headline(Run(MANIFEST, correlations=(best, none), scores=(*scores, replace(asked, proxy="x", reason="no"))))
    why = "most often because of 'widths differ: b'"
    assert f"DisWOT ranks nothing here: it has no score for 60 networks, {why}." in said
    assert not any("DisWOT" in each for each in headline(Run(MANIFEST, correlations=(best,))))


def test_the_answer_of_a_run_without_numbers_says_so() -> None:
    flat = Correlation("a", "higher", "constant", 60, 0, "", 1, 1000)
    none = "None of 1 proxy gave a ranking to compare."
    same = "a ranks nothing here: it gives all 60 networks the same score."
    assert headline(Run(MANIFEST, correlations=(flat,))) == (none, same)
    params = Correlation("params", "higher", "ok", 60, 0, "", 1, 1000, spearman=estimate(0.65, 0.1))
    sizes = "The counts of size alone: Spearman params 0.650 [0.550, 0.750]."
    assert headline(Run(MANIFEST, correlations=(params,))) == (sizes,)
    assert headline(Run(MANIFEST, correlations=(params, flat))) == (none, same, sizes)
    lonely = replace(flat, status="ok", spearman=Estimate(0.5))
    (only,) = headline(Run(MANIFEST, correlations=(lonely,)))
    assert "no params or FLOPs row" in only
    itself = headline(Run(MANIFEST, correlations=(replace(lonely, proxy="diswot"),)))
    assert (
        itself[0].startswith("The best proxy is DisWOT") and itself[1] == "That is DisWOT itself, number 1 of 1 rows."
    )


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


def test_importing_reports_is_light() -> None:
    code = (
        "import sys, reports, reports.html, reports.__main__; "
        "print([m for m in ('torch', 'numpy', 'pandas', 'scipy', 'matplotlib', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_large_run_stays_small_enough_to_mail() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=5000), rng.normal(size=5000)
    drawing = figures.scatter(x.tolist(), y.tolist(), title="nwot")
    assert drawing.count("h0") == figures.MOST_DOTS
    assert 25 * len(drawing) < 1_000_000


def test_steps_hold_a_value_until_the_next_and_dots_have_no_line() -> None:
    points = {"a": [(0.0, Estimate(1.0)), (10.0, Estimate(3.0))]}
    line, steps, dots = (figures.lines(points, styles={"a": style}) for style in ("line", "steps", "dots"))
    assert len({line, steps, dots}) == 3
    path = next(each for each in re.findall(r'<path d="([^"]*)"', steps) if each.count("L") == 2)
    (_, y0), (x1, y1), (x2, _) = (tuple(map(float, each.split())) for each in re.findall(r"[ML] (\S+ \S+)", path))
    assert y0 == y1 and x1 == x2  # right, then up
    assert not any(each.count("L") in (1, 2) and "stroke-width: 1.3" in each for each in dots.split("<path"))


def test_scatter_axes_show_what_a_linear_one_would_hide() -> None:
    assert "x: log" in figures.scatter([1.0, 10.0, 1e9], [1.0, 2.0, 3.0])
    assert "x: rank" in figures.scatter([-1.0, 10.0, 1e9], [1.0, 2.0, 3.0], note="n")
    assert "x:" not in figures.scatter([1.0, 10.0, 100.0], [1.0, 2.0, 3.0])
    assert "<svg" in figures.scatter([], [], title="none")


def test_figures_leave_matplotlib_as_they_found_it() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    figures.heat_map(["a", "b"], [[1.0, None], [-0.5, 1.0]])
    assert ">450</text>" in figures.dots(["a", "b"], [0.0, 450.0], x_label="ms")
    figures.intervals([], [])
    assert dict(matplotlib.rcParams) == before


def test_terminal_table_is_aligned_and_keeps_control_characters_out() -> None:
    table = Table(
        (Column("proxy"), Column("n", "integer"), Column("rho", "estimate", 2), Column("p", "number", 1)),
        (("a\x1b[31m", 1234, Estimate(-0.5, -0.61, -0.4), 2.0), ("long name", None, Estimate(), None)),
    )
    assert as_text(table).splitlines() == [
        "proxy          n                   rho    p",
        "---------  -----  --------------------  ---",
        "a [31m     1,234  −0.50 [−0.61, −0.40]  2.0",
        "long name      –                     –    –",
    ]
    assert as_text(table, interval=False).splitlines()[2] == "a [31m     1,234  −0.50  2.0"


def test_rows_are_sorted_best_first_with_statuses_last() -> None:
    row = Correlation("b", "higher", "ok", 60, 0, "", 1, 1000, spearman=Estimate(0.2))
    rows = [replace(row, proxy="x", status="constant", spearman=Estimate()), row, replace(row, proxy="a"),
            replace(row, proxy="c", spearman=Estimate(0.9))]  # fmt: skip
    assert [each.proxy for each in by_rank(rows)] == ["c", "a", "b", "x"]
    assert [cells[0] for cells in correlation_table(rows).rows] == ["c", "a", "b", "x (constant)"]


def test_left_out_counts_by_reason() -> None:
    rows = left_out_table(measured_run().scores).rows
    assert rows == (("synflow", "nan", "empty kernel", 3, "cell 0"),)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.123"), (-0.5, "−0.500"), (-0.0001, "0.000"), (1.5e61, "1.50e+61"), (-3e9, "−3.00e+09")],
)
def test_numbers_for_the_eye(value: float, text: str) -> None:
    assert format_number(value) == text


def test_an_estimate_shows_what_is_known() -> None:
    assert format_estimate(Estimate(0.5, 0.4, 0.6, 0.01), 2) == "0.50 ±0.01 [0.40, 0.60]"
    assert format_estimate(Estimate(0.5), 2) == "0.50"
    assert format_estimate(Estimate(), 2) == "–"
