"""The rows of Table 8: which search each is, and which seconds pay for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from diswot_errors import UsageError
from reports.published import published

Kind = Literal["accuracy", "score", "shared", "draw", "largest"]
REFERENCE = "random"


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
    paid_as: str = ""
    """The row whose printed seconds it gets, where the paper prints none for it."""
    settings: tuple[tuple[str, Any], ...] = ()
    """Of the strategy."""

    def seconds(self, data: str) -> float:
        """The printed search time, which every search of the row gets."""
        paper = published("search")
        number = paper.number(self.key, f"{data}_seconds") or paper.number(self.paid_as or REFERENCE, f"{data}_seconds")
        assert number is not None
        return number.value


ONCE = (("repeats", False),)
"""The paper does not say whether a network may enter twice; here seconds pay for networks that are new."""
ALONE = ("trained alone, not distilled",)
VARIANT = ("a variant of BOHB that proposes nothing twice",)
_EVERY = (
    Contender("random", "RS", "accuracy", "random", "valid:12"),
    Contender("reinforce", "RL", "accuracy", "reinforce", "valid:12"),
    Contender("bohb", "BOHB (our variant)", "accuracy", "bohb", "valid", VARIANT),
    Contender("evolution-aging", "REA (added)", "accuracy", "evolution-aging", "valid:12"),
    Contender("evolution", "Algorithm 1 on accuracy (added)", "accuracy", "evolution", "valid:12"),
    Contender("rsps", "RSPS", "shared", "rsps"),
    Contender("gdas", "GDAS", "shared", "gdas"),
    Contender("darts", "DARTS", "shared", "darts"),
    Contender("nwot", "NWOT", "score", "random", "nwot"),
    Contender("te-nas", "TE-NAS", "score", "random", "te_nas"),
    Contender("diswot", "DisWOT M_s & M_r", "score", "evolution", "diswot", ALONE, "", ONCE),
    Contender("m_r", "DisWOT M_r", "score", "evolution", "m_r", ALONE, "", ONCE),
    Contender(
        "diswot_released", "DisWOT, released form (added)", "score", "evolution", "diswot_released", (), "diswot", ONCE
    ),
    Contender("draw", "one random cell (added)", "draw"),
    Contender("largest", "largest network (added)", "largest"),
)
CONTENDERS = {contender.key: contender for contender in _EVERY}
PAYER = CONTENDERS["nwot"]
"""The row whose printed seconds all scores get for which Table 8 prints none."""


def paid_for(score: str, data: str) -> float:
    """The seconds that Table 8 prints for a search by a score."""
    return next((row for row in _EVERY if row.kind == "score" and row.score == score), PAYER).seconds(data)


@dataclass(frozen=True)
class Terms:
    """What all searches of a table share."""

    compute: bool
    """Score what is not known, under the setting below; else search among the networks whose scores are there."""
    budget: int | None
    """Evaluations of a search by a score, at most."""
    images: str
    """`real`: those of each data set; else an image source for all."""
    batch_size: int
    teacher: str
    teacher_weights: Path | None
    device: str
    shared_minutes: float | None
    """For the training of one shared network; None: the rows that need one are not run."""


def named(option: str, text: str, known: Mapping[str, Any]) -> list[str]:
    """The names of a comma list, or all that are known."""
    names = list(known) if text == "all" else text.split(",")
    for name in names:
        if name not in known:
            raise UsageError(f"{option} {name}: expected some of {', '.join(known)}")
    return names
