"""Every score of one network of one's own: `python -m benchmarks.score my.py:build --images DIR`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import diswot_ending
from benchmarks.command import options as shared
from benchmarks.command.estimate import estimated
from benchmarks.command.opened import opened
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content, formula, versions
from benchmarks.command.work import work_in_folder
from benchmarks.scoring.measured import score_rows
from benchmarks.scoring.runner import Request
from benchmarks.scoring.setting import AS_BUILT, RECIPE
from benchmarks.scoring.single import single_setting
from benchmarks.scoring.study import with_baselines
from benchmarks.tables import single


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    given, options = begun(argv, _parser)
    from proxies.registry import select

    wanted, setting = select(options.proxies), single_setting(options)
    infos, named = with_baselines(wanted), {info.name for info in wanted}
    space, seeds = setting.search_space, range(options.seeds)
    (arch,) = space.all()
    with opened(options) as runner:
        request = Request(setting, infos, [str(arch)], seeds)
        if options.dry_run:
            print(estimated(runner, [request], [""]))
            return 0
        tables = runner.released.tables if runner.released else []
        settings = {
            "network": setting.space,
            "seeds": list(seeds),
            "images": setting.images,
            "split": setting.split,
            "batch_size": setting.batch_size,
            "init": setting.init,
            "teacher": setting.teacher,
            "teacher_init": setting.teacher_init,
            "proxies": versions(infos),
            "recipe": RECIPE,
            "tables": {table.path.stem: table.card.sha256 for table in tables},
        }

        valued = 0

        def work(out: Path) -> Content:
            nonlocal valued
            (answers,) = runner.answer([request])
            asked = [found for (name, _), found in answers.items() if name in named]
            valued = sum(answer.value is not None for found in asked for answer in found.values())
            rows = [single.row_of(info, setting, answers, tables, space.params(arch)) for info in infos]
            return Content(
                f"Scores of {setting.space.partition('@')[0]}",
                single.lead(setting, space.params(arch), rows),
                single.sections(rows),
                single.notes(setting),
                scores=score_rows({info.name: setting for info in infos}, infos, answers),
                formulas=[formula(info) for info in infos],
                config=settings,
                device=setting.device,
                seeds=seeds,
                images=setting.images,
                space=setting.space,
            )

        words = [setting.space.partition("@")[0]]
        code = work_in_folder("score", given, options, settings, work, words=words)
        if not valued:
            print("none of the scores has a value on this network: the page says why of each", file=sys.stderr)
        return code if valued else 1


def _parser() -> argparse.ArgumentParser:
    parser = shared.parser(
        "score",
        "Score one network of yours, any classifier, without training it: every score, why some do not apply, and the "
        "percentile of each among the released scores of networks of the same size that were asked the same.",
        [
            *(shared.shown(), shared.split_of(), shared.proxies(), shared.seeds(), shared.init(AS_BUILT)),
            *(shared.machine(), shared.store(), shared.output(what="scored")),
        ],
    )
    parser.add_argument("network", metavar="FILE.py:FUNCTION", help="a function without arguments, or a class")
    return parser


if __name__ == "__main__":
    diswot_ending.run(main)
