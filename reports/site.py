"""A site of static files from runs, ready for any host: every address in it is relative.

index.html            the leaderboard: every proxy on every ground truth
proxy/NAME.html       a proxy: formula, paper, where it stands, what it is close to, how stable, what it costs
truth/RUN.html        a ground truth: its ranking, what its run says beside that, and its data card
run/RUN/              each run: its page and its tables; the scores of all networks packed, as scores.csv.gz
"""

import gzip
import hashlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from diswot_errors import UsageError
from reports import front, glossary, html
from reports.card import sections_of
from reports.correlation_page import NAMES
from reports.entry import Entry, entries
from reports.headline import conditions, headline, picture
from reports.interactive import SIGNS
from reports.pages import Made
from reports.records import read_run, write_run
from reports.schema import COEFFICIENTS, COUNTS, Cell, Column, Estimate, Formula, Section, Table
from reports.tables import HEADLINE, against_params, correlation_table, format_interval, format_number


def check(folder: Path) -> None:
    """Refuse a place that is no folder, or holds other files than a site."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: choose an empty or new folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise UsageError(f"{folder} holds other files than a site: choose an empty or new folder")


def build(folder: Path, runs: Sequence[Path]) -> Path:
    """Write the whole site and return its first page. What it wrote before into the folder is replaced."""
    named = {_file(path, place): path for place, path in enumerate(runs, 1)}
    found = entries({name: read_run(path) for name, path in named.items()})
    check(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("This folder is written by `python -m benchmarks.site`.\n", encoding="utf-8")
    fresh = folder / ".fresh"  # what is there stays until all of the new is
    shutil.rmtree(fresh, ignore_errors=True)
    _write(fresh, found)
    for part in PARTS:
        shutil.rmtree(folder / part, ignore_errors=True)
        if (fresh / part).is_dir():
            (fresh / part).rename(folder / part)
    first = (fresh / FIRST_PAGE).replace(folder / FIRST_PAGE)
    fresh.rmdir()
    return first


def _write(folder: Path, found: Sequence[Entry]) -> None:
    """All pages. Of a run what its records say is written, and nothing else that lies in its folder."""
    for entry in found:
        copy = folder / "run" / entry.name
        write_run(copy, entry.run)
        html.render(copy)
        if (copy / SCORES).is_file():
            (copy / f"{SCORES}.gz").write_bytes(gzip.compress((copy / SCORES).read_bytes(), mtime=0))
            (copy / SCORES).unlink()
    truths = [entry for entry in found if entry.is_truth]
    for entry in truths:
        html.page(_truth(entry), folder / "truth" / f"{entry.name}.html", links=_back(entry))
    proxies = sorted({row.proxy for entry in truths for row in entry.run.correlations})
    for proxy in proxies:
        links = {entry.title: f"../truth/{entry.name}.html" for entry in truths}
        links |= {other: _page_of(other) for other in proxies if other != proxy}
        html.page(_proxy(proxy, truths), folder / "proxy" / _page_of(proxy), links=links | HOME)
    _leaderboard(folder, found, truths, proxies)


PARTS, FIRST_PAGE = ("run", "proxy", "truth"), "index.html"
MARK, SCORES = "SITE.txt", "scores.csv"
CLOSE = 10  # proxies that are named as close to one
FIRST = 8  # truths that the leaderboard shows at first
HOME = {"All proxies on all truths": "../index.html"}


def _safe(name: str) -> str:
    """A name as that of a file."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:80] or "-"


def _page_of(proxy: str) -> str:
    """The file of a proxy's page: its name where that can be one, on every system, and else told apart by digits."""
    safe = _safe(proxy).lower()
    digits = "" if safe == proxy else f"-{hashlib.sha256(proxy.encode()).hexdigest()[:8]}"
    return f"{safe}{digits}.html"


def _file(path: Path, place: int) -> str:
    return f"{place}-{_safe(path.resolve().name)}"


