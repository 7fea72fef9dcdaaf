"""What was asked and what was measured: scores of proxies on a study, and the statistics of them. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.scoring import authors
from benchmarks.scoring.columns import column_of, lower_of, parts_of
from benchmarks.scoring.question import NO_NUMBER, Answer
from benchmarks.scoring.runner import Answers, Request, Runner
from benchmarks.scoring.setting import Setting, device_kind
from benchmarks.scoring.study import Study
from benchmarks.statistics import correlate
from benchmarks.statistics.formula import Formula
from benchmarks.statistics.paired import RESAMPLES, paired
from benchmarks.statistics.resamples import Array
from diswot_errors import UsageError
from reports.schema import Correlation, Estimate, Note, ScoreRow, Topic

if TYPE_CHECKING:
    from proxies.registry import ProxyInfo

LACKS = "not-applicable"  # the status of a formula where a part has no value


@dataclass(frozen=True)
class Ask:
    """Some proxies on one study, and scores made of them (their parts must be among `infos`).

    label: what its progress is called. aside: not for scores.csv.
    """

    study: Study
    infos: tuple[ProxyInfo, ...]
    label: str = ""
    aside: bool = False
    formulas: tuple[Formula, ...] = ()

    def config(self) -> dict[str, Any]:
        """All that decides the numbers."""
        made = {"formulas": sorted(map(str, self.formulas))} if self.formulas else {}
        return {**self.study.config(), "proxies": {info.name: _version(info) for info in self.infos}, **made}

    @property
    def requests(self) -> list[Request]:
        """What the runner is asked for."""
        study = self.study
        return authors.requests(study.setting, self.infos, study.archs, study.seeds, study.kind)


def _version(info: ProxyInfo) -> int | str:
    """Of a proxy; of somebody else's also who brought it, with the digest of an edited file."""
    return info.version if info.ours else f"{info.version} of {info.origin}"


@dataclass(frozen=True)
class Measured:
    """What was asked, and every answer; how many of them the released tables gave."""

    ask: Ask
    answers: Answers
    from_tables: int = 0

    @property
    def study(self) -> Study:
        """What was scored."""
        return self.ask.study

    @property
    def infos(self) -> tuple[ProxyInfo, ...]:
        """By which proxies."""
        return self.ask.infos

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """Under which setting each proxy was asked."""
        return {info.name: authors.setting_of(self.study.setting, info, self.study.kind) for info in self.infos}

    @cached_property
    def rows(self) -> list[Correlation]:
        """The statistics of every proxy and formula against the study's truth."""
        made = {str(formula): self.made(formula) for formula in self.ask.formulas}
        return correlate(
            self.study.accuracies,
            {info.name: self.values(info.name) for info in self.infos} | made,
            {info.name: info.direction for info in self.infos} | dict.fromkeys(made, "higher"),
            resamples=RESAMPLES,
            networks=self.study.networks,
            reasons={info.name: self._reasons(info.name) for info in self.infos}
            | {name: [LACKS if np.isnan(cell).any() else "" for cell in values.T] for name, values in made.items()},
        )

    @cached_property
    def by_proxy(self) -> dict[str, Correlation]:
        """The statistics of each proxy."""
        return {row.proxy: row for row in self.rows}

    def gap(self, first: Array, second: Array) -> Estimate:
        """Spearman of the first scores (seeds, n), more being better, minus that of the second, as `paired`."""
        return paired(self.study.accuracies, first, second, networks=self.study.networks)

    def values(self, name: str, none: float = np.nan) -> Array:
        """(seeds, n) scores of a proxy, NaN where there is none; `none` where its formula gives no number."""
        rows = [[self.answers[name, seed][arch] for arch in self.study.archs] for seed in self.study.seeds]
        return np.array([[_number(answer, none) for answer in row] for row in rows])

    def made(self, formula: Formula) -> Array:
        """(seeds, n) of a formula, ranks being those within the study; NaN where a part has no value."""
        lower, values = lower_of(formula.names), cache(self.values)

        def column(name: str, place: int) -> Array:
            return column_of(name, lambda part, none: values(part, none)[place])

        columns = ({name: column(name, place) for name in formula.names} for place in range(len(self.study.seeds)))
        return np.stack([formula.values(each, lower) for each in columns])

    def oriented(self, name: str) -> Array:
        """(seeds, n) scores of a row, turned so that higher predicts better; NaN where there is none."""
        if made := next((formula for formula in self.ask.formulas if str(formula) == name), None):
            return self.made(made)
        lower = next(info.direction for info in self.infos if info.name == name) == "lower"
        return self.values(name) * (-1 if lower else 1)

    def mean_scores(self, name: str) -> Array:
        """(n,) the mean over seeds of a row's scores, higher predicting better."""
        return np.asarray(self.oriented(name).mean(axis=0))

    def _reasons(self, name: str) -> list[str]:
        """(n,) the first status of each architecture that is not 'ok', or ''."""
        by_arch = ([self.answers[name, seed][arch].status for seed in self.study.seeds] for arch in self.study.archs)
        return [next((status for status in found if status != "ok"), "") for found in by_arch]

    def records(self) -> list[ScoreRow]:
        """One record per question and architecture, failures included, as a run writes them."""
        scored = score_rows(self.settings, self.infos, self.answers)
        return [*scored, *(row for formula in self.ask.formulas for row in self._made_records(formula, scored))]

    def _made_records(self, formula: Formula, scored: Sequence[ScoreRow]) -> Iterator[ScoreRow]:
        """Those of a formula, like the first of its parts; it takes the seconds of all."""
        parts = {part for name in formula.names for part in parts_of(name)}
        like: dict[tuple[str, int], ScoreRow] = {}
        seconds: Counter[tuple[str, int]] = Counter()
        for row in scored:
            if row.proxy in parts:
                like.setdefault((row.arch, row.seed), row)
                seconds[row.arch, row.seed] += row.seconds  # type: ignore[assignment]
        for seed, values in zip(self.study.seeds, self.made(formula), strict=True):
            for arch, value in zip(self.study.archs, values.tolist(), strict=True):
                there = bool(np.isfinite(value))
                yield replace(
                    like[arch, seed],
                    proxy=str(formula),
                    proxy_version=0,
                    value=value if there else None,
                    status="ok" if there else LACKS,
                    reason="" if there else "a part has no value, or none that a product takes",
                    seconds=float(seconds[arch, seed]),
                )


