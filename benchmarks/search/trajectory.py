"""The trajectory of a search on disk: product and checkpoint in one CSV, written line by line."""

import csv
import os
from pathlib import Path

from benchmarks.search.protocol import Evaluation, Trial
from nb201_data.truth.csv_rows import read_rows

NAME = "trajectory.csv"
COLUMNS = ("index", "arch", "fidelity", "value", "seconds", "reason")


def append(path: Path, index: int, evaluation: Evaluation) -> None:
    """Write evaluation `index`, from 1 on; the first one begins the file."""
    with open(path, "w" if index == 1 else "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if index == 1:
            writer.writerow(COLUMNS)
        value = "" if evaluation.value is None else repr(evaluation.value)
        reason = " ".join(evaluation.reason.split())  # one line an evaluation
        writer.writerow([index, *evaluation.trial.key, value, repr(evaluation.seconds), reason])


def read(path: Path) -> list[Evaluation]:
    """All whole lines, the architectures as text; of a search that was killed the last may be torn, and is cut off."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    found: list[Evaluation] = []
    for row in read_rows(path, COLUMNS) if whole else ():
        try:
            if row.integer("index") != len(found) + 1:
                raise ValueError(f"expected index {len(found) + 1}")
            value = float(row.cells["value"]) if row.cells["value"] else None
            trial = Trial(row.cells["arch"], int(row.cells["fidelity"]))
            found.append(Evaluation(trial, value, float(row.cells["seconds"]), row.cells["reason"]))
        except ValueError as error:
            raise row.fault("index", f"{error}; remove the damaged lines or start anew") from error
    return found