def _leaderboard(folder: Path, found: Sequence[Entry], truths: Sequence[Entry], proxies: Sequence[str]) -> None:
    order = sorted(proxies, key=lambda proxy: _mean_place(proxy, truths, HEADLINE)[0] or 1e9)
    columns = (
        Column("proxy"),
        Column("rank", "number", 0, "mean place, %", "its place in percent of the rows, over the truths that rank it"),
        Column("truths", "integer", note="that rank it"),
        *(Column(f"t{place}", "estimate", label=entry.title) for place, entry in enumerate(truths, 1)),
    )
    rows = tuple(
        (proxy, *_mean_place(proxy, truths, HEADLINE), *(_estimate(entry, proxy, HEADLINE) for entry in truths))
        for proxy in order
    )
    board = Section(
        "proxies",
        "Every proxy on every truth",
        table=Table(columns, rows),
        note="Correlation with the accuracies, Spearman's unless another is chosen; below it the 95 % bootstrap "
        "interval over networks. Each number leads to its table, each name to the page of the proxy.",
    )
    listed = tuple(
        (entry.title, _about(entry), max((row.scored for row in entry.run.correlations), default=None))
        for entry in found
    )
    about = (Column("run", label="truth or table"), Column("conditions"), Column("networks", "integer"))
    ranked = [front.section(truths), board] if rows else []
    sections = [*ranked, Section("runs", "Truths and tables", table=Table(about, listed))]
    sections.append(_words(sections))
    links = {entry.title: entry.address for entry in found}
    links |= {proxy: f"proxy/{_page_of(proxy)}" for proxy in proxies}
    sources = {f"t{place}": f"truth/{entry.name}.html#proxies" for place, entry in enumerate(truths, 1)}
    switch = {each: {proxy: _switched(proxy, truths, each) for proxy in proxies} for each in COEFFICIENTS}
    made = Made("Which score finds the student?", front.answer(truths), None, "", "", tuple(sections))
    data = {"switch": switch, "signs": SIGNS}
    aside = [column.name for column in columns[3 + FIRST :]]
    html.page(made, folder / FIRST_PAGE, links=links, sources=sources, data=data, aside=aside)


def _about(entry: Entry) -> str:
    """What was measured on what, or what the truth is."""
    return conditions(entry.run) if entry.is_truth else entry.run.manifest.ground_truth_note


def _mean_place(proxy: str, truths: Sequence[Entry], coefficient: str) -> tuple[float | None, int]:
    """In percent: a place among ten says less than the same one among eighty. And over how many truths."""
    places = [100 * place / entry.ranked(coefficient) for entry in truths if (place := entry.place(proxy, coefficient))]
    return (fmean(places) if places else None), len(places)


def _estimate(entry: Entry, proxy: str, coefficient: str) -> Estimate | None:
    row = entry.rows.get(proxy)
    return getattr(row, coefficient) if row else None


def _switched(proxy: str, truths: Sequence[Entry], coefficient: str) -> dict[str, list[Any]]:
    mean, of = _mean_place(proxy, truths, coefficient)
    cells: dict[str, list[Any]] = {"rank": [mean, "–" if mean is None else format_number(mean, 0), ""]}
    cells["truths"] = [of, str(of), ""]
    for place, entry in enumerate(truths, 1):
        found = _estimate(entry, proxy, coefficient) or Estimate()
        text = "–" if found.value is None else format_number(found.value)
        cells[f"t{place}"] = [found.value, text, format_interval(found)]
    return cells


def _back(entry: Entry) -> dict[str, str]:
    links = {row.proxy: f"../proxy/{_page_of(row.proxy)}" for row in entry.run.correlations}
    return links | HOME | {"The page of this run": f"../run/{entry.name}/report.html"}


def _elsewhere(*names: str) -> Section:
    return Section(
        "elsewhere", "Elsewhere", table=Table((Column("page", label=" "),), tuple((name,) for name in names))
    )


def _words(sections: Sequence[Section]) -> Section:
    return glossary.section(glossary.texts_of(sections)) or Section("glossary", "What the words mean")


def _truth(entry: Entry) -> Made:
    """The ranking on a ground truth, and its data card."""
    table = Section(
        "proxies", "How well each proxy ranks the networks", table=correlation_table(entry.run.correlations)
    )
    notes = tuple(note.text for note in entry.run.manifest.notes)
    beside = entry.run.page.sections if entry.run.page else ()
    conditional = [Section("conditions", "Conditions", notes)] if notes else []
    sections = [table, *beside, *conditional, *sections_of(entry.run.card)]
    sections += [_words(sections), _elsewhere("The page of this run", *HOME)]
    answer = headline(entry.run)
    return Made(entry.title, answer, picture(entry.run), conditions(entry.run), "", tuple(sections))


