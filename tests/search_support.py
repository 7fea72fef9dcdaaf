"""Objectives whose best is known."""

import random

from benchmarks.search import EachByItself, Trial, Value
from nb201_data.space import Cell

BEST = Cell.parse("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|")


def likeness(cell: Cell) -> float:
    """A known landscape: edges shared with BEST, weighted, and ruggedness that depends on the cell alone."""
    shared = sum(weight for weight, a, b in zip((1, 2, 1, 3, 2, 2), cell.ops, BEST.ops, strict=True) if a == b)
    return shared + random.Random(str(cell)).gauss(0, 0.5)


class Epochs(EachByItself):
    """An objective with two fidelities: the low one is a noisy, cheaper view of the high one."""

    name = "epochs"
    fidelities = (12, 200)

    def value(self, trial: Trial) -> Value:
        noise = random.Random(f"{trial.arch}@12").gauss(0, 1) if trial.fidelity == 12 else 0.0
        return Value(likeness(trial.arch) + noise, seconds=float(trial.fidelity))
