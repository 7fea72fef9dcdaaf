"""The searches of Table 8, run: those that compute scores side by side through the runner, the others in workers."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from random import Random

from benchmarks.engines.progress import Progress
from benchmarks.scoring.lockstep import Inquiry, lockstep
from benchmarks.scoring.runner import Runner
from benchmarks.search import trajectory
from benchmarks.search.choices import setting_for
from benchmarks.search.courses import PROBED
from benchmarks.search.driver import Search, SearchResult, run_search
from benchmarks.search.protocol import FULL
from benchmarks.search.scored import ScoredObjective, scored_objective
from benchmarks.search.tabular import TabularObjective, tabular_objective
from benchmarks.search.weight_sharing import search_shared
from benchmarks.tables.search_entries import Entry, NotRun
from benchmarks.tables.search_rows import Kind
from benchmarks.tables.search_shared import Plan, plans_for, task_of
from nb201_data.files import data_dir
from nb201_data.spaces import get_space
from reports.tables import format_duration

Course = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Finding:
    """What a search found and what that cost."""

    data: str
    pool: str
    row: str
    seed: int
    arch: str
    seconds: float
    evaluations: int
    course: Course
    """The best so far, each time it changed: after how many seconds, which."""
    conditions: str = ""

    @classmethod
    def of(cls, entry: Entry, seconds: float, evaluations: int, course: Course, conditions: str = "") -> "Finding":
        """The last of the course is what was found."""
        return cls(*entry.key, course[-1][1] if course else "", seconds, evaluations, course, conditions)

    @classmethod
    def of_search(cls, entry: Entry, found: SearchResult, conditions: str) -> "Finding":
        """Of a search by evaluations."""
        course = tuple((step.seconds, str(step.evaluation.trial.arch)) for step in found.improvements)
        return cls.of(entry, found.seconds, found.evaluations, course, conditions)


@dataclass(frozen=True)
class Bound:
    """How far a search that looks things up can go."""

    best: tuple[str, ...]
    """The best of all its networks by what it looks up; those that tie."""
    paid: int
    """Evaluations that its seconds pay for, were there as many networks."""


@dataclass(frozen=True)
class Searched:
    """All searches, the rows that have none, and the bounds of those that look things up by (data set, pool, row)."""

    findings: list[Finding]
    not_run: list[NotRun]
    bounds: dict[tuple[str, str, str], Bound]

    def pools(self, data: str) -> list[str]:
        """Among which networks there are searches of a data set."""
        pools = [each.pool for each in self.findings if each.data == data]
        return list(dict.fromkeys([*pools, *(each.pool for each in self.not_run if each.data == data)]))


def search_all(entries: Sequence[Entry], not_run: Sequence[NotRun], runner: Runner, out: Path) -> Searched:
    """Every search, in the order of the entries; what lies in `out` is not made again."""
    plans, lacking = plans_for([entry for entry in entries if entry.contender.kind == "shared"], out)
    without = {(each.data, each.contender.key) for each in lacking}
    entries = [e for e in entries if e.contender.kind != "shared" or (e.data, e.contender.key) not in without]
    alone = [(entry, plans.get((entry.data, entry.contender.key))) for entry in entries if not entry.computes]
    scored = sorted((e for e in entries if e.computes), key=lambda e: (e.data, e.seed))
    found: dict[tuple[str, str, str, int], Finding] = {}
    with Progress(sum(entry.most if entry.computes else 1 for entry in entries), "evaluation") as shown:
        with runner.engine.team(len(alone), folder=out) as team:
            for finding in team.each(partial(search_alone, out=out), alone):
                found[finding.data, finding.pool, finding.row, finding.seed] = finding
                shown.advance()
        for finding in lockstep(runner, (by_score(entry, runner, out, shown) for entry in scored)):
            found[finding.data, finding.pool, finding.row, finding.seed] = finding
    firsts = [entry for entry in entries if entry.seed == 0 and _looked_up(entry)]
    bounds = {(entry.data, entry.pool.key, entry.contender.key): bound_of(entry) for entry in firsts}
    return Searched([found[entry.key] for entry in entries], [*not_run, *lacking], bounds)


def by_score(entry: Entry, runner: Runner, out: Path, shown: Progress) -> Inquiry[Finding]:
    """A search that computes what it asks for, until its seconds are spent."""
    objective = objective_of(entry, runner)
    row = entry.contender
    search = Search(
        entry.problem,
        row.strategy,
        entry.most,
        seed=entry.seed,
        settings=dict(row.settings),
        max_seconds=entry.seconds,
        charged=True,
        watch=lambda *_: shown.advance(),
    )
    entry.folder(out).mkdir(parents=True, exist_ok=True)
    search.resume(entry.folder(out) / trajectory.NAME)
    while search.trials:
        answers = yield objective.request(search.trials)
        search.tell(objective.read(search.trials, answers))
    shown.advance(entry.most - search.result.evaluations)  # those that its seconds did not pay for
    return Finding.of_search(entry, search.result, _conditions(objective))


def _conditions(objective: ScoredObjective) -> str:
    """Init, batch and images; the teacher where the score looks at it: what is the same for all seeds."""
    setting = objective.setting
    teacher = f", teacher {setting.teacher}" if any(info.teacher for info in objective.infos) else ""
    return f"{setting.init}, {setting.batch_size} of {setting.images}{teacher}"


def objective_of(entry: Entry, runner: Runner) -> ScoredObjective:
    """The score of an entry, on the images of its data set."""
    terms = entry.terms
    setting = setting_for(
        entry.space,
        terms.images,
        own_images=entry.data,
        teacher=terms.teacher,
        teacher_weights=terms.teacher_weights,
        batch_size=terms.batch_size,
        device=terms.device,
    )
    return scored_objective(runner, setting, entry.seed, [entry.contender.score])


def search_alone(job: tuple[Entry, Plan | None], out: Path) -> Finding:
    """A search that computes no score; in a worker process."""
    entry, plan = job
    kinds: dict[Kind, Callable[[Entry], Finding]] = {
        "accuracy": by_table,
        "score": by_table,
        "draw": _draw,
        "largest": _largest,
    }
    return kinds[entry.contender.kind](entry) if plan is None else _by_sharing(entry, plan, out)


def _looked_up(entry: Entry) -> bool:
    return entry.contender.kind == "accuracy" or entry.scored is not None


def table_of(entry: Entry) -> TabularObjective:
    """What is looked up: the scores of the seed's weights, or validation accuracies."""
    if entry.scored is None:
        return _accuracies(entry.data, entry.contender.score, data_dir())
    scored = entry.scored
    pairs = zip(scored.archs, scored.by_seed[entry.seed % len(scored.by_seed)].tolist(), strict=True)
    values = {arch: value for arch, value in pairs if math.isfinite(value)}
    return TabularObjective(scored.name, (FULL,), {FULL: values}, {FULL: scored.seconds})


