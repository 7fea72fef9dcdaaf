"""What released scores say of a ground truth: measurements for which no network is asked anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks.scoring.authors import AUTHORS, COMMON, INIT, setting_of
from benchmarks.scoring.columns import published
from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.population import ENOUGH, fair
from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.release import Book
from benchmarks.scoring.runner import Answers
from benchmarks.scoring.setting import FIRST_TEACHER_SEED, RECIPE, Setting
from benchmarks.scoring.study import Study, sample_of
from nb201_data.ground_truth import GroundTruth
from proxies.registry import PROXIES, ProxyInfo
from reports.schema import COUNTS, FEWEST

NOT_THERE = Answer(None, "not-released", "no released table holds it")


Settings = Mapping[Setting, Answers]


def recorded(book: Book, truth: GroundTruth) -> list[Measured]:
    """A measurement for each setting under which a fair sample of the truth is scored, the largest first; then those of
    the scores each under the setting of its authors, where they are there.

    Scores that look at no teacher stand beside those of every teacher. What some proxy lacks has a status; one that was
    asked on a part of the networks only has no place there, and stands with all others in a further one on that part.
    """
    raw: dict[Setting, Answers] = defaultdict(dict)
    for question, found in book:
        if _is_about(question, truth):
            known = {arch: answer for arch, answer in found.items() if arch in truth.values}
            raw[Setting.of(question)][question.proxy, question.seed] = known
    whole = _accompanied(raw)
    own = {base: theirs for base in whole if (theirs := _of_authors(base, raw))}
    order = sample_of(truth, "all", 0)
    measured: list[Measured] = []
    for kind, settings in ((AUTHORS, own), (COMMON, whole)):
        some = [
            _measured(truth, order, setting, each, networks, kind)
            for setting, each in settings.items()
            for networks in _sets(each)
        ]
        some = [one for one in some if len(one.study.archs) >= FEWEST and fair(order, set(one.study.archs))]
        # what is part of one under the settings of the authors stands for itself no more
        some = [one for one in some if not any(_within(one, theirs) for theirs in measured)]
        measured = sorted(some, key=lambda one: -len(one.study.archs)) + measured
    return measured


def _accompanied(raw: Settings) -> dict[Setting, Answers]:
    """With each teacher what looks at none; without one where no teacher is."""
    pairs = {setting: found for setting, found in raw.items() if setting.teacher}
    alone = {setting: found for setting, found in raw.items() if not setting.teacher}
    whole = {setting: {**alone.get(replace(setting, teacher=""), {}), **found} for setting, found in pairs.items()}
    beside = {replace(setting, teacher="") for setting in whole}
    return whole | {setting: found for setting, found in alone.items() if setting not in beside}


def _of_authors(base: Setting, raw: Settings) -> Answers:
    """Each proxy under the setting of its authors, where that is not known under the base.

    Nothing where the base has other weights than usual, or no count, or no other setting on its images is there.
    """
    found: Answers = {}
    if base.init != INIT:
        return found
    others = False
    for name in {proxy for answers in raw.values() for proxy, _ in answers}:
        info = PROXIES[name]
        asked = replace(setting_of(base, info, AUTHORS), teacher=base.teacher if info.teacher else "")
        own = {key: answers for key, answers in raw.get(asked, {}).items() if key[0] == name}
        others |= bool(own) and asked.images == base.images and asked != replace(base, teacher=asked.teacher)
        found |= own
    return found if others and any(name in COUNTS for name, _ in found) else {}


def _within(one: Measured, other: Measured) -> bool:
    """Whether the other has all these proxies under this setting, whatever the teacher of those that look at none."""
    theirs = {name: replace(setting, teacher="") for name, setting in other.settings.items()}
    return all(theirs.get(info.name) == replace(one.study.setting, teacher="") for info in one.infos)


def _is_about(question: Question, truth: GroundTruth) -> bool:
    """Networks of the truth, scored by a proxy at its present version beside a teacher of random weights."""
    seeded = (question.teacher_init, question.teacher_seed) == (question.init, FIRST_TEACHER_SEED + question.seed)
    same = (question.space, question.skeleton, question.recipe) == (truth.space, str(truth.skeleton or ""), RECIPE)
    return question.present and same and question.batch_seed == question.seed and (seeded or not question.teacher)


def _measured(
    truth: GroundTruth, order: Sequence[str], setting: Setting, found: Answers, chosen: Collection[str], kind: str
) -> Measured:
    """On the chosen networks, over all seeds that have these too.

    They stand in the order of `--sample`, so that a command that asks for as many draws the same resamples.
    """
    networks: dict[int, set[str]] = defaultdict(set)
    for (_, seed), by_arch in found.items():
        networks[seed].update(by_arch)
    seeds = tuple(seed for seed in sorted(networks) if networks[seed].issuperset(chosen))
    archs = tuple(arch for arch in order if arch in chosen)
    names = {proxy for (proxy, seed), by_arch in found.items() if seed in seeds and _covers(by_arch, chosen)}
    infos: tuple[ProxyInfo, ...] = tuple(PROXIES[name] for name in PROXIES if name in names)
    answers: Answers = {
        (info.name, seed): {arch: found.get((info.name, seed), {}).get(arch, NOT_THERE) for arch in archs}
        for info in infos
        for seed in seeds
    }
    return Measured(Ask(Study(truth, setting, archs, seeds, kind), infos, formulas=published(infos)), answers)


def _sets(found: Answers) -> Iterator[frozenset[str]]:
    """The networks on which most proxies are compared; then of those that have no place there, until all have one."""
    while found:
        chosen = _fullest(found)
        yield chosen
        placed = {name for (name, _), by_arch in found.items() if _covers(by_arch, chosen)}
        found = {key: by_arch for key, by_arch in found.items() if key[0] not in placed}


def _fullest(found: Answers) -> frozenset[str]:
    """Of the sets of networks that proxies have answers for the one on which most proxies are compared: its networks
    times the square of the proxies of a seed that cover it, and of the share of that table which is filled.

    So a few proxies that went further than the others do not decide.
    """
    sets: dict[frozenset[str], int] = {}
    for (_, seed), by_arch in found.items():
        if networks := frozenset(by_arch):
            sets[networks] = min(seed, sets.get(networks, seed))

    def size(one: frozenset[str]) -> float:
        rows = [by_arch for (_, seed), by_arch in found.items() if seed == sets[one] and _covers(by_arch, one)]
        filled = sum(len(one & by_arch.keys()) for by_arch in rows)
        return filled * filled / len(one)

    return max(sets, key=lambda one: (size(one), len(one)), default=frozenset())


def _covers(by_arch: Mapping[str, Answer], networks: Collection[str]) -> bool:
    return len(by_arch.keys() & networks) >= ENOUGH * len(networks)
