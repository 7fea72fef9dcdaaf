"""Pages in a real browser: nothing is fetched, nothing fails, what can be asked is answered. Skipped without one."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reports_support import HOSTILE, measured_run

from nb201_data.space import sample_cells
from reports.html import render
from reports.records import write_run
from reports.site import build

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install .[browser]")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH: apt-get install chromium")
SIZES = {"desk": (1280, 900), "phone": (390, 800)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = measured_run()
    cells = dict(zip((row.arch for row in run.truth), map(str, sample_cells(len(run.truth), 0)), strict=True))
    scores = tuple(replace(row, arch=cells[row.arch]) for row in run.scores)
    truth = tuple(replace(row, arch=cells[row.arch]) for row in run.truth)
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, replace(run, scores=scores, truth=truth))
    return render(folder)


class Visit:
    """A page opened in the browser, and all that it complained about or asked for."""

    def __init__(self, browser: Any, address: str, size: tuple[int, int] = SIZES["desk"], **options: Any) -> None:
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]}, **options)
        self.page.set_default_timeout(10_000)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)

    def column(self, name: str) -> list[str]:
        """What stands in a column of the ranked table, rows that are filtered away left out."""
        found: list[str] = self.page.evaluate(
            """name => { const table = document.querySelector("table[data-name=proxies]");
            const place = [...table.tHead.rows[0].cells].findIndex(head => head.dataset.column === name);
            return [...table.tBodies[0].rows].filter(row => !row.hidden).map(row => row.cells[place].innerText); }""",
            name,
        )
        return found


@pytest.fixture
def visit(browser: Any) -> Iterator[Any]:
    opened: list[Visit] = []

    def open_page(path: Path, fragment: str = "", **options: Any) -> Visit:
        opened.append(Visit(browser, f"{path.as_uri()}{fragment}", **options))
        return opened[-1]

    yield open_page
    for each in opened:
        assert each.complaints == [] and len(each.requests) == 1  # the page itself
        each.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_page_fits_and_is_accessible(visit: Any, page_file: Path, size: tuple[int, int], scheme: str) -> None:
    seen = visit(page_file, size=size, color_scheme=scheme, bypass_csp=True)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    box = seen.page.locator("table[data-name=proxies]").bounding_box()
    assert seen.page.locator("#proxies summary").inner_text() == "Columns (11 of 13)"
    assert box["width"] <= size[0] or size == SIZES["phone"]  # no column lost at 1280
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(seen.page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def test_no_two_texts_of_a_figure_lie_on_each_other(visit: Any, page_file: Path) -> None:
    clashes = visit(page_file).page.evaluate(
        """() => [...document.querySelectorAll("figure svg")].flatMap(svg => {
        const boxes = [...svg.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()]);
        return boxes.flatMap(([a, one], place) => boxes.slice(place + 1).filter(([, other]) =>
            one.left < other.right - 1 && other.left < one.right - 1 &&
            one.top < other.bottom - 3 && other.top < one.bottom - 3
        ).map(([b]) => `${a} | ${b}`)); })"""
    )
    assert clashes == []


def test_heads_sort_and_say_so(visit: Any, page_file: Path) -> None:
    seen = visit(page_file)
    start = seen.column("proxy")
    head = seen.page.locator("th[data-column=kendall]")
    seen.page.get_by_role("button", name="Kendall").focus()
    seen.page.keyboard.press("Enter")
    values = [float(text.split()[0].replace("−", "-")) for text in seen.column("kendall") if text[0] != "–"]
    assert values == sorted(values, reverse=True) and head.get_attribute("aria-sort") == "descending"
    assert "descending" in seen.page.locator("[aria-live]").inner_text()
    assert seen.column("kendall")[-1].startswith("–")  # rows without a number are last
    seen.page.keyboard.press("Enter")
    assert seen.column("kendall")[: len(values)][0].startswith(seen.column("kendall")[0])
    assert head.get_attribute("aria-sort") == "ascending" and seen.column("kendall")[-1].startswith("–")
    seen.page.keyboard.press("Enter")
    assert seen.column("proxy") == start and head.get_attribute("aria-sort") is None


def test_columns_and_coefficient_are_chosen_and_the_address_repeats_it(visit: Any, page_file: Path) -> None:
    seen = visit(page_file)
    seen.page.get_by_label("Rank by").select_option("pearson")
    seen.page.locator("section#proxies summary").click()
    seen.page.get_by_label("regret").uncheck()
    shown = seen.column("proxy"), seen.column("verdict"), seen.column("spearman_minus_params")
    assert seen.page.locator("th[data-column=regret_top1]").is_hidden()
    seen.page.get_by_role("checkbox", name="left out").check()
    assert seen.page.locator("th[data-column=left_out]").is_visible()
    assert seen.page.locator("th[data-column=spearman_minus_params]").inner_text() == "r − params"
    fragment = seen.page.evaluate("location.hash")
    again = visit(page_file, fragment)
    assert (again.column("proxy"), again.column("verdict"), again.column("spearman_minus_params")) == shown
    assert again.page.locator("th[data-column=regret_top1]").is_hidden()
    assert again.page.locator("th[data-column=left_out]").is_visible()


def test_columns_that_are_aside_come_when_asked_and_the_address_says_so(visit: Any, page_file: Path) -> None:
    seen = visit(page_file)
    aside = seen.page.locator("th[data-column=left_out], th[data-column=spearman_minus_flops]")
    assert [aside.nth(place).is_hidden() for place in range(2)] == [True, True]
    seen.page.locator("section#proxies summary").click()
    for name in ("ρ − FLOPs", "left out"):
        seen.page.get_by_role("checkbox", name=name).check()
    assert seen.page.locator("#proxies summary").inner_text() == "Columns"
    again = visit(page_file, seen.page.evaluate("location.hash"))
    assert again.page.locator("#proxies th:visible").count() == seen.page.locator("#proxies th:visible").count()
    for name in ("ρ − FLOPs", "left out"):
        seen.page.get_by_role("checkbox", name=name).uncheck()
    assert "hide" not in seen.page.evaluate("location.hash")  # as at first


def test_the_filter_keeps_matching_rows(visit: Any, page_file: Path) -> None:
    seen = visit(page_file)
    seen.page.get_by_label("Filter").first.fill("PARAM")
    assert seen.column("proxy") == ["params"] and "1 of 5 rows" in seen.page.locator("#proxies .count").inner_text()
    assert visit(page_file, seen.page.evaluate("location.hash")).column("proxy") == ["params"]
    seen.page.get_by_label("Filter").first.fill("")
    assert len(seen.column("proxy")) == 5


def test_a_network_is_described_under_the_pointer_and_marked_in_every_panel(visit: Any, page_file: Path) -> None:
    seen = visit(page_file)
    panel = seen.page.locator("#scatter figure svg").first
    panel.scroll_into_view_if_needed()
    box, tip = panel.bounding_box(), seen.page.locator(".tip")
    for step in range(200):
        seen.page.mouse.move(
            box["x"] + box["width"] * (0.2 + 0.75 * (step % 20) / 20), box["y"] + box["height"] * (0.3 + step / 400)
        )
        if tip.is_visible():
            break
    assert (
        re.search(r"\|\w+~0\|", tip.inner_text()) and "accuracy" in tip.inner_text() and tip.locator("svg").count() == 1
    )
    seen.page.mouse.down()
    seen.page.mouse.up()
    marked = seen.page.locator("circle.marked").count()
    panels = seen.page.locator("#scatter figure svg").count()
    assert panels - 1 <= marked <= panels + 1  # synflow may lack a score of it; the pair of proxies is one more
    again = visit(page_file, seen.page.evaluate("location.hash"))
    assert again.page.locator("circle.marked").count() == marked
    again.page.get_by_label("Mark a network").select_option(index=0)
    assert again.page.locator("circle.marked").count() == 0


def test_two_proxies_on_the_same_networks(visit: Any, page_file: Path) -> None:
    seen = visit(page_file, "#x=params&y=synflow")
    reading = seen.page.locator("#two p.note").inner_text()
    assert reading.startswith("params and synflow on 37 networks: Spearman ρ ")  # three have no synflow
    run = measured_run()
    from scipy.stats import spearmanr

    scores = {name: {row.arch: row.value for row in run.scores if row.proxy == name} for name in ("params", "synflow")}
    both = [arch for arch, value in scores["synflow"].items() if value is not None]
    expected = spearmanr(*([scores[name][arch] for arch in both] for name in scores)).statistic
    assert f"ρ {expected:.3f} with" in reading


def test_the_leaderboard_of_a_site_is_switched_and_leads_on(visit: Any, page_file: Path, tmp_path: Path) -> None:
    build(tmp_path / "site", [page_file.parent, page_file.parent])
    seen = visit(tmp_path / "site" / "index.html")
    before = seen.column("t1")
    seen.page.get_by_label("Rank by").select_option("kendall")
    row = next(row for row in measured_run().correlations if row.proxy == "good")
    shown = dict(zip(seen.column("proxy"), seen.column("t1"), strict=True))
    assert shown["good"].startswith(f"{row.kendall.value:.3f}") and seen.column("t1") != before
    address = seen.page.locator("td a.source").first.get_attribute("href")
    assert re.fullmatch(r"truth/1-[\w-]+\.html#proxies", address)
    again = visit(tmp_path / "site" / "index.html", seen.page.evaluate("location.hash"))
    assert again.column("t1") == seen.column("t1")


def test_hostile_names_stay_text_in_the_script_too(visit: Any, tmp_path: Path) -> None:
    write_run(tmp_path, measured_run(hostile=HOSTILE))
    seen = visit(render(tmp_path), f"#x=good{HOSTILE}&network=<img src=x>&proxies.sort=<b>.ascending&proxies.q=%")
    assert "alert" in seen.page.locator("#two p.note").inner_text()
    assert seen.page.locator("script").count() == 2 and seen.page.locator("img, b:has-text('alert') > *").count() == 0


def test_all_is_readable_without_scripts_and_prints(visit: Any, browser: Any, page_file: Path, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.locator("table[data-name=proxies] tbody tr").count() == 5 and page.locator(".tools").count() == 0
    assert page.locator("th[data-column=left_out]").is_visible()  # nothing is aside without the script
    context.close()
    printed = visit(page_file).page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", printed)) < 12
