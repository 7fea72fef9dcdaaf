"""Many courses of questions side by side: what each asks next depends on its own answers alone."""

from collections.abc import Generator, Iterable, Iterator
from itertools import chain
from typing import TypeVar

from benchmarks.scoring.runner import Answers, Request, Runner

Found = TypeVar("Found")
Inquiry = Generator[Request, Answers, Found]
"""Yields what it wants to know, is sent the answers, and returns what it found."""

SIDE_BY_SIDE = 16


def lockstep(runner: Runner, inquiries: Iterable[Inquiry[Found]]) -> Iterator[Found]:
    """What each found, as they end. In every step the runner answers all that are under way in one go."""
    waiting = ((inquiry, None) for inquiry in inquiries)
    running: list[tuple[Inquiry[Found], Request]] = []
    answers: list[Answers] = []
    while True:
        answered = [(inquiry, found) for (inquiry, _), found in zip(running, answers, strict=True)]
        running = []
        for inquiry, found in chain(answered, waiting):
            try:
                running.append((inquiry, inquiry.send(found)))  # type: ignore[arg-type]  # None starts it
            except StopIteration as end:
                yield end.value
            if len(running) == SIDE_BY_SIDE:
                break
        if not running:
            return
        answers = runner.answer([request for _, request in running])
