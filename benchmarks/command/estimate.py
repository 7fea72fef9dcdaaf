"""What a command would score, and how long that takes by a probe of some networks: for `--dry-run`."""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.engines.device import one_thread
from benchmarks.scoring.measured import Ask
from benchmarks.scoring.runner import Job, Runner

PROBED = 3  # networks that are timed, from light to heavy


def estimate(runner: Runner, asks: Sequence[Ask]) -> str:
    """One paragraph for each question, then the time of all."""
    lines: list[str] = []
    seconds, networks = 0.0, 0
    for ask in asks:
        study, setting = ask.study, ask.study.setting
        _, jobs = runner.plan(setting, ask.infos, study.archs, study.seeds)
        missing = sum(len(job.proxies) * len(job.archs) for job in jobs)
        total = len(ask.infos) * len(study.archs) * len(study.seeds)
        lines += [
            *(note.text for note in study.notes() if note.text not in lines),
            f"{ask.label + ': ' if ask.label else ''}{len(study.archs):,} networks of {setting.space} "
            f"({setting.skeleton}) x {len(ask.infos)} proxies x {len(study.seeds)} "
            f"seed{'s' if len(study.seeds) > 1 else ''} = {total:,} scores on {setting.batch_size} images of "
            f"{setting.images}, {setting.init} weights, teacher {setting.teacher}; {total - missing:,} of them are in "
            f"{runner.store.path}, {missing:,} are to be computed.",
        ]
        if jobs:
            lacking = sum(len(job.archs) for job in jobs)
            networks += lacking
            seconds += probe(ask, jobs) * lacking / runner.workers
    workers = f"{runner.workers} worker{'s' if runner.workers > 1 else ''}"
    if networks:
        lines.append(
            f"About {duration(seconds)} with {workers}: {networks:,} networks to look at, by a probe of {PROBED} each."
        )
    return "\n".join(lines)


def probe(ask: Ask, jobs: Sequence[Job]) -> float:
    """Seconds for one network, the mean of some from light to heavy; nothing is stored."""
    from benchmarks.scoring.scorer import Scorer

    one_thread()
    scorer, job = Scorer(ask.study.setting), jobs[0]
    archs = sorted(
        {arch for job in jobs for arch in job.archs}, key=lambda a: scorer.space.flops(scorer.space.parse(a))
    )
    chosen = [archs[(2 * i + 1) * len(archs) // (2 * PROBED)] for i in range(PROBED)]
    scorer.scores(chosen[:1], job.proxies, job.seed)  # warm: batch, teacher, first kernels
    begin = time.perf_counter()
    scorer.scores(chosen, job.proxies, job.seed)
    return (time.perf_counter() - begin) / len(chosen)


def duration(seconds: float) -> str:
    """'40 s', '12 min', '3.5 h'."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
