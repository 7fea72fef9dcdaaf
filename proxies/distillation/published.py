"""What the authors of a loss set: the weights, the warm-up, and which epoch the accuracies that they print are of."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True)
class WarmUp:
    """A weight that grows: min(1, (e + first) / epochs) in epoch e, from 0, of a schedule of `of` epochs."""

    epochs: int = 20
    first: int = 0
    of: int = 240

    def share(self, epoch: int, epochs: int) -> float:
        """The factor in epoch `epoch`, from 0, of `epochs`: the mean over those of the schedule that it stands for.

        So that a short run has the loss for as large a part of its time as a long one.
        """
        start = epoch * self.of // epochs
        stop = max(start + 1, (epoch + 1) * self.of // epochs)
        return fmean(min(1.0, (each + self.first) / self.epochs) for each in range(start, stop))


@dataclass(frozen=True)
class Published:
    """A setting as it is printed: ce * CE + kd * KD + weight * term, each None where it is not known.

    `inside`: numbers of the term itself. `accuracy`: the epoch that printed accuracies are of. `differs`: what is
    otherwise here, and why; empty where nothing is.
    """

    source: str
    ce: float | None = None
    kd: float | None = None
    weight: float | None = None
    warm_up: WarmUp | None = None
    inside: str = ""
    accuracy: str = ""
    differs: str = ""

    @property
    def known(self) -> bool:
        """Whether all weights are printed."""
        return None not in (self.ce, self.kd, self.weight)


LAST, BEST = "last epoch", "best epoch"
"""The last epoch's accuracy is that of a run; the best is chosen on the test images, and so optimistic."""

REPDISTILLER = "RepDistiller, train_student.py"
MDISTILLER = "mdistiller, configs/cifar100"


def repdistiller(flags: str, ce: float, weight: float, inside: str = "", differs: str = "") -> Published:
    """A setting of RepDistiller, gamma * CE + beta * term, whose accuracies are of the last epoch."""
    return Published(f"{REPDISTILLER} {flags}", ce, 0.0, weight, inside=inside, accuracy=LAST, differs=differs)
