"""One record per number, and a ground truth: records under one set of conditions, one value per architecture."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from diswot_errors import UsageError
from nb201_data.skeleton import Skeleton

if TYPE_CHECKING:
    from pandas import DataFrame

Kind = Literal["measured", "benchmark", "published", "user"]


@dataclass(frozen=True, slots=True)
class Record:
    """One accuracy and the conditions it was reached under."""

    space: str
    arch: str  # str() of the architecture
    skeleton: str  # str() of a `Skeleton`; empty for networks of another kind
    images: str  # 'cifar100'; empty where not stated, as everywhere below
    split: str  # 'test', 'valid'
    epochs: int | None  # None where not stated
    teacher: str  # empty: trained alone
    protocol: str
    seed: int | None  # None: not stated, or already a mean over seeds
    accuracy: float  # top-1 in percent


FIELDS = tuple(field.name for field in fields(Record))
CONDITIONS = tuple(name for name in FIELDS if name not in ("arch", "seed", "accuracy"))


@dataclass(frozen=True)
class GroundTruth:
    """Accuracies of architectures under one set of conditions; `note` says in a sentence what they are."""

    name: str
    kind: Kind
    records: tuple[Record, ...]
    note: str

    @property
    def space(self) -> str:
        """Name of the search space, as `get_space` knows it."""
        return self.records[0].space

    @property
    def skeleton(self) -> Skeleton | None:
        """The skeleton that was trained: what must be scored. None where it is not stated."""
        text = self.records[0].skeleton
        return Skeleton.parse(text) if text else None

    @property
    def images(self) -> str:
        """The data set that was trained on, such as `cifar100`."""
        return self.records[0].images

    @property
    def teacher(self) -> str:
        """The teacher, or an empty text where the networks were trained alone."""
        return self.records[0].teacher

    @property
    def protocol(self) -> str:
        """The recipe they were trained with."""
        return self.records[0].protocol

    @cached_property
    def runs(self) -> dict[str, tuple[Record, ...]]:
        """All records of each architecture, in order of seed."""
        runs: dict[str, list[Record]] = {}
        for record in self.records:
            runs.setdefault(record.arch, []).append(record)
        ordered = {arch: sorted(group, key=lambda r: (r.seed is None, r.seed or 0)) for arch, group in runs.items()}
        return {arch: tuple(group) for arch, group in ordered.items()}

    @cached_property
    def values(self) -> dict[str, float]:
        """Accuracy in percent of each architecture: the mean over its seeds."""
        return {arch: fmean(record.accuracy for record in group) for arch, group in self.runs.items()}

    @cached_property
    def digest(self) -> str:
        """Of all accuracies, so that a table that has grown or changed is told from the one that was used."""
        lines = "".join(f"{arch},{self.values[arch]!r}\n" for arch in sorted(self.values))
        return hashlib.sha256(lines.encode()).hexdigest()[:16]

    @cached_property
    def seeds(self) -> dict[str, tuple[int | None, ...]]:
        """The seeds of each architecture."""
        return {arch: tuple(record.seed for record in group) for arch, group in self.runs.items()}

    def __len__(self) -> int:
        return len(self.values)

    def frame(self) -> "DataFrame":
        """The records as a pandas table, one row each, for notebooks."""
        from pandas import DataFrame

        return DataFrame([asdict(record) for record in self.records], columns=list(FIELDS))

    def value(self, arch: object) -> float:
        """Accuracy of one architecture, given as such or as its string."""
        key = str(arch)
        if key not in self.values:
            example = next(iter(self.values))
            raise UsageError(
                f"{self.name} has no accuracy of {key}: it has {len(self)} architectures, such as {example}"
            )
        return self.values[key]


def ground_truth(name: str, kind: Kind, records: Iterable[Record], note: str) -> GroundTruth:
    """A ground truth of `records`; refused unless they share all conditions and no run is there twice.

    `note` may hold `{n}` for the number of architectures and `{runs}` for their runs.
    """
    chosen = tuple(records)
    if not chosen:
        raise UsageError(f"{name} matches no accuracy")
    mixed = {f: sorted({str(getattr(r, f)) for r in chosen}) for f in CONDITIONS}
    mixed = {field: values for field, values in mixed.items() if len(values) > 1}
    if mixed:
        listed = "; ".join(f"{field}: {', '.join(values)}" for field, values in mixed.items())
        ready = "".join(f":{field}={getattr(chosen[0], field)}" for field in mixed)  # those of one that is there
        raise UsageError(
            f"{name} holds numbers of different conditions, one of each was meant ({listed}). "
            f"Choose, as in {name}{ready}"
        )
    (arch, seed), most = Counter((r.arch, r.seed) for r in chosen).most_common(1)[0]
    if most > 1:
        raise UsageError(f"{name} has {most} accuracies of {arch} with seed {seed}, one was meant")
    n = len({r.arch for r in chosen})
    runs = "one run each" if len(chosen) == n else f"{len(chosen)} runs"
    return GroundTruth(name, kind, chosen, note.replace("{n}", f"{n:,}").replace("{runs}", runs))


def narrow(name: str, records: Iterable[Record], conditions: dict[str, str]) -> list[Record]:
    """The records that meet every condition `field=value`; an error that lists the values there are where none does."""
    chosen = list(records)
    for field, wanted in conditions.items():
        if field not in FIELDS:
            raise UsageError(f"unknown condition '{field}' in {name}: expected one of {', '.join(FIELDS)}")
        there = sorted({_text(getattr(r, field)) for r in chosen})
        chosen = [r for r in chosen if _text(getattr(r, field)) == wanted]
        if not chosen:
            shown = ", ".join(repr(value) for value in there[:12]) + (", ..." if len(there) > 12 else "")
            raise UsageError(f"{name}: nothing has {field} '{wanted}'; there is {shown}")
    return chosen


def _text(value: object) -> str:
    return "" if value is None else str(value)
