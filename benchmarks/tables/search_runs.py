"""The searches of Table 8, run: those by scores side by side through the runner, the others each in a worker."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from benchmarks.command.estimate import duration
from benchmarks.engines.progress import Progress
from benchmarks.scoring.lockstep import Inquiry, lockstep
from benchmarks.scoring.resolve import resolve_images
from benchmarks.scoring.runner import Runner
from benchmarks.search import trajectory
from benchmarks.search.choices import setting_for
from benchmarks.search.courses import PROBED, shared_seconds
from benchmarks.search.driver import Search, SearchResult, run_search
from benchmarks.search.problem import SearchProblem
from benchmarks.search.protocol import Trial
from benchmarks.search.scored import ScoredObjective, scored_objective
from benchmarks.search.tabular import tabular_objective, training_seconds
from benchmarks.search.weight_sharing import SharedTask, search_shared
from benchmarks.tables.search_rows import RANKED_IMAGES, Entry, Kind
from nb201_data.skeleton import Skeleton
from nb201_data.space import OPERATIONS, Cell

Course = tuple[tuple[float, str], ...]
CHEAP_EPOCHS = 12  # the fidelity that the benchmark's own searches look at


@dataclass(frozen=True)
class Finding:
    """What a search found and what that cost."""

    data: str
    row: str
    seed: int
    arch: str
    seconds: float
    evaluations: int
    course: Course
    """The best so far, each time it changed: after how many seconds, which."""

    @classmethod
    def of(cls, entry: Entry, seconds: float, evaluations: int, course: Course) -> "Finding":
        """The last of the course is what was found."""
        return cls(*entry.key, course[-1][1] if course else "", seconds, evaluations, course)

    @classmethod
    def of_search(cls, entry: Entry, found: SearchResult) -> "Finding":
        """Of a search by evaluations."""
        course = tuple((step.seconds, str(step.evaluation.trial.arch)) for step in found.improvements)
        return cls.of(entry, found.seconds, found.evaluations, course)


def search_all(entries: Sequence[Entry], runner: Runner, out: Path) -> list[Finding]:
    """Every search, in the order of the entries; what lies in `out` is not made again."""
    asking: dict[Kind, Callable[..., Inquiry[Finding]]] = {"score": by_score, "ranks": by_ranks}
    alone = [entry for entry in entries if entry.contender.kind not in asking]
    scored = sorted((e for e in entries if e.contender.kind in asking), key=lambda e: (e.data, e.seed))
    found: dict[tuple[str, str, int], Finding] = {}
    with Progress(sum(entry.steps for entry in entries), "evaluation") as shown:
        with runner.engine.team(len(alone), folder=out) as team:
            for finding in team.each(partial(search_alone, out=out), alone):
                found[finding.data, finding.row, finding.seed] = finding
                shown.advance()
        inquiries = (asking[entry.contender.kind](entry, runner, out, shown) for entry in scored)
        for finding in lockstep(runner, inquiries):
            found[finding.data, finding.row, finding.seed] = finding
    return [found[entry.key] for entry in entries]


def by_score(entry: Entry, runner: Runner, out: Path, shown: Progress) -> Inquiry[Finding]:
    """A search that asks for one score."""
    objective, problem = objective_of(entry, runner), SearchProblem(entry.space)
    search = Search(
        problem, entry.contender.strategy, entry.terms.budget, seed=entry.seed, watch=lambda *_: shown.advance()
    )
    entry.folder(out).mkdir(parents=True, exist_ok=True)
    search.resume(entry.folder(out) / trajectory.NAME)
    while search.trials:
        answers = yield objective.request(search.trials)
        search.tell(objective.read(search.trials, answers))
    return Finding.of_search(entry, search.result)


def by_ranks(entry: Entry, runner: Runner, out: Path, shown: Progress) -> Inquiry[Finding]:
    """The best of `ranked_budget` random networks by a score that is defined by ranks among them."""
    from proxies.combining import combined
    from proxies.registry import aggregates

    (info,) = (info for info in aggregates() if info.name == entry.contender.score)
    archs = SearchProblem(entry.space).shuffled(Random(entry.seed))[: entry.terms.ranked_budget]
    request = objective_of(entry, runner).request([Trial(arch) for arch in archs])
    answers = yield request
    shown.advance(len(archs))
    rows = [[answers[part.name, entry.seed][arch] for part in request.infos] for arch in request.archs]
    seconds = math.fsum(answer.seconds for row in rows for answer in row)
    whole = [(arch, row) for arch, row in zip(archs, rows, strict=True) if all(a.value is not None for a in row)]
    if not whole:
        return Finding.of(entry, seconds, len(archs), ())
    values = combined(info, [[a.value for a in column] for column in zip(*(row for _, row in whole), strict=True)])
    ranked = [(value, arch) for value, (arch, _) in zip(values, whole, strict=True) if value is not None]
    course = ((seconds, str(max(ranked, key=lambda pair: pair[0])[1])),) if ranked else ()
    return Finding.of(entry, seconds, len(archs), course)


def objective_of(entry: Entry, runner: Runner) -> ScoredObjective:
    """The score of an entry, on the images of its data set."""
    terms = entry.terms
    most = RANKED_IMAGES if entry.contender.kind == "ranks" else terms.batch_size
    setting = setting_for(
        entry.space,
        terms.images,
        own_images=entry.data,
        teacher=terms.teacher,
        teacher_weights=terms.teacher_weights,
        batch_size=min(terms.batch_size, most),
        device=terms.device,
    )
    return scored_objective(runner, setting, entry.seed, [entry.contender.score])


def search_alone(entry: Entry, out: Path) -> Finding:
    """A search that asks for no score; in a worker process."""
    kinds: dict[Kind, Callable[[Entry, Path], Finding]] = {
        "accuracy": _by_accuracy,
        "shared": _by_sharing,
        "draw": _draw,
        "largest": _largest,
    }
    return kinds[entry.contender.kind](entry, out)


def _by_accuracy(entry: Entry, out: Path) -> Finding:
    """As many evaluations as the published time pays for at 12 epochs each; a repeated one counts but costs nothing."""
    objective = tabular_objective(entry.space, f"nb201:{entry.data}:{entry.contender.score}")
    budget = int(entry.seconds // training_seconds(entry.data, CHEAP_EPOCHS))
    strategy = entry.contender.strategy
    found = run_search(entry.space, strategy, objective, budget, seed=entry.seed, max_seconds=entry.seconds)
    return Finding.of_search(entry, found)


def _by_sharing(entry: Entry, out: Path) -> Finding:
    found = search_shared(entry.contender.strategy, shared_task(entry, entry.folder(out)))
    return Finding.of(entry, found.seconds, found.evaluations, ((found.seconds, str(found.best)),))


def shared_task(entry: Entry, folder: Path | None = None) -> SharedTask:
    """A small shared network on the images of the data set."""
    from nb201_data.images import load_images

    terms, small = entry.terms, Skeleton(4, 1, entry.space.skeleton.classes, 16)
    return SharedTask(
        space=entry.space.with_skeleton(small),
        images=load_images(resolve_images(terms.images, small, entry.data)),
        epochs=terms.shared_epochs,
        seed=entry.seed,
        max_images=terms.shared_images,
        device=terms.device,
        folder=folder,
    )


def _draw(entry: Entry, out: Path) -> Finding:
    """No search at all: the first cell that the seed's random search looks at."""
    return Finding.of(entry, 0.0, 0, ((0.0, str(SearchProblem(entry.space).shuffled(Random(entry.seed))[0])),))


