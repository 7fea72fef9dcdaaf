"""Training-free scores as objectives: one proxy, or the mean standing of several, all through the runner."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from benchmarks.command.estimate import probe
from benchmarks.scoring import columns
from benchmarks.scoring.question import Answer
from benchmarks.scoring.runner import Answers, Job, Request, Runner
from benchmarks.scoring.setting import Setting, device_kind
from benchmarks.search.protocol import FULL, Trial, Value
from benchmarks.search.standing import Scale
from diswot_errors import UsageError
from nb201_data.space import sample

if TYPE_CHECKING:
    from proxies.registry import ProxyInfo

REFERENCES = 100


@dataclass(frozen=True)
class ScoredObjective:
    """One proxy, where lower is better its negative; of several the mean standing among fixed reference architectures.

    Ranks within everything seen so far would change the value of a network while the search goes on, and with it the
    meaning of 'best'; standings among references drawn once (by the seed) do not. See `Scale`. Seconds are those of the
    proxies' passes and of their own arithmetic, as the store keeps them; scoring the references is no part of them.
    """

    runner: Runner = field(repr=False)
    setting: Setting
    seed: int
    infos: tuple["ProxyInfo", ...]
    fidelities: tuple[int, ...] = (FULL,)

    @property
    def name(self) -> str:
        """The proxies, and what else the values depend on."""
        s = self.setting
        teacher = f", teacher {s.teacher}" + (f" ({s.teacher_init})" if s.teacher_weights else "") if s.teacher else ""
        conditions = (
            f"{s.images}, batch {s.batch_size}, {s.init} initialisation, seed {self.seed}{teacher}, "
            f"{device_kind(s.device)}, {s.precision}"
        )
        if len(self.infos) == 1:
            return f"{self.infos[0].name} ({conditions})"
        names = "+".join(info.name for info in self.infos)
        return f"mean standing of {names} among {len(self._references)} ({conditions})"

    def values(self, trials: Sequence[Trial]) -> Iterator[Value]:
        """One for each, in their order; all are scored together."""
        return iter(self.read(trials, self.runner.scores(*self.request(trials))))

    def request(self, trials: Sequence[Trial]) -> Request:
        """What the runner has to answer for these trials."""
        return Request(self.setting, self.infos, [str(trial.arch) for trial in trials], [self.seed])

    def read(self, trials: Sequence[Trial], answers: Answers) -> list[Value]:
        """The values of the trials from what the runner answered."""
        return [self._value([answers[i.name, self.seed][str(t.arch)] for i in self.infos]) for t in trials]

    def probe(self, archs: Sequence[Any]) -> float:
        """Seconds for one network, by a probe of some of these."""
        names = tuple(info.name for info in self.infos)
        return probe([Job(self.setting, self.seed, names, tuple(map(str, archs)))])

    @property
    def references(self) -> int:
        """Networks that are scored before the first value: none of a single proxy."""
        return len(self._references) if len(self.infos) > 1 else 0

    @cached_property
    def scales(self) -> tuple[Scale, ...]:
        """How the references score under each proxy; scored when first needed."""
        archs = list(map(str, self._references))
        answers = self.runner.scores(self.setting, self.infos, archs, [self.seed])
        scales = []
        for info in self.infos:
            found = list(answers[info.name, self.seed].values())
            values = [value for answer in found if (value := _higher(info, answer)) is not None]
            if not values:
                raise UsageError(f"{info.name} has no value on any of {len(archs)} networks: {_why(found[0])}")
            scales.append(Scale.of(values))
        return tuple(scales)

    @cached_property
    def _references(self) -> Sequence[Any]:
        pool = self.setting.search_space.distinct()
        return sample(pool, min(REFERENCES, len(pool)), self.seed)

    def _value(self, answers: Sequence[Answer]) -> Value:
        """Of one architecture, from its answers in the order of the proxies."""
        if len(self.infos) == 1:
            return Value(_higher(self.infos[0], answers[0]), _why(answers[0]), answers[0].seconds)
        seconds = math.fsum(answer.seconds for answer in answers)
        values = [_higher(info, answer) for info, answer in zip(self.infos, answers, strict=True)]
        failed = [f"{i.name}: {_why(a)}" for i, a, v in zip(self.infos, answers, values, strict=True) if v is None]
        if failed:
            return Value(None, "; ".join(failed), seconds)
        standings = [scale.standing(v) for scale, v in zip(self.scales, values, strict=True) if v is not None]
        return Value(math.fsum(standings) / len(standings), "", seconds)


def scored_objective(runner: Runner, setting: Setting, seed: int, names: Sequence[str]) -> ScoredObjective:
    """One proxy as it is; several, or one that is defined by ranks (te_nas, az_nas), by their mean standing."""
    infos = parts_of(names)
    missing = [info.name for info in infos if info.teacher and not setting.teacher]
    if missing:
        raise UsageError(f"{', '.join(missing)} compares with a teacher: name one, as in --teacher resnet56")
    return ScoredObjective(runner, setting, seed, tuple(infos))


def parts_of(names: Sequence[str]) -> "list[ProxyInfo]":
    """The proxies of these names, those of their parts for the ones that are defined by ranks."""
    from proxies.registry import select

    return select([part for name in names for part in columns.parts_of(name.strip())])


def _higher(info: "ProxyInfo", answer: Answer) -> float | None:
    """The score, turned so that higher is better."""
    if answer.value is None:
        return None
    return answer.value if info.direction == "higher" else -answer.value


def _why(answer: Answer) -> str:
    return answer.reason if answer.value is not None else f"{answer.status}: {answer.reason}"
