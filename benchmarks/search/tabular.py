"""Validation accuracy from a table as an objective, and what it would have cost to train. No torch."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.search.objective import EachByItself
from benchmarks.search.protocol import Trial, Value
from diswot_errors import UsageError
from nb201_data.datasets import DATASETS
from nb201_data.ground_truth import is_file, load_ground_truth
from nb201_data.spaces import SearchSpace

SECONDS_PER_IMAGE = 9.14 / 25_000
"""Training seconds per image and epoch on the benchmark's own GPUs, mean over its cells.

A model, not the benchmark's own number for each cell: the table here holds no times. 9.14 s is the mean time of an
epoch on the 25,000 training images of CIFAR-10 that users of the official file report for its cells.
"""


def training_seconds(images: str, epochs: int) -> float:
    """Seconds to train one cell of the benchmark for `epochs`, by the model above; 0 for other images."""
    return epochs * (DATASETS[images].searched_on if images in DATASETS else 0) * SECONDS_PER_IMAGE


@dataclass(frozen=True)
class TabularObjective(EachByItself):
    """Accuracy by (epochs, str(arch)); an evaluation costs what the training would have."""

    name: str
    fidelities: tuple[int, ...]
    tables: Mapping[int, Mapping[str, float]] = field(repr=False)
    seconds: Mapping[int, float]

    def value(self, trial: Trial) -> Value:
        """What the table says."""
        accuracy = self.tables[trial.fidelity].get(str(trial.arch))
        return Value(accuracy, "" if accuracy is not None else "not in the table", self.seconds[trial.fidelity])

    def probe(self, archs: Sequence[Any]) -> float:
        """Seconds for one network: looking it up takes none."""
        return 0.0


def tabular_objective(space: SearchSpace, name: str) -> TabularObjective:
    """`nb201:cifar10:valid` (12 and 200 epochs), `nb201:cifar10:valid:12`, or a CSV of validation accuracies.

    A table of test accuracies is refused: what a search looks at cannot be what it is judged by.
    """
    match = re.fullmatch(r"nb201:([^:]+):([^:]+)", name)
    names = [f"{name}:12", f"{name}:200"] if match else [name]
    truths = [load_ground_truth(each) for each in names]
    for truth in truths:
        split = truth.records[0].split
        if split != "valid":
            raise UsageError(
                f"{truth.name} holds {split or 'unknown'} accuracies: a search may look at validation accuracy only, "
                f"as in nb201:cifar10:valid:12"
            )
        if truth.space != space.name:
            raise UsageError(f"{truth.name} is of the space {truth.space}, the search of {space.name}")
    tables = {truth.records[0].epochs or 0: truth.values for truth in truths}
    cost = {epochs: training_seconds(truths[0].images, epochs) for epochs in tables}
    shown = f"{name} ({truths[0].digest})" if is_file(name) else name  # a file may hold other numbers tomorrow
    return TabularObjective(shown, tuple(sorted(tables)), tables, cost)
