"""Every table of the paper on one page, published beside measured: `python -m benchmarks.all_tables`."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import shell
from benchmarks.settings import REAL, resolve_images
from diswot_errors import DataError, UsageError
from nb201_data.skeleton import Skeleton

if TYPE_CHECKING:
    from reports.records import Run
    from reports.schema import Manifest, Note, Section

LONG = 200  # rows
TITLE = "The tables of the DisWOT paper, published beside measured"


@dataclass(frozen=True)
class Part:
    """One command: its name, what it says on the page, and the options that it gets from ours."""

    command: str
    title: str
    given: Callable[[argparse.Namespace], list[str]]

    @property
    def key(self) -> str:
        """Its name as a part of file names."""
        return self.command.replace("_", "-")


def _scoring(options: argparse.Namespace) -> list[str]:
    seeds = ["--seeds", str(options.seeds)] if options.seeds else []
    store = ["--store", str(options.store)] if options.store else []
    return ["--images", options.images, *_machine(options), *seeds, *store]


def _machine(options: argparse.Namespace) -> list[str]:
    workers = ["--workers", str(options.workers)] if options.workers else []
    return ["--device", options.device, *workers]


def _distilling(options: argparse.Namespace) -> list[str]:
    images = resolve_images(options.images, Skeleton(classes=100), "cifar100").partition(":")[0]
    return ["--images", images, "--minutes", str(options.minutes), *_machine(options)]


def _searching(options: argparse.Namespace) -> list[str]:
    return ["--images", options.images, "--seeds", str(options.searches), *_machine(options)] + (
        ["--store", str(options.store)] if options.store else []
    )


PARTS = (
    Part("s0_table", "Correlation comparison on S0", _scoring),
    Part("rank_table", "Rank table of NAS-Bench-201", _scoring),
    Part("metric_ablation", "Different metrics", _scoring),
    Part("init_ablation", "Different initialization", _scoring),
    Part("best_student", "The best network alone and the best student", lambda options: []),
    Part("distiller_table", "DisWOT as a distiller (Table 9)", _distilling),
    Part("search_table", "Search (Table 8)", _searching),
    Part("proxy_facts", "Numbers that nobody published", _scoring),
)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = shell.parser(
        "all_tables",
        "Make every table of the paper and one page of them all, which says first what reproduces and what does not. "
        "What needs data that are not on disk says so. Each part has a folder of its own and goes on from there.",
    )
    names = ", ".join(part.command for part in PARTS)
    parser.add_argument("--only", metavar="NAMES", help=f"a comma list of {names}")
    parser.add_argument("--skip", default="", metavar="NAMES", help="a comma list of parts to leave out")
    parser.add_argument(
        "--images",
        choices=("embedded", REAL),
        default="embedded",
        help="embedded: painted, no download; real: those that the networks of a table were trained on, where on disk",
    )
    parser.add_argument("--seeds", type=shell.positive, help="repetitions of scores (default: each part's own)")
    parser.add_argument("--minutes", type=shell.positive, default=20, help="that training the distillers may take")
    parser.add_argument("--searches", type=shell.positive, default=20, help="searches of each row of Table 8")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--workers", type=shell.positive, help="processes (default: cores on a CPU, 1 on a GPU)")
    parser.add_argument("--store", type=Path, metavar="FILE", help="where scores are kept (default: the cache folder)")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/all-tables"), metavar="DIR", help="folder of the results"
    )
    options = parser.parse_args(argv)
    command = ["python", "-m", "benchmarks.all_tables", *(sys.argv[1:] if argv is None else argv)]
    parts = chosen(options.only, options.skip)
    shell.choose_device(options.device)
    shell.prepare_output(options.out)
    failures = {part.command: error for part in parts if (error := _make(part, options))}
    if len(failures) == len(parts):
        raise DataError(f"no table could be made: {'; '.join(dict.fromkeys(failures.values()))}")
    print(write(options.out, parts, failures, command))
    return 0


def chosen(only: str | None, skip: str) -> list[Part]:
    """The parts asked for, in their order; unknown names are refused."""
    known = {part.command: part for part in PARTS}
    wanted = [name.strip() for name in (only if only is not None else ",".join(known)).split(",") if name.strip()]
    without = [name.strip() for name in skip.split(",") if name.strip()]
    for name in (*wanted, *without):
        if name not in known:
            raise UsageError(f"unknown part {name!r}: expected one of {', '.join(known)}")
    parts = [part for name, part in known.items() if name in wanted and name not in without]
    if not parts:
        raise UsageError("--only and --skip leave nothing to make")
    return parts


def _make(part: Part, options: argparse.Namespace) -> str:
    """Run one command into its own folder, its output into log.txt; why it could not, or ''."""
    folder = shell.prepare_output(options.out / part.key)
    begin = time.monotonic()
    print(f"{part.command} ...", end=" ", flush=True)
    module = importlib.import_module(f"benchmarks.{part.command}")
    try:
        with open(folder / "log.txt", "w", encoding="utf-8") as log, contextlib.redirect_stdout(log):
            module.main([*part.given(options), "--out", str(folder)])
    except UsageError:
        raise
    except Exception as error:
        if getattr(error, "exit_code", None) != DataError.exit_code:
            raise
        print(f"not made: {error}", flush=True)
        return str(error)
    print(f"{time.monotonic() - begin:.0f} s", flush=True)
    return ""


def write(out: Path, parts: Sequence[Part], failures: dict[str, str], command: Sequence[str]) -> str:
    """One page of all parts; the text to print."""
    from benchmarks import provenance
    from reports import consistency, html
    from reports.records import Page, Run, read_run, write_run
    from reports.summary import first_paragraph

    runs = {part.command: read_run(out / part.key) for part in parts if part.command not in failures}
    made = {section.name for run in runs.values() if run.page for section in run.page.sections}
    internal = [each for each in (consistency.contradictions(), consistency.speed_ups()) if each.name not in made]
    sections: list[Section] = []
    for part in parts:
        sections += _sections(part, runs.get(part.command), failures.get(part.command, ""))
    manifests = [run.manifest for run in runs.values()]
    manifest = provenance.manifest(
        command,
        {name: run.manifest.config for name, run in runs.items()},
        "cpu",
        sorted({seed for manifest in manifests for seed in manifest.seeds}),
        ground_truth=_names(each.ground_truth for each in manifests),
        images=_names(each.images for each in manifests),
        notes=_image_notes({part.title: runs[part.command] for part in parts if part.command in runs}),
    )
    devices = list(dict.fromkeys(m.device for m in manifests))
    manifest = replace(manifest, device="; ".join(devices))
    lead = first_paragraph({part.title: runs[part.command] for part in parts if part.command in runs}, failures)
    page = Page(TITLE, tuple(lead), (*sections, *internal))
    write_run(out, Run(manifest, page=page))
    return "\n\n" + "\n\n".join(lead) + f"\n\n{html.render(out)}"


def _image_notes(runs: Mapping[str, Run]) -> list[Note]:
    """Which tables were made with which images, by title."""
    from reports.schema import Note, Topic

    titles: dict[str, list[str]] = {}
    for title, run in runs.items():
        for note in run.manifest.notes:
            if note.topic is Topic.IMAGES:
                titles.setdefault(note.text, []).append(title)
    return [Note(Topic.IMAGES, f"{', '.join(named)}. {text}") for text, named in titles.items()]


def _names(lists: Iterable[str]) -> str:
    """Comma lists as one, each name once."""
    return ", ".join(dict.fromkeys(name for text in lists for name in text.split(", ") if name))


def _sections(part: Part, run: Run | None, failure: str) -> list[Section]:
    """The part's first words with its conditions, then its sections below it, under names of their own."""
    from reports.schema import Section

    if run is None:
        return [Section(part.key, part.title, (f"Not made: {failure}",))]
    assert run.page is not None
    words = dict.fromkeys((*run.page.lead, *(note.text for note in run.manifest.notes), conditions(run.manifest)))
    parts = [replace(_shortened(section, part.key), level=3) for section in run.page.sections]
    return [Section(part.key, part.title, tuple(words)), *parts]


def _shortened(section: Section, key: str) -> Section:
    """A section under a name of its own; a table too long for a page of all is left in its file."""
    own = replace(section, name=f"{key}-{section.name}")
    if section.table is None or len(section.table.rows) <= LONG:
        return own
    where = f"{len(section.table.rows):,} rows, in {key}/{section.name}.csv."
    return replace(own, table=None, note=f"{where} {section.note}".rstrip())


def conditions(manifest: Manifest) -> str:
    """Which device and versions made a part, and by which command."""
    import shlex

    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    return f"Made on {manifest.device} with {versions}, by: {shlex.join(manifest.command)}"


if __name__ == "__main__":
    shell.run(main)
