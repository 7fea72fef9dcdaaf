"""A page of all runs below a folder, each with its answer and a link to its page."""

from pathlib import Path
from urllib.parse import quote

from diswot_errors import DataError, UsageError
from reports import html
from reports.headline import SUBJECT
from reports.pages import Made, page_of
from reports.records import Run, read_run
from reports.schema import Cell, Column, Estimate, Section, Table
from reports.tables import best_of, placed, places

COLUMNS = (
    Column("run"),
    Column("date"),
    Column("title"),
    Column("truth"),
    Column("images"),
    Column("best", label="best proxy"),
    Column("spearman", "estimate", label="its Spearman"),
    Column("diswot", "integer", label="rank of DisWOT"),
    Column("rows", "integer", label="of"),
)


def index(folder: Path) -> Path:
    """Write `index.html` into the folder; a run that cannot be read is named with the reason."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; expected one with runs below it")
    rows: list[tuple[Cell, ...]] = []
    broken, links = [], {}
    for manifest in sorted(folder.rglob("manifest.json")):
        place, name = manifest.parent, str(manifest.parent.relative_to(folder))
        try:
            run = read_run(place)
        except (DataError, UsageError) as error:
            broken.append((name, str(error)))
            continue
        rows.append(row_of(name, run))
        if (place / "report.html").is_file():
            links[name] = quote(f"{name}/report.html")
    if not rows and not broken:
        raise UsageError(f"no run in or below {folder}: expected folders with manifest.json")
    rows.sort(key=lambda row: str(row[1]), reverse=True)
    sections = [Section("runs", "All runs, the latest first", table=Table(COLUMNS, tuple(rows)))]
    if broken:
        table = Table((Column("run"), Column("reason")), tuple(broken))
        sections.append(Section("broken", "Runs that cannot be read", table=table))
    made = Made("Which runs are there?", (f"{len(rows)} runs.",), None, "", "", tuple(sections))
    return html.page(made, folder / "index.html", links=links)


def row_of(name: str, run: Run) -> tuple[Cell, ...]:
    """One run on one line."""
    ranked = placed(run.correlations)
    best = best_of(ranked)
    place = places(ranked).get(SUBJECT)
    manifest = run.manifest
    about = (name, manifest.date, page_of(run).title, manifest.ground_truth, manifest.images)
    estimate = best.spearman if best else Estimate()
    return (*about, best.proxy if best else "", estimate, place, len(ranked) or None)
