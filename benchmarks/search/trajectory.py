"""The trajectory of a search on disk: product and checkpoint in one CSV, written line by line."""

import csv
import os
from pathlib import Path

from benchmarks.search.protocol import Evaluation, Line
from diswot_errors import DataError

NAME = "trajectory.csv"
COLUMNS = ("index", "arch", "fidelity", "value", "seconds", "reason")


def append(path: Path, index: int, evaluation: Evaluation) -> None:
    """Write evaluation `index`, from 1 on; the first one begins the file."""
    arch, fidelity, value, seconds, reason = evaluation.line
    with open(path, "w" if index == 1 else "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if index == 1:
            writer.writerow(COLUMNS)
        number = "" if value is None else repr(value)
        writer.writerow([index, arch, fidelity, number, repr(seconds), " ".join(reason.split())])


def read(path: Path) -> list[Line]:
    """All whole lines; of a search that was killed the last may be torn, and is cut off the file as well."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    rows = list(csv.reader(whole.decode("utf-8").splitlines()))
    if rows and tuple(rows[0]) != COLUMNS:
        raise DataError(f"{path} is not a trajectory: expected the columns {', '.join(COLUMNS)}")
    lines: list[Line] = []
    for number, row in enumerate(rows[1:], start=1):
        try:
            index, arch, fidelity, value, seconds, reason = row
            if int(index) != number:
                raise ValueError(f"index {index}")
            lines.append(Line(arch, int(fidelity), float(value) if value else None, float(seconds), reason))
        except ValueError as error:
            raise DataError(f"{path}, evaluation {number}: {error}; remove the damaged lines or start anew") from error
    return lines
