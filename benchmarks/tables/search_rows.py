"""The rows of Table 8 as jobs: one search each, which knows the validation data and the scores but no test accuracy."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from benchmarks.search.choices import NATIVE
from benchmarks.search.driver import SearchResult, run_search
from benchmarks.search.problem import SearchProblem
from benchmarks.search.scoring import StoredScores, proxy_objective
from benchmarks.search.tabular import tabular_objective, training_seconds
from benchmarks.search.weight_sharing import SharedTask, search_shared
from benchmarks.settings import Setting, resolve_images
from nb201_data.skeleton import Skeleton
from nb201_data.space import OPERATIONS, Cell
from nb201_data.spaces import SearchSpace, get_space

Kind = Literal["accuracy", "score", "ranks", "shared", "draw", "largest"]
Course = tuple[tuple[float, str], ...]
Found = tuple[float, int, Course]  # seconds, evaluations, course
RANKED_IMAGES = 16  # at most, where each image costs a backward pass of its own
CHEAP_EPOCHS = 12  # the fidelity that the benchmark's own searches look at


@dataclass(frozen=True)
class Row:
    """How one row is measured. `key` is that of the published table; rows that it lacks are ours."""

    key: str
    label: str
    kind: Kind
    strategy: str = ""
    score: str = ""
    differs: tuple[str, ...] = ()
    """Where it is known to be another measurement than the published one."""


SMALL, ALONE = ("a small shared network",), ("trained alone, where the paper distils",)
ROWS = (
    Row("random", "RS", "accuracy", "random", "valid:12"),
    Row("reinforce", "RL", "accuracy", "reinforce", "valid:12"),
    Row("bohb", "BOHB", "accuracy", "bohb", "valid"),
    Row("evolution-aging", "REA (added)", "accuracy", "evolution-aging", "valid:12"),
    Row("evolution", "Algorithm 1 on accuracy (added)", "accuracy", "evolution", "valid:12"),
    Row("rsps", "RSPS", "shared", "rsps", differs=SMALL),
    Row("gdas", "GDAS", "shared", "gdas", differs=SMALL),
    Row("darts", "DARTS", "shared", "darts", differs=SMALL),
    Row("nwot", "NWOT", "score", "random", "nwot"),
    Row("te-nas", "TE-NAS", "ranks", "random", "te_nas"),
    Row("diswot", "DisWOT M_s & M_r", "score", "evolution", "diswot", ALONE),
    Row("m_r", "DisWOT M_r", "score", "evolution", "m_r", ALONE),
    Row("diswot_released", "DisWOT, released form (added)", "score", "evolution", "diswot_released"),
    Row("draw", "one random cell (added)", "draw"),
    Row("largest", "largest network (added)", "largest"),
)


@dataclass(frozen=True)
class Terms:
    """What all searches of a table share."""

    budget: int
    """Evaluations of the searches by one score."""
    ranked_budget: int
    """Evaluations of those by ranks under several."""
    images: str
    """`real`: those of each data set; else an image source for all."""
    batch_size: int
    teacher: str
    device: str
    store: Path
    out: Path
    shared_epochs: int
    shared_images: int


@dataclass(frozen=True)
class Job:
    """One search."""

    data: str
    row: Row
    seed: int
    seconds: float
    """The published search time, the budget of searches by accuracy."""
    terms: Terms


@dataclass(frozen=True)
class Finding:
    """What it found and what that cost."""

    data: str
    row: str
    seed: int
    arch: str
    seconds: float
    evaluations: int
    course: Course
    """The best so far, each time it changed: after how many seconds, which."""


def search_one(job: Job) -> Finding:
    """Run one search; in a worker process."""
    kinds: dict[Kind, Callable[[Job, SearchSpace], Found]] = {
        "accuracy": _by_accuracy,
        "score": _by_score,
        "ranks": _by_ranks,
        "shared": _by_sharing,
        "draw": _draw,
        "largest": _largest,
    }
    space = get_space("nb201").with_skeleton(NATIVE[job.data])
    seconds, evaluations, course = kinds[job.row.kind](job, space)
    return Finding(job.data, job.row.key, job.seed, course[-1][1] if course else "", seconds, evaluations, course)


def course_of(found: SearchResult) -> Course:
    """The best so far, by cost; the last is what the search found."""
    return tuple((step.seconds, str(step.answer.question.arch)) for step in found.improvements)


def _by_accuracy(job: Job, space: SearchSpace) -> Found:
    """As many evaluations as the published time pays for at 12 epochs each; a repeated one counts but costs nothing."""
    objective = tabular_objective(space, f"nb201:{job.data}:{job.row.score}")
    budget = int(job.seconds // training_seconds(job.data, CHEAP_EPOCHS))
    found = run_search(space, job.row.strategy, objective, budget, seed=job.seed, max_seconds=job.seconds)
    return found.seconds, found.evaluations, course_of(found)


def _by_score(job: Job, space: SearchSpace) -> Found:
    folder = job.terms.out / "searches" / f"{job.data}-{job.row.key}-{job.seed}"
    objective = proxy_objective(_scores(job, space), [job.row.score])
    found = run_search(space, job.row.strategy, objective, job.terms.budget, seed=job.seed, folder=folder, resume=True)
    return found.seconds, found.evaluations, course_of(found)


def _by_ranks(job: Job, space: SearchSpace) -> Found:
    """The best of `ranked_budget` random networks by a score that is defined by ranks among them."""
    from proxies.registry import aggregates, get

    (info,) = (info for info in aggregates() if info.name == job.row.score)
    archs = SearchProblem(space).shuffled(Random(job.seed))[: job.terms.ranked_budget]
    scores, parts = _scores(job, space, RANKED_IMAGES), [get(part) for part in info.parts]
    rows = [scores.answers(arch, parts) for arch in archs]
    seconds = math.fsum(answer.seconds for row in rows for answer in row)
    whole = [(arch, row) for arch, row in zip(archs, rows, strict=True) if all(a.value is not None for a in row)]
    if not whole:
        return seconds, len(archs), ()
    values = info.function(*zip(*([a.value for a in row] for _, row in whole), strict=True))
    best = max(range(len(whole)), key=values.__getitem__)
    return seconds, len(archs), ((seconds, str(whole[best][0])),)


def _scores(job: Job, space: SearchSpace, most_images: int | None = None) -> StoredScores:
    terms = job.terms
    setting = Setting(
        space=space.name,
        skeleton=space.skeleton,
        images=resolve_images(terms.images, space.skeleton, job.data),
        batch_size=min(terms.batch_size, most_images or terms.batch_size),
        teacher=terms.teacher,
        device=terms.device,
    )
    return StoredScores(setting, job.seed, terms.store)


def _by_sharing(job: Job, space: SearchSpace) -> Found:
    from nb201_data.images import load_images

    small = Skeleton(4, 1, space.skeleton.classes, 16)
    task = SharedTask(
        space=space.with_skeleton(small),
        images=load_images(resolve_images(job.terms.images, small, job.data)),
        epochs=job.terms.shared_epochs,
        seed=job.seed,
        max_images=job.terms.shared_images,
        device=job.terms.device,
        folder=job.terms.out / "searches" / f"{job.data}-{job.row.key}-{job.seed}",
        resume=True,
    )
    found = search_shared(job.row.strategy, task)
    return found.seconds, found.evaluations, ((found.seconds, str(found.best)),)


def _draw(job: Job, space: SearchSpace) -> Found:
    """No search at all: the first cell that the seed's random search looks at."""
    return 0.0, 0, ((0.0, str(SearchProblem(space).shuffled(Random(job.seed))[0])),)


def _largest(job: Job, space: SearchSpace) -> Found:
    """Nothing to search: most parameters, most operations."""
    largest = Cell((max(OPERATIONS, key=lambda op: space.params(Cell((op,) * 6))),) * 6)
    return 0.0, 0, ((0.0, str(largest)),)
