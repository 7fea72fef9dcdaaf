"""Table 8, published beside measured: `python -m benchmarks.search_table`."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from benchmarks.command import ending
from benchmarks.command import options as shared
from benchmarks.command.opened import opened
from benchmarks.command.plugins import load_plugins
from benchmarks.command.publish import Content
from benchmarks.command.work import work_in_folder
from benchmarks.engines.device import choose_device
from benchmarks.scoring.resolve import resolve_images
from benchmarks.scoring.setting import file_hash
from benchmarks.search.choices import NATIVE
from benchmarks.tables.search_page import content
from benchmarks.tables.search_rows import CONTENDERS, RANKED_IMAGES, Terms, entries_of, named
from benchmarks.tables.search_runs import estimate, search_all
from nb201_data.ground_truth import load_ground_truth

GROWING = ("seeds", "shared_seeds", "budget", "ranked_budget")


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given = list(sys.argv[1:] if argv is None else argv)
    load_plugins(given)
    options = _parser().parse_args(given)
    rows, names = named("--rows", options.rows, CONTENDERS), named("--data", options.data, NATIVE)
    for name in names:
        load_ground_truth(f"nb201:{name}:valid:12")  # refused now where the table is not on disk
    given_terms = {field.name: getattr(options, field.name) for field in fields(Terms) if field.name != "device"}
    terms = Terms(**given_terms, device=str(choose_device(options.device)))
    entries = entries_of([CONTENDERS[row] for row in rows], names, options.seeds, options.shared_seeds, terms)
    settings = {
        **asdict(terms),
        **{"rows": rows, "seeds": options.seeds, "shared_seeds": options.shared_seeds},
        "images": {name: resolve_images(terms.images, NATIVE[name], name) for name in names},
        "teacher_weights": file_hash(str(options.teacher_weights)) if options.teacher_weights else "random",
    }
    with opened(options, progress=False) as runner:
        if options.dry_run:
            print(estimate(entries, runner))
            return 0

        def work(out: Path) -> Content:
            findings = search_all(entries, runner, out)
            truths = {name: load_ground_truth(f"nb201:{name}:test:200").values for name in names}
            return content(findings, truths, terms, shared.config_of(options))

        return work_in_folder("search_table", given, options, settings, work, growing=GROWING)


def _parser() -> argparse.ArgumentParser:
    parents = [shared.shown(64, teacher="resnet56"), shared.seeds(20, "searches of each row")]
    parents += [shared.machine(), shared.store(), shared.output(what="searched")]
    description = "Table 8: search strategies on NAS-Bench-201, published beside measured."
    parser = shared.parser("search_table", description, parents)
    more = parser.add_argument
    more("--data", default="all", help=f"a comma list of {', '.join(NATIVE)}")
    more("--rows", default="all", help=f"a comma list of {', '.join(CONTENDERS)}")
    more("--budget", type=shared.positive, default=50, help="evaluations of the searches by a score")
    more(
        "--ranked-budget", type=shared.positive, default=20, help=f"those of TE-NAS, on at most {RANKED_IMAGES} images"
    )
    more("--shared-seeds", type=shared.positive, default=3, help="searches by shared weights")
    more("--shared-epochs", type=shared.positive, default=5, help="of their small shared network")
    more("--shared-images", type=shared.positive, default=1024, help="that it sees")
    return parser


if __name__ == "__main__":
    ending.run(main)
