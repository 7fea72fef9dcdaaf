"""The page of findings: what it says is what the released tables give, and what was kept stays."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from test_site_released import Book, asked, book, truth  # noqa: F401 - fixtures

from benchmarks import findings as command
from benchmarks.scoring.recorded import recorded
from benchmarks.scoring.release import release
from benchmarks.scoring.released import Released
from benchmarks.tables import best_student
from benchmarks.tables.findings import EACH, at_a_glance, beyond_params, counted, further, on, pictures
from nb201_data.ground_truth import load_ground_truth
from reports.schema import Correlation, Estimate

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "findings.md"


def test_the_page_in_the_repository_is_that_of_the_released_scores() -> None:
    ours, released = load_ground_truth("kd-nb201:lite:distilled"), Released()
    measured = recorded(released, ours)
    changed = "released scores have changed: see CONTRIBUTING.md on findings.md"
    assert on(ours, measured, released).text() in PAGE.read_text(encoding="utf-8"), changed
    for end, drawing in pictures(measured[0]).items():
        assert drawing == (ROOT / "docs" / f"findings{end}.svg").read_text(encoding="utf-8"), changed


def test_the_pictures_follow_light_and_dark_and_are_small() -> None:
    for path in (ROOT / "docs").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        names = set(re.findall(r"var\(--(\w+), #", text))
        light, dark = text.split("@media (prefers-color-scheme: dark)")
        assert names and len(text) < 20_000 and ElementTree.fromstring(text).tag.endswith("svg")
        assert all(f"--{name}: #" in light and f"--{name}: #" in dark for name in names)
        pages = (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        assert any(re.search(rf'src="(docs/)?{path.name}"', page.read_text(encoding="utf-8")) for page in pages)


def test_the_page_is_short_names_its_commit_and_leads_to_files() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(text) < 20_000 and re.search(r"Measured at commit [0-9a-f]{40} on \d{4}-\d\d-\d\d", text)
    addresses = re.findall(r"\]\(([^)#:]+)\)", text)
    assert len(addresses) > 3 and all((PAGE.parent / address).is_file() for address in addresses)
    assert text.count("All numbers: ") == text.partition(command.KEPT)[0].count("\n## ")
    scored = re.findall(
        rf"^(\S+), (?:(\w+)|{EACH}), [\d,]+ networks(?:\. The best|, \d+ scores? more:)", text, re.MULTILINE
    )
    asked = r" with `--sample \d+ --images (\S+) (?:--init (\w+)|--setting authors)"
    assert re.findall(asked, text) == scored
    of_truths = r"All numbers: `python -m benchmarks\.correlation --ground-truth (\S+) --stored` with `--sample"
    assert re.findall(of_truths, text) == re.findall(r"^## On (\S+)$", text, re.MULTILINE)
    assert len(scored) > 3


def test_what_is_below_the_line_is_kept(
    book: Book,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(best_student, "known_pairs", lambda: [])
    release(book, tmp_path / "tables")
    given = [str(tmp_path / "page.md"), *asked(tmp_path)[1:]]
    assert command.main([*given, "--dry-run"]) == 0 and not (tmp_path / "page.md").exists()
    assert command.main(given) == 0
    first = (tmp_path / "page.md").read_text()
    assert "te_nas" in first.replace("\\", "") and first.endswith(f"{command.KEPT}\n")
    (tmp_path / "page.md").write_text(first.replace("What was found", "Old") + "Kept *words*.\n")
    assert command.main(given) == 0 and (tmp_path / "page.md").read_text() == first + "Kept *words*.\n"
    (tmp_path / "page.md").write_text("mine")
    capsys.readouterr()
    with pytest.raises(Exception, match="has no line"):
        command.main(given)
    assert (tmp_path / "page.md").read_text() == "mine"


def test_partial_ranks_are_counted_and_the_largest_named() -> None:
    def row(name: str, value: float, low: float) -> Correlation:
        return Correlation(name, "higher", "ok", 9, 0, "", 1, 9, partial_spearman=Estimate(value, low, value + 0.1))

    rows = [
        row("a", 0.2, 0.1),
        row("b", 0.5, 0.4),
        row("c", 0.3, -0.1),
        Correlation("d", "higher", "ok", 9, 0, "", 1, 9),
    ]
    assert beyond_params(rows).startswith("2 of 3 know something") and "b 0.50 [0.40, 0.60]; a 0.20" in beyond_params(
        rows
    )
    assert beyond_params(rows[3:]) == "" and beyond_params(rows[2:3]).startswith("0 of 1")


def test_what_further_scores_are_worth_is_one_line() -> None:
    def row(name: str, rho: float, low: float, high: float) -> Correlation:
        beside = Estimate((low + high) / 2, low, high)
        return Correlation(name, "higher", "ok", 9, 0, "", 1, 9, spearman=Estimate(rho), spearman_minus_params=beside)

    rows = [row("a", 0.2, -0.6, -0.4), row("b", 0.7, 0.1, 0.3), row("c", 0.5, -0.1, 0.1), row("d", 0.6, 0.1, 0.2)]
    counted = "4 scores more: 2 better than params, 1 worse, 1 not told apart."
    assert further(rows) == f"{counted} The best of them is b, 0.700."
    silent = Correlation("e", "higher", "too-few", 0, 9, "", 1, 9)
    assert further([silent]) == "1 score more: 0 better than params, 0 worse, 0 not told apart, 1 without a ranking."


def test_every_truth_in_a_line_counts_who_is_told_from_params() -> None:
    def row(name: str, rho: float, low: float, high: float) -> Correlation:
        beside = Estimate((low + high) / 2, low, high)
        return Correlation(name, "higher", "ok", 9, 0, "", 1, 9, spearman=Estimate(rho), spearman_minus_params=beside)

    def measured(name: str, *rows: Correlation) -> Any:
        setting = SimpleNamespace(images="noise", init="kaiming")
        study = SimpleNamespace(truth=SimpleNamespace(name=name), setting=setting, archs=range(9), kind="common")
        return SimpleNamespace(study=study, rows=rows, by_proxy={each.proxy: each for each in rows})

    params = row("params", 0.5, 0, 0)
    first = measured("one", row("diswot", 0.1, -0.5, -0.3), params, row("spread_size", 0.9, 0.3, 0.5))
    second = measured(
        "two", row("zen", 0.6, 0.05, 0.15), row("snip", 0.2, -0.6, 0.1), row("spread_size", 0.4, -0.3, 0.1)
    )
    found = at_a_glance([first, second])
    assert found.table is not None
    (name, scored, n, *numbers), other = found.table.rows
    assert (name, scored, n, numbers[0], numbers[1]) == ("one", "noise, kaiming", 9, 0.5, "spread_size")
    assert [each.value for each in numbers[2:5]] == pytest.approx([0.4, 0.4, -0.4]) and numbers[5] == "1 / 0 / 1"
    assert other[3:5] == (None, "zen") and other[7] is None and other[8] == "1 / 2 / 0"
    assert found.sentences == [
        "spread_size is better than params on 1 of 2, not told apart from it on 1 and worse on 0.",
        "diswot is better than params on 0 of 1, not told apart from it on 0 and worse on 1.",
    ]
    assert at_a_glance([measured("counts alone", params)]).sentences == []
    part = measured("one-part", row("spread_size", 0.9, 0.3, 0.4))
    again = at_a_glance([first, first, part, second])  # the same answer twice, a truth that is a part of another
    assert again.sentences == found.sentences and again.table is not None and len(again.table.rows) == 4


def test_the_closed_forms_of_a_whole_space(reference_data: Path) -> None:
    found = counted([load_ground_truth("nb201:cifar100:test:200")])
    assert found.table is not None
    rows = {row[0]: row[1] for row in found.table.rows}
    assert rows["flops"] == pytest.approx(0.728, abs=5e-4)  # as in test_leaderboard
    assert max(rows, key=lambda name: rows[name]) in found.sentences[0]
