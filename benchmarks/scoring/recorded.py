"""What released scores say of a ground truth: measurements for which no network is asked anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.scoring.measured import Ask, Measured
from benchmarks.scoring.population import MOST, fair
from benchmarks.scoring.question import Answer, Question
from benchmarks.scoring.release import Book
from benchmarks.scoring.runner import Answers
from benchmarks.scoring.setting import FIRST_TEACHER_SEED, RECIPE, Setting
from benchmarks.scoring.study import FEWEST, Study, sample_of
from nb201_data.ground_truth import GroundTruth
from proxies.registry import PROXIES, ProxyInfo

NOT_THERE = Answer(None, "not-released", "no released table holds it")


def recorded(book: Book, truth: GroundTruth) -> list[Measured]:
    """One measurement for each setting under which a fair sample of the truth is scored, the largest first.

    Scores that look at no teacher stand beside those of every teacher. What some proxy lacks has a status; one that was
    asked on a part of the networks only has no place there.
    """
    settings: dict[Setting, Answers] = defaultdict(dict)
    for question, found in book:
        if _is_about(question, truth):
            known = {arch: answer for arch, answer in found.items() if arch in truth.values}
            settings[Setting.of(question)][question.proxy, question.seed] = known
    alone = {setting: settings.pop(setting) for setting in list(settings) if not setting.teacher}
    whole = {setting: {**alone.get(replace(setting, teacher=""), {}), **found} for setting, found in settings.items()}
    accompanied = {replace(setting, teacher="") for setting in whole}
    whole |= {setting: found for setting, found in alone.items() if setting not in accompanied}
    order = sample_of(truth, "all", 0)
    measured = [_measured(truth, order, setting, found) for setting, found in whole.items()]
    large = [one for one in measured if len(one.study.archs) >= FEWEST and fair(order, set(one.study.archs))]
    return sorted(large, key=lambda one: -len(one.study.archs))


def _is_about(question: Question, truth: GroundTruth) -> bool:
    """Networks of the truth, scored by a proxy at its present version beside a teacher of random weights."""
    seeded = (question.teacher_init, question.teacher_seed) == (question.init, FIRST_TEACHER_SEED + question.seed)
    same = (question.space, question.skeleton, question.recipe) == (truth.space, str(truth.skeleton or ""), RECIPE)
    return question.present and same and question.batch_seed == question.seed and (seeded or not question.teacher)


def _measured(truth: GroundTruth, order: Sequence[str], setting: Setting, found: Answers) -> Measured:
    """On the networks of the seed that has most of them, over all seeds that have these too.

    They stand in the order of `--sample`, so that a command that asks for as many draws the same resamples.
    """
    networks: dict[int, set[str]] = defaultdict(set)
    for (_, seed), by_arch in found.items():
        networks[seed].update(by_arch)
    most = max(sorted(networks), key=lambda seed: len(networks[seed]))
    seeds = tuple(seed for seed in sorted(networks) if networks[seed] >= networks[most])
    archs = tuple(arch for arch in order if arch in networks[most])
    names = {proxy for (proxy, seed), by_arch in found.items() if seed in seeds and len(by_arch) >= MOST * len(archs)}
    infos: tuple[ProxyInfo, ...] = tuple(PROXIES[name] for name in PROXIES if name in names)
    answers: Answers = {
        (info.name, seed): {arch: found.get((info.name, seed), {}).get(arch, NOT_THERE) for arch in archs}
        for info in infos
        for seed in seeds
    }
    return Measured(Ask(Study(truth, setting, archs, seeds), infos), answers)