def _number(answer: Answer, none: float) -> float:
    """Its value, `none` where the formula gives no number; NaN where there was nothing to ask or it went wrong."""
    if answer.value is not None:
        return answer.value
    return none if answer.status in NO_NUMBER else np.nan


def score_rows(settings: Mapping[str, Setting], infos: Iterable[ProxyInfo], answers: Answers) -> list[ScoreRow]:
    """Answers as records. `settings`: under which one each proxy was asked."""
    by_name = {info.name: info for info in infos}
    return [
        ScoreRow(
            space=setting.space,
            arch=arch,
            proxy=name,
            proxy_version=by_name[name].version,
            init=setting.init,
            seed=seed,
            images=setting.images,
            batch_size=setting.batch_size,
            teacher=setting.teacher if by_name[name].teacher else "",
            device=device_kind(setting.device),
            precision=setting.precision,
            value=answer.value,
            status=answer.status,
            reason=answer.reason,
            seconds=answer.seconds,
        )
        for (name, seed), found in answers.items()
        for setting in (settings[name],)
        for arch, answer in found.items()
    ]


def measure(runner: Runner, ask: Ask) -> Measured:
    """All scores of a study, from the store, from the released tables or made now."""
    study, before = ask.study, runner.from_tables
    found: Answers = {}
    for answers in runner.answer(ask.requests, ask.label):
        found |= answers
    ordered = {(info.name, seed): found[info.name, seed] for seed in study.seeds for info in ask.infos}
    return Measured(ask, ordered, runner.from_tables - before)


def agreement(low: Array, full: Array) -> Correlation:
    """The correlation of two sets of scores (seeds, n), both averaged over seeds; empty where one says nothing."""
    first, second = low.mean(axis=0), full.mean(axis=0)
    both = np.isfinite(first) & np.isfinite(second)
    try:
        (row,) = correlate(second[both], {"low": first[both]}, {"low": "higher"}, baselines=(), resamples=RESAMPLES)
    except UsageError:
        return Correlation("low", "higher", "constant", int(both.sum()), int((~both).sum()), "", 1, 0)
    return row


def difference(first: Measured, second: Measured, proxy: str) -> Estimate:
    """Spearman of a proxy under the first setting minus that under the second, as `paired`."""
    return first.gap(first.oriented(proxy), second.oriented(proxy))


def failures(measured: Iterable[Measured]) -> list[Note]:
    """What a reader must know about scores that did not fit into memory or were computed in parts."""
    short: Counter[str] = Counter()
    split = 0
    for one in measured:
        for (name, _), found in one.answers.items():
            short[name] += sum(answer.status == "out-of-memory" for answer in found.values())
            split += sum(answer.status == "ok" and "out of memory" in answer.reason for answer in found.values())
    notes = []
    if lacking := +short:
        listed = ", ".join(f"{name} {count}" for name, count in sorted(lacking.items()))
        left_out = f"Out of memory, and therefore left out: {listed} scores. A smaller --batch-size needs less."
        notes.append(Note(Topic.MEMORY, left_out))
    if split:
        in_parts = f"Out of memory on the whole batch, and therefore computed in parts: {split} scores."
        notes.append(Note(Topic.MEMORY, in_parts))
    return notes


def origins(measured: Iterable[Measured]) -> list[Note]:
    """How many of the scores were looked up in the released tables."""
    measured = list(measured)
    given = sum(one.from_tables for one in measured)
    if not given:
        return []
    total = sum(len(found) for one in measured for found in one.answers.values())
    text = f"{given:,} of {total:,} scores are from the released tables; --no-tables computes them."
    return [Note(Topic.ORIGIN, text)]


def distinct_records(measured: Sequence[Measured]) -> list[ScoreRow]:
    """The records of several measurements, what two of them share once."""
    rows = {
        (r.space, r.arch, r.proxy, r.init, r.seed, r.images, r.batch_size, r.teacher): r
        for one in measured
        for r in one.records()
    }
    return list(rows.values())
