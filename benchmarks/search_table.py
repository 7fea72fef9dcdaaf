"""Table 8, published beside measured: `python -m benchmarks.search_table`."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import diswot_ending
from benchmarks.command import numbers
from benchmarks.command import options as shared
from benchmarks.command.opened import opened
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content
from benchmarks.command.unused import refuse_unused
from benchmarks.command.work import work_in_folder
from benchmarks.engines.device import choose_device
from benchmarks.scoring import ranked
from benchmarks.scoring.release import Book
from benchmarks.scoring.resolve import resolve_images
from benchmarks.scoring.runner import Runner
from benchmarks.scoring.setting import file_hash
from benchmarks.search.choices import NATIVE
from benchmarks.tables.search_entries import entries_of
from benchmarks.tables.search_judged import WHOLE
from benchmarks.tables.search_page import content
from benchmarks.tables.search_rows import CONTENDERS, Terms, named
from benchmarks.tables.search_runs import estimate, search_all
from benchmarks.tables.search_scores import EPOCHS, Searcher, by_validation, digest, searchers
from nb201_data.ground_truth import GroundTruth, load_ground_truth

GROWING = ("seeds", "shared_seeds", "budget")
COMPUTED = ("images", "batch_size", "teacher", "teacher_weights")


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    _refuse_unused(options)
    rows, names = named("--rows", options.rows, CONTENDERS), named("--data", options.data, NATIVE)
    validation = {name: load_ground_truth(f"nb201:{name}:valid:{EPOCHS}") for name in names}
    terms = Terms(
        **{field.name: getattr(options, field.name) for field in fields(Terms) if field.name != "device"},
        device=str(choose_device(options.device)),
    )
    contenders = [CONTENDERS[row] for row in rows]
    with opened(options, progress=False) as runner:
        looks_up = not terms.compute and any(contender.kind == "score" for contender in contenders)
        known = {name: _known(validation[name], runner) if looks_up else [] for name in names}
        entries, not_run = entries_of(contenders, known, options.seeds, options.shared_seeds, terms)
        if options.dry_run:
            print(estimate(entries, not_run, runner))
            return 0
        settings = {
            **asdict(terms),
            "budget": terms.budget or WHOLE,
            **{"rows": rows, "seeds": options.seeds, "shared_seeds": options.shared_seeds},
            "scores": {name: digest(found) for name, found in known.items()},
            "images": {n: resolve_images(terms.images, NATIVE[n], n) if terms.compute else "" for n in names},
            "teacher_weights": file_hash(str(options.teacher_weights)) if options.teacher_weights else "random",
        }

        def work(out: Path) -> Content:
            searched = search_all(entries, not_run, runner, out)
            truths = {name: load_ground_truth(f"nb201:{name}:test:200") for name in names}
            rivals = {name: by_validation(found, validation[name]) for name, found in known.items() if found}
            return content(searched, truths, known, rivals, terms, shared.config_of(options))

        return work_in_folder("search_table", given, options, settings, work, growing=GROWING)


def _known(truth: GroundTruth, runner: Runner) -> list[Searcher]:
    """Whose scores of the benchmark's networks the store and the released tables have; and what needs no network."""
    books: list[Book] = [runner.store, *([runner.released] if runner.released is not None else [])]
    scores = [*ranked.released_scores(books, truth), *ranked.closed_forms(truth)]
    return searchers(list(truth.values), scores)


def _parser() -> argparse.ArgumentParser:
    parents = [shared.shown(64, teacher="resnet56"), shared.seeds(20, "searches of each row")]
    parents += [shared.machine(), shared.store(), shared.output(what="searched")]
    description = (
        "Table 8: search strategies on NAS-Bench-201, published beside measured, each with the seconds printed for it; "
        "then what a search by any released score finds, by budget. Scores are looked up, none is computed without "
        "--compute; --images, --batch-size and --teacher are those of computed ones."
    )
    parser = shared.parser("search_table", description, parents)
    more = parser.add_argument
    more("--data", default="all", help=f"a comma list of {', '.join(NATIVE)}")
    more("--rows", default="all", help=f"a comma list of {', '.join(CONTENDERS)}")
    more("--compute", action="store_true", help="score every network that a search by a score asks for (hours)")
    text = "evaluations of a search by a score, at most (default: what its printed seconds pay for)"
    more("--budget", type=numbers.positive, metavar="N", help=text)
    text = "train the shared networks of RSPS, GDAS and DARTS, so many minutes a search (default: not run)"
    more("--shared-minutes", type=numbers.above_zero, metavar="M", help=text)
    more("--shared-seeds", type=numbers.positive, default=3, help="searches of each of these rows")
    return parser


def _refuse_unused(options: argparse.Namespace) -> None:
    """What is about computed scores, where none is computed."""
    if not options.compute:
        why = "is for scores that are computed, and these are looked up: add --compute"
        refuse_unused(options, _parser(), COMPUTED, why)


if __name__ == "__main__":
    diswot_ending.run(main)