def _proxy(proxy: str, truths: Sequence[Entry]) -> Made:
    """All that the runs say of one proxy."""
    found: dict[str, Formula] = {each.proxy: each for entry in truths for each in entry.run.formulas}
    formula = found.get(proxy)
    shown = [entry for entry in truths if proxy in entry.rows]
    sections = [_stands(proxy, shown), *_close(proxy, shown)]
    if formula:
        known = [("paper", formula.paper), ("needs a teacher", formula.needs_teacher), ("from", formula.origin)]
        if formula.version:  # what is made of scores has none of its own
            known.append(("version", str(formula.version)))
        facts = Table((Column("fact", label=" "), Column("value", label=" ")), tuple(known))
        sections.insert(0, Section("formula", "Formula", table=facts, code=formula.formula))
    sections += [_words(sections), _elsewhere(*HOME)]
    kind = "counts the size of a network" if proxy in COUNTS else "is a score without training"
    summary = f"{formula.summary}." if formula else f"{proxy} {kind}."
    return Made(proxy, (summary, _between(proxy, shown)), None, "", "", tuple(sections))


def _between(proxy: str, shown: Sequence[Entry]) -> str:
    """The best and the worst place of a proxy, and where it has none."""
    placed = [(place, entry) for entry in shown if (place := entry.place(proxy))]
    placed.sort(key=lambda one: one[0] / one[1].ranked())
    without = len(shown) - len(placed)
    nowhere = f" It ranks nothing on {without} of {len(shown)}: too few scores, or all equal." if without else ""
    if not placed:
        return nowhere.strip()
    best, worst = (
        f"number {place} of {entry.ranked()} rows on {entry.title}" for place, entry in (placed[0], placed[-1])
    )
    return f"It is {best}{f' at best, {worst} at worst' if len(placed) > 1 else ''}.{nowhere}"


def _stands(proxy: str, shown: Sequence[Entry]) -> Section:
    columns = (
        Column("truth"),
        Column("verdict", "verdict", label="than params"),
        Column("rank", "integer"),
        Column("rows", "integer", label="of"),
        *(Column(each, "estimate", label=NAMES[each]) for each in (HEADLINE, "kendall", "pearson")),
        Column("minus", "estimate", label="ρ − params"),
        Column("partial", "estimate", label="partial ρ"),
        Column("milliseconds", "number", 0, "ms", "median for a network, as recorded with each score"),
    )
    rows: list[tuple[Cell, ...]] = []
    for entry in shown:
        row, place, cost = entry.rows[proxy], entry.place(proxy), entry.milliseconds.get(proxy)
        numbers = (row.spearman, row.kendall, row.pearson, row.spearman_minus_params, row.partial_spearman)
        rows.append((entry.title, against_params(row), place, entry.ranked(), *numbers, cost))
    spread = any(getattr(row[4], "spread", None) is not None for row in rows)
    note = "95 % bootstrap intervals over networks below each number"
    note += "; after ± the standard deviation over seeds: how stable it is." if spread else "; one seed each."
    return Section("stands", "Where it stands, and what it costs", table=Table(columns, tuple(rows)), note=note)


def _close(proxy: str, shown: Sequence[Entry]) -> list[Section]:
    """The proxies whose order of the networks is most like its own, over all truths."""
    found = {f"t{place}": entry.agreement.get(proxy, {}) for place, entry in enumerate(shown, 1)}
    names = dict.fromkeys(name for each in found.values() for name in each)
    mean = {name: fmean(each[name] for each in found.values() if name in each) for name in names}
    order = sorted(mean, key=lambda name: (-abs(mean[name]), name))[:CLOSE]
    titles = [entry.title for entry in shown]
    each = (Column(key, "number", label=title) for key, title in zip(found, titles, strict=True))
    columns = (Column("proxy"), Column("mean", "number", note="over the truths that it has scores on"), *each)
    rows = tuple((name, mean[name], *(one.get(name) for one in found.values())) for name in order)
    note = "Spearman between its scores and theirs, on the networks of each truth; the nearest on the mean first."
    return [Section("close", "What it is close to", table=Table(columns, rows), note=note)] if order else []
