"""A command that scores: a specification of what is asked and what is made of the answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.command import options as shared
from benchmarks.command.ahead import ahead, lacking
from benchmarks.command.claim import claimed, folder_for
from benchmarks.command.estimate import estimate
from benchmarks.command.opened import opened
from benchmarks.command.plugins import begun
from benchmarks.command.publish import Content, measured_content, publish
from benchmarks.scoring.columns import parts_of
from benchmarks.scoring.measured import Ask, Measured, measure
from benchmarks.scoring.resolve import absent
from benchmarks.scoring.runner import Found, Job, Request, Runner, check_images
from diswot_collector import passed_over, uncollected
from diswot_errors import UsageError
from reports.schema import Note, Topic


@dataclass(frozen=True)
class Asked:
    """The questions of a command.

    missing: what could not be asked, by name, with the reason. said: what the reader must know of how it was asked.
    """

    asks: Sequence[Ask]
    missing: dict[str, str]
    said: Sequence[Note] = ()

    @property
    def notes(self) -> list[Note]:
        """What the reader must know of how it was asked, and of what was left out."""
        return [
            *self.said,
            *(Note(Topic.LEFT_OUT, f"Left out: {why}.") for why in dict.fromkeys(self.missing.values())),
        ]


@dataclass(frozen=True)
class Scored:
    """A table of the bench: one file, one record; `main` makes it a command, `all_tables` a part of its page.

    options: parents of the command's parser.
    add: further options of its own.
    ask: the questions; what cannot be asked for lack of data is `missing`.
    make: title, words and sections from the answers, in the order of the questions.
    """

    name: str
    title: str
    description: str
    options: Sequence[argparse.ArgumentParser]
    ask: Callable[[argparse.Namespace], Asked]
    make: Callable[[argparse.Namespace, Asked, Sequence[Measured]], Content]
    add: Callable[[argparse.ArgumentParser], Any] = lambda parser: None

    def parser(self) -> argparse.ArgumentParser:
        """All options."""
        parents = [*self.options, shared.machine(), shared.store(), shared.output(what="scored")]
        parser = shared.parser(self.name, self.description, parents)
        self.add(parser)
        return parser

    def main(self, argv: Sequence[str] | None = None, score: Callable[[Job], Found] | None = None) -> int:
        """The command. `score`: what scores a job."""
        given, options = begun(argv, self.parser)
        with uncollected():
            asked = self.ask(options)
        with passed_over(), opened(options, score) as runner:
            alone = getattr(options, "stored", None)  # None: a command without that option
            if alone:
                asked = stored(runner, asked)
            needed = [request for ask in asked.asks for request in ask.requests if _absent(request)]
            check_images(job for request in needed for job in runner.plan(*request)[1])
            if options.dry_run:
                print("\n".join([*(note.text for note in asked.notes), estimate(runner, asked.asks)]))
                return 0
            settings = {
                "command": self.name,
                "studies": [ask.config() for ask in asked.asks],
                "missing": sorted(asked.missing),
            }
            out = options.out or folder_for(self.name, self._words(asked), settings)
            with claimed(out, settings, replace=options.replace):
                if alone is False and (said := ahead(runner, asked.asks)):
                    print(said, file=sys.stderr)
                measured = [measure(runner, ask) for ask in asked.asks]
                content = self.make(options, asked, measured)
                content = replace(content, notes=[*content.notes, *asked.notes])
                if measured:
                    effort = {"workers": runner.workers, "together": runner.together}
                    content = measured_content(measured, replace(content, config={**content.config, **effort}))
                else:
                    content = replace(content, lead=[f"Nothing was measured: {'; '.join(asked.missing.values())}."])
                print(publish(out, ["python", "-m", f"benchmarks.{self.name}", *given], content))
        return 0

    def _words(self, asked: Asked) -> list[str]:
        """What a folder's name says of the run: its ground truth where there is one."""
        truths = list(dict.fromkeys(ask.study.truth.name for ask in asked.asks))
        return [truths[0].rpartition("/")[2]] if len(truths) == 1 else []


def _absent(request: Request) -> bool:
    return bool(absent(request.setting.images, request.setting.split))


def stored(runner: Runner, asked: Asked) -> Asked:
    """Of the project's own scores those whose every answer is there already; the others are `missing`, and so is what
    is made of them. Scores of plugins are asked as ever."""
    missing = dict(asked.missing)
    asks = []
    for ask in asked.asks:
        short = lacking(runner, ask)[0] & {info.name for info in ask.infos if info.ours}
        why = f"{', '.join(sorted(short))} (--stored: without a stored score for some of these networks)"
        missing |= dict.fromkeys(sorted(short), why)
        formulas = tuple(made for made in ask.formulas if not short & {p for n in made.names for p in parts_of(n)})
        missing |= {
            str(made): f"{made} (--stored: a part is not there)" for made in ask.formulas if made not in formulas
        }
        infos = tuple(info for info in ask.infos if info.name not in short)
        if not infos:
            raise UsageError(f"--stored: of {why} nothing is left to show; leave --stored out to compute them")
        asks.append(replace(ask, infos=infos, formulas=formulas))
    return replace(asked, asks=asks, missing=missing)
