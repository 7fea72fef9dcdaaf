"""Table 8, published beside measured: `python -m benchmarks.search_table`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import provenance, shell
from benchmarks.search.choices import NATIVE
from benchmarks.search.table_page import page_of
from benchmarks.search.table_rows import RANKED_IMAGES, ROWS, Finding, Job, Row, Terms, search_one
from benchmarks.store import default_store
from diswot_errors import UsageError
from nb201_data.ground_truth import load_ground_truth
from reports import html
from reports.published import published
from reports.records import Run, write_run
from reports.tables import as_text


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    options = _parser().parse_args(argv)
    rows, names = _rows(options.rows), _data(options.data)
    for name in names:
        load_ground_truth(f"nb201:{name}:valid:12")  # refused now where the table is not on disk
    out = shell.prepare_output(options.out)
    terms = Terms(
        budget=options.budget,
        ranked_budget=options.ranked_budget,
        images=options.images,
        batch_size=options.batch_size,
        teacher=options.teacher,
        device=str(shell.choose_device(options.device)),
        store=options.store or default_store(),
        out=out,
        shared_epochs=options.shared_epochs,
        shared_images=options.shared_images,
    )
    jobs = _jobs(rows, names, options.seeds, options.shared_seeds, terms)
    findings = _run(jobs, options.workers or shell.default_workers(terms.device))
    truths = {name: load_ground_truth(f"nb201:{name}:test:200").values for name in names}
    page = page_of(findings, truths, terms)
    command = ["python", "-m", "benchmarks.search_table", *(sys.argv[1:] if argv is None else argv)]
    manifest = provenance.manifest(
        command,
        {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()},
        terms.device,
        list(range(options.seeds)),
        ground_truth=", ".join(f"nb201:{name}:test:200" for name in names),
        ground_truth_note="trained alone for 200 epochs, mean over seeds; read once, after all searches",
        images=terms.images,
        skeleton=", ".join(str(NATIVE[name]) for name in names),
        space="nb201",
    )
    write_run(out, Run(manifest, page=page))
    for section in page.sections:
        if section.name in names:
            print(f"\n{section.title}\n{as_text(section.table, interval=False)}" if section.table else "")
    print("\n" + "\n".join(page.lead) + f"\n\n{html.render(out)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = shell.parser("search_table", "Table 8: search strategies on NAS-Bench-201, published beside measured.")
    parser.add_argument("--data", default=",".join(NATIVE), help="data sets, a comma list")
    parser.add_argument("--rows", default="all", help=f"a comma list of {', '.join(row.key for row in ROWS)}")
    parser.add_argument("--seeds", type=shell.positive, default=20, help="searches of each row")
    parser.add_argument("--budget", type=shell.positive, default=50, help="evaluations of the searches by a score")
    parser.add_argument(
        "--ranked-budget", type=shell.positive, default=20, help="those of TE-NAS, each ten times as dear"
    )
    parser.add_argument(
        "--images", default="embedded", help="what these look at: embedded, or real: each data set's own, where on disk"
    )
    parser.add_argument(
        "--batch-size", type=shell.positive, default=64, help=f"images of a score; TE-NAS at most {RANKED_IMAGES}"
    )
    parser.add_argument("--teacher", default="resnet56", help="of DisWOT, untrained")
    parser.add_argument("--shared-seeds", type=shell.positive, default=3, help="searches by shared weights")
    parser.add_argument("--shared-epochs", type=shell.positive, default=5, help="of their small shared network")
    parser.add_argument("--shared-images", type=shell.positive, default=1024, help="that it sees")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument(
        "--workers", type=shell.positive, help="searches at a time (default: cores on a CPU, 1 on a GPU)"
    )
    parser.add_argument("--store", type=Path, metavar="FILE", help="where scores are kept (default: the cache folder)")
    parser.add_argument("--out", type=Path, default=Path("runs/search-table"), help="run folder; goes on where it ends")
    return parser


def _rows(text: str) -> list[Row]:
    known = {row.key: row for row in ROWS}
    names = list(known) if text == "all" else text.split(",")
    for name in names:
        if name not in known:
            raise UsageError(f"--rows {name}: expected some of {', '.join(known)}")
    return [known[name] for name in names]


def _data(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in NATIVE:
            raise UsageError(f"--data {name}: expected some of {', '.join(NATIVE)}")
    return names


def _jobs(rows: Sequence[Row], names: Sequence[str], seeds: int, shared_seeds: int, terms: Terms) -> list[Job]:
    paper = published("search")
    count = {"shared": min(seeds, shared_seeds), "largest": 1}
    jobs = []
    for row in rows:
        for name in names:
            number = paper.number(row.key, f"{name}_seconds") if row.kind == "accuracy" else None
            number = number or paper.number("random", f"{name}_seconds")
            assert number is not None
            jobs += [Job(name, row, seed, number.value, terms) for seed in range(count.get(row.kind, seeds))]
    return jobs


def _run(jobs: Sequence[Job], workers: int) -> list[Finding]:
    """Every search, in the order of the jobs."""
    from tqdm import tqdm

    from benchmarks.workers import Workers

    found: dict[tuple[str, str, int], Finding] = {}
    with Workers(min(workers, len(jobs))) as team:
        for finding in tqdm(
            team.each(search_one, jobs), total=len(jobs), desc="searches", disable=not sys.stderr.isatty()
        ):
            found[finding.data, finding.row, finding.seed] = finding
    return [found[job.data, job.row.key, job.seed] for job in jobs]


if __name__ == "__main__":
    shell.run(main)
