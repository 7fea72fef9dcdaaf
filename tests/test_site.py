"""The site: every address in it is relative and leads somewhere, and its numbers are those of the runs."""

import gzip
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from reports_support import HOSTILE, MANIFEST, measured_run

from benchmarks import site as command
from diswot_errors import UsageError
from nb201_data.truth.measured import TABLES, card_of
from reports.card import sections_of
from reports.entry import Entry
from reports.front import answer
from reports.records import Page, Run, read_run, write_run
from reports.schema import COUNTS, Correlation, Formula, Section
from reports.site import _mean_place, build
from reports.tables import by_rank, format_number

CARD = (
    "# Card\n\nFirst *words*, `code`.\n\n## Recipe\n\n"
    "| setting | value |\n|---|---|\n| a | 1 |\n| b\\|c | 2 |\n\nAfter.\n"
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    run = measured_run()
    formula = Formula("good", 3, "here", "the truth and noise", "the truth and noise, added", "Somebody 2024", "no")
    one = replace(run, formulas=(formula,), card=CARD)
    two = replace(run, manifest=replace(MANIFEST, ground_truth="other"), correlations=run.correlations[:3])
    write_run(tmp_path / "one", one)
    write_run(tmp_path / "two", two)
    write_run(tmp_path / "table", Run(MANIFEST, page=Page("Table 8", ("It holds.",), (Section("a", "A"),))))
    build(tmp_path / "site", [tmp_path / name for name in ("one", "two", "table")])
    return tmp_path / "site"


def pages_of(site: Path) -> list[Path]:
    """Every page, once all its addresses are followed: relative, inside the site, and there."""
    pages = list(site.rglob("*.html"))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for address in map(unescape, re.findall(r'href="([^"]*)"', text)):
            path, _, part = unquote(address).partition("#")
            target = (page.parent / path) if path else page
            assert not re.match(r"[a-z]+:|/", address) and target.is_file() and target.resolve().is_relative_to(site)
            if part:
                assert f'id="{part}"' in target.read_text(encoding="utf-8")
    return pages


def test_every_address_is_relative_and_leads_somewhere(site: Path) -> None:
    assert len(pages_of(site)) == 1 + 5 + 2 + 3  # leaderboard, proxies, truths, runs


def test_the_leaderboard_has_the_numbers_of_the_runs_and_links_each_to_its_table(site: Path) -> None:
    text = (site / "index.html").read_text(encoding="utf-8")
    value = next(row for row in measured_run().correlations if row.proxy == "good").spearman.value
    assert text.count(f">{format_number(value or 0)}</a>") == 2 and 'href="truth/1-one.html#proxies"' in text
    assert 'href="proxy/good.html"' in text and 'href="run/3-table/report.html">Table 8</a>' in text


def test_a_proxy_and_a_truth_have_pages_of_their_own(site: Path) -> None:
    proxy = (site / "proxy" / "good.html").read_text(encoding="utf-8")
    for words in ("the truth and noise, added", "Somebody 2024", "Where it stands", "What it is close to"):
        assert words in proxy
    truth = (site / "truth" / "1-one.html").read_text(encoding="utf-8")
    assert "First *words*, code." in truth and "<h2>Recipe</h2>" in truth and "b|c" in truth
    scores = gzip.decompress((site / "run" / "1-one" / "scores.csv.gz").read_bytes())
    assert scores == (site.parent / "one" / "scores.csv").read_bytes()
    assert (site / "run" / "1-one" / "card.md").is_file() and not (site / "run" / "1-one" / "scores.csv").exists()


def test_a_second_site_replaces_the_first_and_no_other_folder_is_touched(site: Path, tmp_path: Path) -> None:
    build(site, [tmp_path / "two"])
    assert [path.name for path in (site / "run").iterdir()] == ["1-two"]
    with pytest.raises(UsageError, match="holds other files than a site"):
        build(tmp_path / "one", [tmp_path / "two"])
    assert (tmp_path / "one" / "scores.csv").is_file()


@pytest.mark.parametrize("given", [["PLACE/one"], ["PLACE/file"], ["PLACE/new", "--runs", "PLACE/none"]])
def test_a_bad_place_or_run_is_known_before_the_work(site: Path, tmp_path: Path, given: list[str]) -> None:
    (tmp_path / "file").write_text("dear")
    with pytest.raises(UsageError, match=r"one holds other files|file is a file|none is not a folder"):
        command.main([*(word.replace("PLACE", str(tmp_path)) for word in given), "--dry-run"])
    assert (tmp_path / "file").read_text() == "dear" and not (tmp_path / "new").exists()


def test_two_runs_on_one_truth_have_titles_and_links_of_their_own(site: Path, tmp_path: Path) -> None:
    index = build(site, [tmp_path / "one", tmp_path / "one"]).read_text(encoding="utf-8")
    for name in ("1-one", "2-one"):
        assert f'href="truth/{name}.html">kd-nb201 ({name})</a>' in index
    pages_of(site)


def test_settings_tell_the_runs_on_one_truth_apart(site: Path, tmp_path: Path) -> None:
    run = measured_run()
    photographs = replace(run, manifest=replace(MANIFEST, images="cifar100"))
    write_run(tmp_path / "photographs", photographs)
    theirs = replace(run, manifest=replace(MANIFEST, config={"studies": [{"setting": "authors"}]}))
    write_run(tmp_path / "theirs", theirs)
    runs = [tmp_path / name for name in ("one", "photographs", "theirs")]
    index = build(site, runs).read_text(encoding="utf-8")
    assert f">kd-nb201 ({run.manifest.images} images, " in index and ">kd-nb201 (cifar100 images, " in index
    assert ">kd-nb201 (each proxy under the setting of its authors)</a>" in index
    pages_of(site)


def test_the_first_page_says_who_is_best_and_has_a_line_for_each_truth(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    ranked = by_rank(row for row in measured_run().correlations if row.proxy not in COUNTS)
    assert f"ranked best by {ranked[0].proxy} on 2 of 2 ground truths" in index
    table = index.partition('id="best"')[2].partition("</section>")[0]
    assert table.count("<tr>") == 1 + 2 and "kd-nb201" in table and "other" in table and "Table 8" not in table


def test_a_proxy_without_a_rank_is_not_number_none(tmp_path: Path) -> None:
    rows = (*measured_run().correlations, Correlation("silent", "higher", "too-few", 0, 60, "error 60", 1, 1000))
    write_run(tmp_path / "run", replace(measured_run(), correlations=rows))
    build(tmp_path / "site", [tmp_path / "run"])
    page = (tmp_path / "site" / "proxy" / "silent.html").read_text(encoding="utf-8")
    assert "It ranks nothing on 1 of 1" in page and "None" not in page.partition("</header>")[0].partition("<h1>")[2]


def test_a_smaller_sample_of_one_truth_under_one_setting_is_no_further_case() -> None:
    whole = measured_run()
    part = replace(whole, correlations=tuple(replace(row, scored=row.scored - 9) for row in whole.correlations))
    other = replace(part, manifest=replace(part.manifest, ground_truth="another"))
    best = by_rank([row for row in whole.correlations if row.proxy not in COUNTS])[0].proxy

    def said(*runs: Run) -> str:
        return answer([Entry(str(number), str(number), run) for number, run in enumerate(runs)])[0]

    assert said(whole) == said(whole, part) == said(part, whole, part)
    assert f"by {best} on 2 of 2 ground truths" in said(part, whole, other)


def test_hostile_names_are_files_and_text(tmp_path: Path) -> None:
    run = measured_run(hostile=HOSTILE)
    manifest = replace(MANIFEST, ground_truth=f"../{HOSTILE}")
    rows = (*run.correlations, Correlation("../../evil", "higher", "constant", 3, 0, "", 1, 10))
    write_run(
        tmp_path / "run",
        replace(run, manifest=manifest, correlations=rows, card=f"# {HOSTILE}\n\n## {HOSTILE}\n{HOSTILE}"),
    )
    build(tmp_path / "site", [tmp_path / "run"])
    assert not (tmp_path / "evil.html").exists() and not (tmp_path.parent / "evil.html").exists()
    for page in (tmp_path / "site").rglob("*.html"):
        assert page.read_text(encoding="utf-8").count("<script") == 2


def test_our_own_cards_are_read_whole() -> None:
    for path in TABLES.glob("kd-nb201-*.md"):
        card = card_of(f"kd-nb201:{path.stem.removeprefix('kd-nb201-')}:distilled")
        sections = sections_of(card)
        assert card and len(sections) >= card.count("\n## ") and any(section.table for section in sections)
        words = set(re.findall(r"\w{4,}", card))
        kept = {word for section in sections for word in re.findall(r"\w{4,}", repr(section))}
        assert words - kept <= set(re.findall(r"\w{4,}", card.partition("\n")[0]))


def test_names_that_no_file_can_have_have_pages_of_their_own(tmp_path: Path) -> None:
    run = measured_run()
    names = iter(("a*b", "a/b", "a + b", "A*b", "a-b"))
    rows = tuple(replace(row, proxy=next(names)) for row in run.correlations)
    write_run(tmp_path / "run", replace(run, correlations=rows, scores=()))
    build(tmp_path / "site", [tmp_path / "run"])
    titles = {page.read_text().partition("<h1>")[2].partition("</h1>")[0]: page.name
              for page in (tmp_path / "site" / "proxy").iterdir()}  # fmt: skip
    assert set(titles) == {"a*b", "a/b", "a + b", "A*b", "a-b"} and titles["a-b"] == "a-b.html"
    assert len({name.lower() for name in titles.values()}) == 5
    pages_of(tmp_path / "site")


def test_a_site_of_a_run_of_its_own_keeps_the_run(site: Path, tmp_path: Path) -> None:
    before = read_run(site / "run" / "1-one")
    assert before == read_run(tmp_path / "one") and before.scores
    build(site, [site / "run" / "1-one"])
    assert [path.name for path in (site / "run").iterdir()] == ["1-1-one"]
    assert read_run(site / "run" / "1-1-one") == before
    build(tmp_path / "one" / "site", [tmp_path / "one"])  # below a run that it is made of
    assert read_run(tmp_path / "one" / "site" / "run" / "1-one") == before


def test_only_what_the_records_say_is_published(site: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("dear")
    (tmp_path / "two" / "extra.txt").symlink_to(tmp_path / "secret")
    (tmp_path / "two" / "index.html").write_text(HOSTILE)
    build(site, [tmp_path / "two"])
    there = {path.name for path in (site / "run" / "1-two").iterdir()}
    assert there == {"manifest.json", "report.html", "scores.csv.gz", "truth.csv", "correlations.csv"}


def test_a_site_that_cannot_be_written_leaves_the_one_before(site: Path, tmp_path: Path, monkeypatch) -> None:
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    monkeypatch.setattr("reports.site._leaderboard", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        build(site, [tmp_path / "two"])
    kept = {path: path.read_bytes() for path in site.rglob("*") if path.is_file() and ".fresh" not in path.parts}
    assert kept == before
    monkeypatch.undo()
    build(site, [tmp_path / "two"])
    assert not (site / ".fresh").exists() and [path.name for path in (site / "run").iterdir()] == ["1-two"]


def test_a_run_of_fewer_rows_changes_neither_the_first_sentence_nor_what_a_place_is_worth() -> None:
    whole = measured_run()
    few = replace(whole, correlations=tuple(row for row in whole.correlations if row.proxy in ("params", "synflow")))
    entries = [Entry(str(place), str(place), run) for place, run in enumerate((few, whole, few))]
    assert answer(entries) == answer([entries[1]])
    place, of = _mean_place("synflow", entries, "spearman")
    own = [entry.place("synflow") for entry in entries]
    assert of == 3 and place == pytest.approx((100 * own[0] / 2 + 100 * own[1] / 4 + 100 * own[2] / 2) / 3)
