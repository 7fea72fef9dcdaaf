"""Plan, score, store: ask the store, then the released tables, score what both lack, keep every answer as it comes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.engines.local import Local
from benchmarks.engines.progress import Clock, Progress
from benchmarks.engines.registry import Engine
from benchmarks.engines.team import Limits, Lost, Team
from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.released import Released
from benchmarks.scoring.resolve import absent
from benchmarks.scoring.setting import Setting
from benchmarks.scoring.store import Store
from diswot_errors import DataError

if TYPE_CHECKING:
    from benchmarks.scoring.scorer import Scorer
    from proxies.registry import ProxyInfo

Answers = dict[tuple[str, int], dict[str, Answer]]
"""(proxy, seed) -> architecture -> answer."""


class Request(NamedTuple):
    """Some proxies of some architectures, for some seeds."""

    setting: Setting
    infos: Sequence[ProxyInfo]
    archs: Sequence[str]
    seeds: Iterable[int]


LOADING_SECONDS = 600.0  # for images and a teacher, which every worker loads before its first network
PER_JOB = 2  # networks: small, so that progress and what a killed run keeps are fine-grained
WRITE_EVERY = 0.5  # seconds between two transactions


@dataclass(frozen=True)
class Job:
    """Some architectures that lack the same proxies for the same seed."""

    setting: Setting
    seed: int
    proxies: tuple[str, ...]
    archs: tuple[str, ...]
    together: int = 1


Found = tuple[Job, list[dict[str, Answer]]]
"""A job and, for each of its architectures, the answers by proxy."""


@lru_cache(maxsize=2)
def _scorer(setting: Setting) -> Scorer:
    """Those of the last settings, in each process."""
    from benchmarks.scoring.scorer import Scorer

    return Scorer(setting)


def score_job(job: Job) -> Found:
    """Score all networks of a job, in this process."""
    return job, _scorer(job.setting).scores(job.archs, job.proxies, job.seed, job.together)


class Runner:
    """A context that answers questions from what is known or by scoring; this process is the store's only writer.

    engine: its workers have one torch thread each and are started when something has to be scored.
    together: networks in flight in each of them, see `Scorer.scores`.
    limits: what one network may take in a worker process before it gets a status instead of scores; of memory, where
        nothing is said, the share that the engine has for each of the workers that are alive.
    apart: one worker too is a process of its own, which limits can end; several always are.
    score: what scores a job; tests give their own.
    released: tables that are asked what the store does not know; None: no others. They are not copied into the store.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine = Local(),  # noqa: B008 - frozen
        together: int = 1,
        *,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        apart: bool = False,
        progress: bool = False,
        score: Callable[[Job], Found] = score_job,
        released: Released | None = None,
    ) -> None:
        self.store, self.engine, self.together, self.progress = store, engine, together, progress
        self.limits, self.score, self.released = limits, score, released
        self._apart = apart or engine.workers > 1
        self.from_tables = 0  # answers that the released tables gave
        self._shares: dict[int, int | None] = {}  # of memory, by the number of workers
        self._clock = Clock()  # of all that it scores: a sweep asks for few networks at a time
        self._stack = ExitStack()
        self._team: Team | None = None

    @property
    def workers(self) -> int:
        """How many networks, or groups of them, are scored at a time."""
        return self.engine.workers

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def scores(
        self, setting: Setting, infos: Sequence[ProxyInfo], archs: Sequence[str], seeds: Iterable[int], label: str = ""
    ) -> Answers:
        """Every answer, in the order of the question. What Ctrl-C or a crash interrupts goes on when asked again."""
        (answers,) = self.answer([Request(setting, infos, archs, list(seeds))], label)
        return answers

    def answer(self, requests: Sequence[Request], label: str = "") -> list[Answers]:
        """`scores` of every request; they share the workers, and what two of them ask for is scored once."""
        found: dict[Setting, Answers] = {}
        jobs: list[Job] = []
        infos: dict[str, ProxyInfo] = {}
        for request in _disjoint(requests):
            known, lacking = self.plan(*request)
            jobs += lacking
            infos |= {info.name: info for info in request.infos}
            for key, answers in known.items():
                found.setdefault(request.setting, {}).setdefault(key, {}).update(answers)
        if jobs:
            check_images(jobs)
            self._score(infos, jobs, found, label)
        return [
            {
                (info.name, seed): {arch: found[setting][info.name, seed][arch] for arch in archs}
                for seed in seeds
                for info in infos
            }
            for setting, infos, archs, seeds in requests
        ]

    def plan(
        self, setting: Setting, infos: Sequence[ProxyInfo], archs: Sequence[str], seeds: Iterable[int]
    ) -> tuple[Answers, list[Job]]:
        """What store and tables know of the architectures, and the jobs that fill the gaps."""
        answers: Answers = {}
        jobs: list[Job] = []
        for seed in seeds:
            for info in infos:
                answers[info.name, seed] = self._known(setting.question(info, seed), archs, info)
            gaps: dict[tuple[str, ...], list[str]] = {}
            for arch in archs:
                missing = tuple(info.name for info in infos if arch not in answers[info.name, seed])
                if missing:
                    gaps.setdefault(missing, []).append(arch)
            size = PER_JOB * self.together
            for names, lacking in gaps.items():
                parts = [tuple(lacking[i : i + size]) for i in range(0, len(lacking), size)]
                jobs += [Job(setting, seed, names, part, self.together) for part in parts]
        return answers, jobs

    def _known(self, question: Question, archs: Sequence[str], info: ProxyInfo) -> dict[str, Answer]:
        """What the store knows, and of the rest what the released tables do."""
        known = self.store.known(question, archs)
        lacking = [arch for arch in archs if arch not in known]
        if self.released is None or not lacking:
            return known
        looked_up = self.released.known(question, lacking, info.equal_on_equals)
        self.from_tables += len(looked_up)
        return known | looked_up

    def _score(
        self, infos: Mapping[str, ProxyInfo], jobs: list[Job], answers: Mapping[Setting, Answers], label: str
    ) -> None:
        total, done = sum(len(job.archs) for job in jobs), 0
        waiting: list[tuple[Question, str, Answer]] = []
        written = time.monotonic()
        try:
            with ExitStack() as stack:
                shown = None
                if self.progress:
                    shown = stack.enter_context(Progress(total, "network", label, clock=self._clock))
                found = self._workers().each(
                    self.score, jobs, limits=self._limits, split=_one_by_one, lost=_without_scores
                )
                for job, results in found:
                    for arch, by_proxy in zip(job.archs, results, strict=True):
                        beside = any(answer.status == "violation" for answer in by_proxy.values())
                        for name, answer in by_proxy.items():
                            answers[job.setting][name, job.seed][arch] = answer
                            if not beside:  # where a guest changed what is not its own, nothing is kept
                                waiting.append((job.setting.question(infos[name], job.seed), arch, answer))
                    done += len(job.archs)
                    if shown:
                        shown.advance(len(job.archs))
                    if time.monotonic() - written >= WRITE_EVERY:
                        self.store.add(waiting)
                        waiting, written = [], time.monotonic()
        except KeyboardInterrupt:
            print(f"\n{done} of {total} networks were scored and are kept in {self.store.path}", file=sys.stderr)
            raise
        finally:
            self.store.add(waiting)

    def _limits(self, job: Job, beside: int) -> Limits:
        """Seconds of one network, times as many as the job has; memory of one worker."""
        seconds, most = self.limits.seconds, self.limits.bytes
        if most is None:
            if beside not in self._shares:
                self._shares[beside] = self.engine.memory(beside)
            most = self._shares[beside]
        return Limits(None if seconds is None else seconds * len(job.archs), most, LOADING_SECONDS)

    def _workers(self) -> Team:
        """The same for all that is asked; each is begun when there is work for it."""
        if self._team is None:
            self._team = self._stack.enter_context(self.engine.team(self.workers, apart=self._apart))
        return self._team


