"""Engines side by side: what is measured of each, and what follows for a whole space and more workers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.engines.registry import Engine
from benchmarks.engines.team import Team
from benchmarks.scoring.runner import PER_JOB, Job, score_job
from reports.markdown import plain_table
from reports.tables import format_duration

EMPTY = 400  # jobs that do nothing
GROUPS = ("nwot", "m_s,m_r,nwot,synflow,snip", "all")
SPACE = 15_625  # cells of NAS-Bench-201
FURTHER = (1, 2, 16, 128, 1024)  # workers


@dataclass
class Course:
    """One engine with so many workers. Of each round: CPU seconds of this process for jobs that do nothing, and wall
    seconds for half of the jobs that score and for all of them."""

    name: str
    engine: Engine
    count: int
    start: float = 0.0
    empty: list[float] = field(default_factory=list)
    half: list[float] = field(default_factory=list)
    many: list[float] = field(default_factory=list)
    apart: bool = True

    def begin(self, stack: ExitStack, jobs: Sequence[Job]) -> Team:
        """Every worker has scored something once."""
        begun = time.perf_counter()
        team = stack.enter_context(self.engine.team(self.count, apart=self.apart))
        list(team.each(score_job, [jobs[0]] * 2 * self.count))
        self.start = time.perf_counter() - begun
        return team

    def round(self, team: Team, jobs: Sequence[Job]) -> None:
        """One turn."""
        before = time.process_time()
        list(team.each(abs, range(EMPTY)))
        self.empty.append(time.process_time() - before)
        for kept, given in ((self.half, jobs[: len(jobs) // 2]), (self.many, jobs)):
            begun = time.perf_counter()
            list(team.each(score_job, given))
            kept.append(time.perf_counter() - begun)

    @property
    def handing_out(self) -> float:
        """CPU seconds of this process for a job."""
        return statistics.median(self.empty) / EMPTY


def cpu_seconds(jobs: Sequence[Job]) -> float:
    """For a network of these jobs, in this process: what a loaded machine does not change."""
    score_job(jobs[0])  # batch, teacher, first kernels
    before = time.process_time()
    found = [score_job(job) for job in jobs]
    return (time.process_time() - before) / sum(len(job.archs) for job, _ in found)


def measured(courses: Sequence[Course], networks: int) -> str:
    """Medians over the rounds; ratios of the same round."""
    rows = []
    for course in courses:
        alone = statistics.median(a / b for a, b in zip(courses[0].many, course.many, strict=True))
        grown = statistics.median(a / b for a, b in zip(course.many, course.half, strict=True))
        speed = networks / statistics.median(course.many)
        numbers = f"{1000 * course.handing_out:.2f}", f"{speed:.2f}", f"{alone:.2f}", f"{grown:.2f}"
        rows.append((course.name, course.count, f"{course.start:.1f}", *numbers))
    heads = (
        "engine",
        "workers",
        "start, s",
        "CPU ms a job",
        "networks/s",
        "speed / this process",
        "time of all / half",
    )
    return f"{networks} networks x {GROUPS[1]}, medians of {len(courses[0].many)} rounds:\n\n{plain_table(heads, rows)}"


def reckoned(course: Course, costs: dict[str, float]) -> str:
    """networks x seconds / workers; where a job is done before this process has handed one to each of the others, more
    workers do not help: networks a job x seconds / CPU seconds for handing it out."""
    rows = []
    for group, seconds in costs.items():
        most = max(1, int(PER_JOB * seconds / course.handing_out))
        times = [format_duration(SPACE * seconds / min(workers, most)) for workers in FURTHER]
        rows.append((group, f"{seconds:.3f}", *times, f"{most:,}"))
    heads = ("proxies", "s a network", *(f"{workers:,} workers" for workers in FURTHER), "most workers")
    head = f"{SPACE:,} networks, reckoned from {course.name} with {course.count} workers:"
    return f"{head}\n\n{plain_table(heads, rows)}"
