"""The rows of Table 8 as searches: each knows the validation data and the scores, but no test accuracy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.search.choices import NATIVE
from diswot_errors import UsageError
from nb201_data.spaces import SearchSpace, get_space
from reports.published import published

Kind = Literal["accuracy", "score", "ranks", "shared", "draw", "largest"]
RANKED_IMAGES = 16  # at most, where each image costs a backward pass of its own


@dataclass(frozen=True)
class Contender:
    """How one row is measured. `key` is that of the published table; rows that it lacks are ours."""

    key: str
    label: str
    kind: Kind
    strategy: str = ""
    score: str = ""
    differs: tuple[str, ...] = ()
    """Where it is known to be another measurement than the published one."""


SMALL, ALONE = ("a small shared network",), ("trained alone, where the paper distils",)
VARIANT = ("a variant of BOHB that proposes nothing twice",)
_EVERY = (
    Contender("random", "RS", "accuracy", "random", "valid:12"),
    Contender("reinforce", "RL", "accuracy", "reinforce", "valid:12"),
    Contender("bohb", "BOHB (our variant)", "accuracy", "bohb", "valid", VARIANT),
    Contender("evolution-aging", "REA (added)", "accuracy", "evolution-aging", "valid:12"),
    Contender("evolution", "Algorithm 1 on accuracy (added)", "accuracy", "evolution", "valid:12"),
    Contender("rsps", "RSPS", "shared", "rsps", differs=SMALL),
    Contender("gdas", "GDAS", "shared", "gdas", differs=SMALL),
    Contender("darts", "DARTS", "shared", "darts", differs=SMALL),
    Contender("nwot", "NWOT", "score", "random", "nwot"),
    Contender("te-nas", "TE-NAS", "ranks", "random", "te_nas"),
    Contender("diswot", "DisWOT M_s & M_r", "score", "evolution", "diswot", ALONE),
    Contender("m_r", "DisWOT M_r", "score", "evolution", "m_r", ALONE),
    Contender("diswot_released", "DisWOT, released form (added)", "score", "evolution", "diswot_released"),
    Contender("draw", "one random cell (added)", "draw"),
    Contender("largest", "largest network (added)", "largest"),
)
CONTENDERS = {contender.key: contender for contender in _EVERY}


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
    teacher_weights: Path | None
    device: str
    shared_epochs: int
    shared_images: int


@dataclass(frozen=True)
class Entry:
    """One search."""

    data: str
    contender: Contender
    seed: int
    seconds: float
    """The published search time, the budget of searches by accuracy."""
    terms: Terms

    @property
    def key(self) -> tuple[str, str, int]:
        """Which search it is."""
        return self.data, self.contender.key, self.seed

    @property
    def space(self) -> SearchSpace:
        """The benchmark's cells in the skeleton of the data set."""
        return get_space("nb201").with_skeleton(NATIVE[self.data])

    @property
    def steps(self) -> int:
        """Networks that are scored for it; 1 where none is."""
        return {"score": self.terms.budget, "ranks": self.terms.ranked_budget}.get(self.contender.kind, 1)

    def folder(self, out: Path) -> Path:
        """Of its own."""
        return out / "searches" / f"{self.data}-{self.contender.key}-{self.seed}"


def entries_of(
    contenders: Sequence[Contender], names: Sequence[str], seeds: int, shared_seeds: int, terms: Terms
) -> list[Entry]:
    """All searches of the table."""
    paper = published("search")
    count = {"shared": min(seeds, shared_seeds), "largest": 1}
    entries = []
    for contender in contenders:
        for name in names:
            number = paper.number(contender.key, f"{name}_seconds") if contender.kind == "accuracy" else None
            number = number or paper.number("random", f"{name}_seconds")
            assert number is not None
            seeded = range(count.get(contender.kind, seeds))
            entries += [Entry(name, contender, seed, number.value, terms) for seed in seeded]
    return entries


def named(option: str, text: str, known: Mapping[str, Any]) -> list[str]:
    """The names of a comma list, or all that are known."""
    names = list(known) if text == "all" else text.split(",")
    for name in names:
        if name not in known:
            raise UsageError(f"{option} {name}: expected some of {', '.join(known)}")
    return names
