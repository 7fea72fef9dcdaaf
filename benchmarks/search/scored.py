"""Training-free scores as objectives: one proxy, or the mean standing of several. torch is imported when it is used."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.search.protocol import FULL, Outcome
from benchmarks.search.standing import Scale
from benchmarks.settings import Answer, Setting, device_kind
from benchmarks.store import Store
from diswot_errors import UsageError
from nb201_data.space import sample
from nb201_data.spaces import SearchSpace, get_space

if TYPE_CHECKING:
    from benchmarks.scorer import Scorer
    from proxies.registry import ProxyInfo

REFERENCES = 100


@dataclass(frozen=True)
class StoredScores:
    """Scores architectures under one setting and seed; with a store, asks it first and keeps what is new."""

    setting: Setting
    seed: int = 0
    store: Path | None = None

    def __str__(self) -> str:
        s = self.setting
        teacher = f", teacher {s.teacher}" + (f" ({s.teacher_init})" if s.teacher_weights else "") if s.teacher else ""
        return (
            f"{s.images}, batch {s.batch_size}, {s.init} initialisation, seed {self.seed}{teacher}, "
            f"{device_kind(s.device)}, {s.precision}"
        )

    @property
    def space(self) -> SearchSpace:
        """The search space in the setting's skeleton."""
        return get_space(self.setting.space).with_skeleton(self.setting.skeleton)

    def answers(self, arch: Any, infos: "Sequence[ProxyInfo]") -> list[Answer]:
        """What each proxy says of one architecture, in their order."""
        key = str(arch)
        missing = [info for info in infos if key not in self._known(info)]
        if missing:
            (scores,) = self._scorer.scores([key], [info.name for info in missing], self.seed)
            found = [scores[info.name] for info in missing]
            for info, answer in zip(missing, found, strict=True):
                self._known(info)[key] = answer
            if self.store:
                with Store(self.store) as store:
                    questions = [self.setting.question(info, self.seed) for info in missing]
                    store.add((q, key, answer) for q, answer in zip(questions, found, strict=True))
        return [self._known(info)[key] for info in infos]

    def _known(self, info: "ProxyInfo") -> dict[str, Answer]:
        if info.name not in self._memory:
            known: dict[str, Answer] = {}
            if self.store:
                with Store(self.store) as store:
                    known = store.known(self.setting.question(info, self.seed))
            self._memory[info.name] = known
        return self._memory[info.name]

    @cached_property
    def _memory(self) -> dict[str, dict[str, Answer]]:
        return {}

    @cached_property
    def _scorer(self) -> "Scorer":
        from benchmarks import shell
        from benchmarks.scorer import Scorer

        shell.one_thread()  # the same arithmetic on any number of workers
        return Scorer(self.setting)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


@dataclass(frozen=True)
class ProxyObjective:
    """One proxy; where lower is better its negative. Seconds are those of its passes and of its own arithmetic."""

    scorer: StoredScores
    proxy: str
    fidelities: tuple[int, ...] = (FULL,)

    @property
    def name(self) -> str:
        """The proxy, and what else its values depend on."""
        return f"{self.proxy} ({self.scorer})"

    def __call__(self, arch: Any, fidelity: int) -> Outcome:
        from proxies.registry import get

        info = get(self.proxy)
        (answer,) = self.scorer.answers(arch, [info])
        return Outcome(_higher(info, answer), _why(answer), answer.seconds)


@dataclass(frozen=True)
class RankAggregate:
    """The mean standing of an architecture under several proxies, among fixed reference architectures.

    Ranks within everything seen so far would change the value of a network while the search goes on, and with it the
    meaning of 'best'; standings among references drawn once (by the seed) do not. See `Scale`.
    """

    scorer: StoredScores
    scales: dict[str, Scale] = field(repr=False)
    references: int
    seconds: float
    """What scoring the references cost; not part of any evaluation."""
    fidelities: tuple[int, ...] = (FULL,)

    @property
    def name(self) -> str:
        """The proxies, and what else the values depend on."""
        return f"mean standing of {'+'.join(self.scales)} among {self.references} ({self.scorer})"

    def __call__(self, arch: Any, fidelity: int) -> Outcome:
        from proxies.registry import get

        infos = [get(name) for name in self.scales]
        answers = self.scorer.answers(arch, infos)
        seconds = math.fsum(answer.seconds for answer in answers)
        failed = [f"{info.name}: {_why(a)}" for info, a in zip(infos, answers, strict=True) if a.value is None]
        if failed:
            return Outcome(None, "; ".join(failed), seconds)
        values = [_higher(info, answer) or 0.0 for info, answer in zip(infos, answers, strict=True)]
        standings = [scale.standing(v) for scale, v in zip(self.scales.values(), values, strict=True)]
        return Outcome(math.fsum(standings) / len(standings), "", seconds)


def proxy_objective(scorer: StoredScores, names: Sequence[str]) -> ProxyObjective | RankAggregate:
    """One proxy as it is; several, or one that is defined by ranks (te_nas, az_nas), by their mean standing."""
    from proxies.registry import aggregates, select

    parts = {info.name: info.parts for info in aggregates()}
    infos = select([part for name in names for part in parts.get(name, (name,))])
    missing = [info.name for info in infos if info.teacher and not scorer.setting.teacher]
    if missing:
        raise UsageError(f"{', '.join(missing)} compares with a teacher: name one, as in --teacher resnet56")
    if len(infos) == 1:
        return ProxyObjective(scorer, infos[0].name)
    pool = scorer.space.distinct()
    references = sample(pool, min(REFERENCES, len(pool)), scorer.seed)
    scored = [scorer.answers(arch, infos) for arch in references]
    scales = {}
    for info, answers in zip(infos, zip(*scored, strict=True), strict=True):
        values = [value for answer in answers if (value := _higher(info, answer)) is not None]
        if not values:
            raise UsageError(f"{info.name} has no value on any of {len(references)} networks: {_why(answers[0])}")
        scales[info.name] = Scale.of(values)
    return RankAggregate(scorer, scales, len(references), math.fsum(a.seconds for row in scored for a in row))


def _higher(info: "ProxyInfo", answer: Answer) -> float | None:
    """The score, turned so that higher is better."""
    if answer.value is None:
        return None
    return answer.value if info.direction == "higher" else -answer.value


def _why(answer: Answer) -> str:
    return answer.reason if answer.value is not None else f"{answer.status}: {answer.reason}"