@lru_cache(maxsize=8)
def _accuracies(data: str, score: str, folder: Path) -> TabularObjective:
    """Read once in each process; `folder` is where the table lies, so that another folder is another table."""
    return tabular_objective(get_space("nb201"), f"nb201:{data}:{score}")


def by_table(entry: Entry) -> Finding:
    """As many evaluations as the published time pays for; a repeated one costs its time again."""
    found = run_search(
        entry.space,
        "random" if entry.exhaustive else entry.contender.strategy,
        table_of(entry),
        min(entry.most, entry.paid),
        constraints=entry.pool.constraints,
        seed=entry.seed,
        settings={} if entry.exhaustive else dict(entry.contender.settings),
        max_seconds=entry.seconds,
        charged=True,
    )
    return Finding.of_search(entry, found, entry.scored.setting if entry.scored else "")


def bound_of(entry: Entry) -> Bound:
    """What an exhaustive search finds, and how many evaluations the published time pays for."""
    objective = table_of(entry)
    values = objective.tables[objective.fidelities[-1]]
    among = {arch: values[arch] for arch in entry.pool.archs or values if arch in values}
    best = max(among.values())
    return Bound(tuple(arch for arch, value in among.items() if value == best), entry.paid)


def _by_sharing(entry: Entry, plan: Plan, out: Path) -> Finding:
    found = search_shared(entry.contender.strategy, task_of(entry, plan, entry.folder(out)))
    course = ((found.seconds, str(found.best)),)
    return Finding.of(entry, found.seconds, found.evaluations, course, plan.words(entry))


def _draw(entry: Entry) -> Finding:
    """No search at all: the first cell that the seed's random search looks at."""
    return Finding.of(entry, 0.0, 0, ((0.0, str(entry.problem.shuffled(Random(entry.seed))[0])),))


def _largest(entry: Entry) -> Finding:
    """Nothing to search: most parameters, then most operations."""
    largest = max(entry.problem.archs, key=lambda cell: (entry.space.params(cell), entry.space.flops(cell)))
    return Finding.of(entry, 0.0, 0, ((0.0, str(largest)),))


def estimate(entries: Sequence[Entry], not_run: Sequence[NotRun], runner: Runner) -> str:
    """A line for each row and data set that takes its time, and their sum; by probes, as if nothing were done yet."""
    lines, total = [], 0.0
    for (data, contender), count in Counter((entry.data, entry.contender) for entry in entries).items():
        entry = next(each for each in entries if (each.data, each.contender) == (data, contender))
        if contender.kind == "shared":
            one = 60 * (entry.terms.shared_minutes or 0.0)
        elif entry.computes:
            objective = objective_of(entry, runner)
            each = objective.probe(entry.problem.shuffled(Random(0))[:PROBED])
            one = min(entry.seconds, entry.most * each) + each * objective.references
        else:
            continue
        total += count * one
        lines.append(f"{contender.label}, {data}: {count} searches of about {format_duration(one)} each")
    looked_up = Counter(entry.contender.label for entry in entries if _looked_up(entry))
    lines += [f"{label}: {count} searches that look up what they ask for" for label, count in looked_up.items()]
    lines += [f"{each.contender.label}, {each.data}: not run, {each.why}: {each.how}" for each in not_run]
    whole = f"About {format_duration(total / runner.workers)} with {runner.workers} workers"
    return "\n".join([*lines, f"{whole}, and seconds to minutes for what is looked up."])
