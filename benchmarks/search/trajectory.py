"""The trajectory of a search on disk: product and checkpoint in one CSV, written line by line.

Every line ends with digits of the hash of what it says: a value that was altered later does not lead a search astray.
"""

import csv
import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.search.protocol import Evaluation, Trial
from diswot_errors import DataError
from nb201_data.truth.csv_rows import read_rows

NAME = "trajectory.csv"
COLUMNS = ("index", "arch", "fidelity", "value", "seconds", "reason", "seal")


def append(path: Path, index: int, evaluation: Evaluation) -> None:
    """Write evaluation `index`, from 1 on; the first one begins the file."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    if index == 1:
        writer.writerow(COLUMNS)
    value = "" if evaluation.value is None else repr(evaluation.value)
    reason = " ".join(evaluation.reason.split())  # one line an evaluation
    arch, fidelity = evaluation.trial.key
    cells = [str(index), arch, str(fidelity), value, repr(evaluation.seconds), reason]
    writer.writerow([*cells, _seal(cells)])
    try:
        with open(path, "w" if index == 1 else "a", newline="", encoding="utf-8") as file:
            file.write(lines.getvalue())
    except OSError as error:
        raise DataError(
            f"cannot write {path}: {error.strerror}; free some space or choose another --out, what it had is kept"
        ) from error


def read(path: Path) -> list[Evaluation]:
    """All whole lines, the architectures as text; of a search that was killed the last may be torn, and is cut off."""
    try:
        content = path.read_bytes() if path.exists() else b""
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.truncate(path, whole)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; check its permissions") from error
    found: list[Evaluation] = []
    for row in read_rows(path, COLUMNS) if whole else ():
        try:
            if row.integer("index") != len(found) + 1:
                raise ValueError(f"expected index {len(found) + 1}")
            if row.cells["seal"] != _seal([row.cells[name] for name in COLUMNS[:-1]]):
                raise ValueError("the line was altered")
            value = float(row.cells["value"]) if row.cells["value"] else None
            trial = Trial(row.cells["arch"], int(row.cells["fidelity"]))
            found.append(Evaluation(trial, value, float(row.cells["seconds"]), row.cells["reason"]))
        except ValueError as error:
            raise row.fault("index", f"{error}; remove the damaged lines or start anew") from error
    return found


def _seal(cells: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(cells).encode()).hexdigest()[:16]