def check_images(jobs: Iterable[Job]) -> None:
    """Refuse jobs whose images are not on disk: what is stored or released is answered without them."""
    for setting in dict.fromkeys(job.setting for job in jobs):
        if fault := absent(setting.images, setting.split):
            raise DataError(fault)


def _disjoint(requests: Sequence[Request]) -> list[Request]:
    """The same, so that no two ask for one score, and that what shares batch and teacher comes in a row."""
    wanted: dict[tuple[Setting, int], dict[str, dict[str, ProxyInfo]]] = {}
    for setting, infos, archs, seeds in requests:
        for seed in seeds:
            by_arch = wanted.setdefault((setting, seed), {})
            for arch in archs:
                by_arch.setdefault(arch, {}).update({info.name: info for info in infos})
    apart: list[Request] = []
    for (setting, seed), by_arch in wanted.items():
        together: dict[tuple[str, ...], list[str]] = {}
        for arch, by_name in by_arch.items():
            together.setdefault(tuple(by_name), []).append(arch)
        apart += [Request(setting, list(by_arch[archs[0]].values()), archs, [seed]) for archs in together.values()]
    return apart


def _one_by_one(job: Job) -> list[Job]:
    return [replace(job, archs=(arch,)) for arch in job.archs]


def _without_scores(lost: Lost[Job]) -> Found:
    """What a network gets that ended its worker twice: a status for every proxy, and the run goes on."""
    status = "out-of-memory" if "memory" in lost.why else "failed"
    answer = Answer(None, status, f"scoring it ended the worker process twice: {lost.why}")
    return lost.job, [dict.fromkeys(lost.job.proxies, answer) for _ in lost.job.archs]
