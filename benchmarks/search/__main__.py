"""Search for a student: `python -m benchmarks.search --strategy evolution --score diswot --teacher resnet56`."""

import time
from collections.abc import Sequence
from pathlib import Path

import diswot_ending
from benchmarks.command.options import config_of
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content
from benchmarks.command.work import work_in_folder
from benchmarks.search.courses import course_of
from benchmarks.search.driver import GROWING
from benchmarks.search.options import parser
from benchmarks.search.page import content
from benchmarks.search.registry import all_strategies, in_words


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, parser)
    if options.list:
        print(listed())
        return 0
    with course_of(options) as course:
        if options.dry_run:
            print(course.estimate())
            return 0
        truth = course.truth.name if course.truth is not None else "none"

        def work(out: Path) -> Content:
            print(f"{options.strategy} in {course.space.name} by {course.objective}", flush=True)
            begin = time.perf_counter()
            found = course.run(out)
            return content(course, found, config_of(options), time.perf_counter() - begin)

        settings, words = {**course.identity, "ground truth": truth}, course.words
        return work_in_folder("search", given, options, settings, work, words=words, growing=GROWING)


def listed() -> str:
    """The strategies, two lines each."""
    lines = []
    for info in all_strategies():
        about = "; ".join(filter(None, [info.paper, in_words(info.settings)]))
        lines += [f"{info.name:16} {info.summary}", f"{'':16} {about}"]
    return "\n".join(lines)


if __name__ == "__main__":
    diswot_ending.run(main)
