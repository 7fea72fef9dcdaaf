"""What a command would score, and how long that takes by a probe of some networks: for `--dry-run`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.engines.device import settle
from benchmarks.scoring.measured import Ask
from benchmarks.scoring.runner import Job, Request, Runner
from reports.tables import format_count, format_duration

if TYPE_CHECKING:
    from benchmarks.scoring.scorer import Scorer

PROBED = 3  # networks that are timed, from light to heavy
ENOUGH = 10.0  # seconds: a network that takes longer stands for all, where it is the middle one


def estimate(runner: Runner, asks: Sequence[Ask]) -> str:
    """What is known of each truth, one paragraph for each question, then the time of all."""
    notes = dict.fromkeys(note.text for ask in asks for note in ask.study.notes())
    requests = [request for ask in asks for request in ask.requests]
    labels = [ask.label for ask in asks for _ in ask.requests]
    return "\n".join([*notes, estimated(runner, requests, labels)])


def estimated(runner: Runner, requests: Sequence[Request], labels: Sequence[str]) -> str:
    """One paragraph for each request, then the time of all."""
    lines: list[str] = []
    seconds, networks = 0.0, 0
    held = f"{runner.store.path}{' or in the released tables' if runner.released is not None else ''}"
    for (setting, infos, archs, asked), label in zip(requests, labels, strict=True):
        seeds = list(asked)
        _, jobs = runner.plan(setting, infos, archs, seeds)
        missing = sum(len(job.proxies) * len(job.archs) for job in jobs)
        total = len(infos) * len(archs) * len(seeds)
        lines.append(
            f"{label + ': ' if label else ''}{format_count(len(archs), 'network')} of {setting.space} "
            f"({setting.skeleton}) x {format_count(len(infos), 'proxy')} x {format_count(len(seeds), 'seed')} = "
            f"{format_count(total, 'score')} on {setting.batch_size} images of {setting.images}, {setting.init} "
            f"weights, teacher {setting.teacher}; "
            f"{total - missing:,} of them are in {held}, {missing:,} are to be computed."
        )
        if jobs:
            lacking = sum(len(job.archs) for job in jobs)
            networks += lacking
            seconds += probe(jobs) * lacking / min(runner.workers, len(jobs))
    if not lines:
        return "Nothing is to be scored."
    workers = format_count(runner.workers, "worker")
    if networks:
        lines.append(
            f"About {format_duration(seconds)} with {workers}: {format_count(networks, 'network')} to look at, by a "
            f"probe of 1 to {PROBED} each."
        )
    return "\n".join(lines)


def probe(jobs: Sequence[Job]) -> float:
    """Seconds for one network of these jobs, the mean of some from light to heavy; nothing is stored.

    The middle one comes first and warms up: batch, teacher, first kernels. Where it takes long it is the only one.
    """
    from benchmarks.scoring.scorer import Scorer

    settle()
    job = jobs[0]
    scorer = Scorer(job.setting)
    archs = sorted(
        {arch for job in jobs for arch in job.archs}, key=lambda a: scorer.space.flops(scorer.space.parse(a))
    )
    chosen = list(dict.fromkeys(archs[(2 * i + 1) * len(archs) // (2 * PROBED)] for i in range(PROBED)))
    first = _seconds(scorer, [chosen[len(chosen) // 2]], job)
    return first if first > ENOUGH else _seconds(scorer, chosen, job) / len(chosen)


def _seconds(scorer: Scorer, archs: Sequence[str], job: Job) -> float:
    begin = time.perf_counter()
    scorer.scores(archs, job.proxies, job.seed)
    return time.perf_counter() - begin