def _largest(entry: Entry, out: Path) -> Finding:
    """Nothing to search: most parameters, most operations."""
    largest = Cell((max(OPERATIONS, key=lambda op: entry.space.params(Cell((op,) * 6))),) * 6)
    return Finding.of(entry, 0.0, 0, ((0.0, str(largest)),))


def estimate(entries: Sequence[Entry], runner: Runner) -> str:
    """A line for each row and data set that takes its time, and their sum; by probes, as if nothing were done yet."""
    lines, total = [], 0.0
    for (data, contender), count in Counter((entry.data, entry.contender) for entry in entries).items():
        entry = next(each for each in entries if (each.data, each.contender) == (data, contender))
        if contender.kind == "shared":
            one = shared_seconds(contender.strategy, shared_task(entry), {})
        elif contender.kind in ("score", "ranks"):
            archs = SearchProblem(entry.space).shuffled(Random(0))[:PROBED]
            one = entry.steps * objective_of(entry, runner).probe(archs)
        else:
            continue
        total += count * one
        lines.append(f"{contender.label}, {data}: {count} searches of about {duration(one)} each")
    lines.append("The other searches look accuracies up, or search nothing: seconds each.")
    return "\n".join([*lines, f"About {duration(total / runner.workers)} with {runner.workers} workers."])
