"""The trajectory of a search on disk: product and checkpoint in one CSV, written line by line."""

import csv
import json
import os
from pathlib import Path
from typing import IO, Any

from benchmarks.search.protocol import Answer
from diswot_errors import DataError, UsageError

COLUMNS = ("index", "arch", "fidelity", "value", "seconds", "reason")
Row = tuple[str, int, float | None, float, str]


class TrajectoryFile:
    """`search.json` says which search this is, `trajectory.csv` holds an evaluation a line, from 1 on.

    Every line is flushed as it comes; of a search that was killed the last line may be torn, and is then dropped.
    """

    def __init__(self, folder: Path, identity: dict[str, Any], resume: bool) -> None:
        self.path = Path(folder) / "trajectory.csv"
        about = Path(folder) / "search.json"
        if resume and self.path.exists():
            _refuse_another(about, identity)
            self.rows = _read(self.path)
        else:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)
            _replace(about, json.dumps(identity, indent=1) + "\n")
            _replace(self.path, ",".join(COLUMNS) + "\n")
            self.rows = []
        self._count = len(self.rows)
        self._file: IO[str] | None = None

    def __enter__(self) -> "TrajectoryFile":
        self._file = open(self.path, "a", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def append(self, answer: Answer) -> None:
        """Write one evaluation and flush it."""
        assert self._file is not None
        self._count += 1
        value = "" if answer.value is None else repr(answer.value)
        reason = " ".join(answer.reason.split())  # one line an evaluation
        self._writer.writerow([self._count, *answer.question.key, value, repr(answer.seconds), reason])
        self._file.flush()


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def _refuse_another(about: Path, identity: dict[str, Any]) -> None:
    try:
        found = json.loads(about.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot resume: {about} does not say which search {about.parent} holds ({error})") from error
    differing = [key for key in identity if found.get(key) != identity[key]]
    if differing:
        listed = "; ".join(f"{key} was {found.get(key)!r}, now {identity[key]!r}" for key in differing)
        raise UsageError(f"cannot resume: {about.parent} holds another search ({listed}); start it anew or elsewhere")


def _read(path: Path) -> list[Row]:
    """All whole lines; a torn last one is cut off the file as well."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        os.truncate(path, len(whole))
    lines = list(csv.reader(whole.decode("utf-8").splitlines()))
    if not lines or tuple(lines[0]) != COLUMNS:
        raise DataError(f"{path} is not a trajectory: expected the columns {', '.join(COLUMNS)}")
    rows: list[Row] = []
    for number, line in enumerate(lines[1:], start=1):
        try:
            index, arch, fidelity, value, seconds, reason = line
            if int(index) != number:
                raise ValueError(f"index {index}")
            rows.append((arch, int(fidelity), float(value) if value else None, float(seconds), reason))
        except ValueError as error:
            raise DataError(f"{path}, evaluation {number}: {error}; remove the damaged lines or start anew") from error
    return rows
